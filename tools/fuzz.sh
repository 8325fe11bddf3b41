#!/usr/bin/env bash
# Builds the fuzzers with clang, AddressSanitizer and UndefinedBehaviorSanitizer and runs each for that long, as many at
# once as there are cores. A run starts from the corpus that is kept in tests/fuzz/corpus; what it adds lies in
# build-fuzz/fuzz/NAME.corpus, the input of a crash, timeout, leak or too much memory in build-fuzz/fuzz/NAME.found-*.
#   tools/fuzz.sh SECONDS [NAME...]      such as: tools/fuzz.sh 60 gguf index        BUILD=FOLDER takes another folder
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "fuzz.sh: SECONDS is '$seconds', needed: a whole number of at least 1" >&2
  exit 2
fi
build=$(realpath -m "${BUILD:-build-fuzz}")
shift
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cc; do names+=("$(basename "$source" .cc)"); done
fi
names=("${names[@]/#fuzz_/}")
for name in "${names[@]}"; do
  [ -f "tests/fuzz/fuzz_$name.cc" ] || { echo "fuzz.sh: there is no tests/fuzz/fuzz_$name.cc" >&2 && exit 2; }
done

tools/install_deps.sh build fuzz
mkdir -p "$build/fuzz"
cmake --preset fuzz -B "$build" >"$build/fuzz/build.log"
cmake --build "$build" --target "${names[@]/#/fuzz_}" >>"$build/fuzz/build.log" 2>&1 || { tail -n 40 "$build/fuzz/build.log" >&2 && exit 1; }

# One line of figures; on a failure the end of the fuzzer's own words.
run_one() {
  local name=fuzz_$1 log=$build/fuzz/fuzz_$1.log outcome=ok
  mkdir -p "$build/fuzz/$name.corpus"
  # A free'd block is held back for a while: 16 MiB of such leave the limit on the whole process a meaning. The bound on
  # what the reader itself takes, 64 MiB and twice the file's size, is held exactly by tests/fuzz/memory_bound.h.
  ASAN_OPTIONS=quarantine_size_mb=16 UBSAN_OPTIONS=print_stacktrace=1 "$build/fuzz/$name" \
    -max_total_time="$seconds" -timeout=60 -rss_limit_mb=512 -malloc_limit_mb=80 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$build/fuzz/$name.found-" "$build/fuzz/$name.corpus" "tests/fuzz/corpus/$name" >"$log" 2>&1 || outcome=FAILED
  figure() { grep -aoP "^stat::$1: *\K[0-9]+" "$log" || echo '?'; }
  printf 'fuzz: %-16s %-6s %10s executions, %4s MiB at most\n' "$1" $outcome "$(figure number_of_executed_units)" "$(figure peak_rss_mb)"
  [ $outcome = ok ] || { tail -n 40 "$log" | cut -c1-300 && return 1; }
}
export -f run_one
export build seconds
if printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run_one {}'; then
  echo "fuzz: all passed"
else
  echo "fuzz: FAILED, the inputs are in $build/fuzz/*.found-*"
  exit 1
fi
