# The front door. Every target works on a fresh Debian 12 as root or with sudo, from a clean clone.
JOBS ?= $(shell nproc)
CMAKE_ARGS ?=
MODEL ?=
export CMAKE_BUILD_PARALLEL_LEVEL = $(JOBS)
export CTEST_PARALLEL_LEVEL = $(JOBS)

.PHONY: build test demo probe-demo check format peers deps clean
build: deps  ## the library, the binary build/lathe, the tests and the benchmarks
	cmake --preset release $(CMAKE_ARGS)
	cmake --build --preset release

test: build  ## every test of the release build
	ctest --preset release --no-tests=error

demo: deps  ## fetches a small model, indexes the documents, answers three questions; MODEL=PATH takes another
	cmake --preset release $(CMAKE_ARGS)
	cmake --build --preset release --target lathe_cli
	@MODEL='$(MODEL)' tools/demo.sh build/lathe

probe-demo: deps  ## the matmul shapes of real models, every kernel verified and timed beside its peers
	cmake --preset release $(CMAKE_ARGS)
	cmake --build --preset release --target lathe_cli
	build/lathe probe matmul --preset models --quick

check:  ## layers, text, format, the checkers' own tests; object symbols where build/ exists
	tools/install_deps.sh check
	tools/check.sh

format:
	tools/install_deps.sh check
	git ls-files -z '*.cc' '*.h' | xargs -0 clang-format -i

peers:  ## OpenBLAS, BLIS, oneDNN for the probe, and the engines of bench/peers in build/peers (several GB, once)
	tools/install_deps.sh build peers
	JOBS=$(JOBS) bench/peers/setup.sh build/peers

deps:
	tools/install_deps.sh build

clean:
	rm -rf build build-*
