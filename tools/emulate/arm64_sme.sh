#!/usr/bin/env bash
# Builds the tests of kernels and ops for AArch64 with SME (clang 19) as one program and runs its SME cases in QEMU 10 at
# three streaming vector lengths, and on a CPU without SME, where all of them must be skipped. Checks in the disassembly
# what no test sees: that the f32 tile is four outer products for four loads, and that streaming mode calls nothing.
#   tools/emulate/arm64_sme.sh [CMAKE_ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/install_deps.sh build arm64 sme
tools/emulate/arm64_sysroot.sh
tools/emulate/arm64_sme_parts.sh
cmake --preset arm64-sme "$@"
cmake --build --preset arm64-sme

build=build-arm64-sme
tools/check_sme_code.py "$build/CMakeFiles/rooms_static.dir/src/kernels/matmul/matmul_sme.cc.o"

export LATHE_TEST_EMULATED=1
status=0
run() {  # CPU LOG FILTER
  build-arm64-sme-parts/usr/bin/qemu-aarch64 -cpu "$1" $build/kernels_static --gtest_brief=0 --gtest_filter="$3" \
    >"$build/$2" 2>&1 || status=$?
  grep -E '^\[  FAILED |Failure$' "$build/$2" | tail -40 || true
}
count() { grep -cE "^\[ +$1 \] .*sme.*\)\$" "$build/$2" || true; }  # OUTCOME LOG

ran=""
for bits in 128 256 512; do
  run "max,sme$bits=on" "sme$bits.log" "*sme*:StreamingMode.*:MatmulPlan.*:Bf16.*:*GiveTheSameBits*neon_a8_q6_k_row*"
  seen=$(grep -c "streaming vectors of $bits bits" "$build/sme$bits.log" || true)
  [ "$seen" -eq 1 ] || { echo "sme$bits: the tests did not see vectors of $bits bits" >&2 && status=1; }
  ran+="$(count OK "sme$bits.log") "
done
run max,sme=off without.log "*sme*"
read -r short middle long <<<"$ran"
passed=$(count OK without.log) skipped=$(count SKIPPED without.log) all=$((long + $(count SKIPPED sme512.log)))
echo "emulated SME: $short, $middle and $long cases passed with vectors of 128, 256 and 512 bits;" \
  "without SME $passed passed and $skipped were skipped; exit status $status, logs in $build"
[ "$status" -eq 0 ] && [ "$short" -gt 0 ] && [ "$middle" -eq "$short" ] && [ "$long" -eq "$short" ] &&
  [ "$passed" -eq 0 ] && [ "$skipped" -eq "$all" ]
