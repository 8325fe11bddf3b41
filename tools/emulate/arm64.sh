#!/usr/bin/env bash
# Builds the tests of kernels and ops for AArch64 as one program and runs it in QEMU: all of them on a CPU that has
# everything, and those of the vector rows on one that has NEON alone. Fails where no case of an instruction set ran.
#   tools/emulate/arm64.sh [CMAKE_ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/install_deps.sh build arm64
tools/emulate/arm64_sysroot.sh
cmake --preset arm64 "$@"
cmake --build --preset arm64 --target kernels_static

export LATHE_TEST_EMULATED=1
status=0
run() {  # CPU LOG ARGUMENT...
  local cpu=$1 log=$2
  shift 2
  qemu-aarch64-static -cpu "$cpu" build-arm64/kernels_static --gtest_brief=0 "$@" >"$log" 2>&1 || status=$?
  grep -E '^\[  FAILED |Failure$' "$log" | tail -40 || true
}
passed() { grep -cE "^\[       OK \] .*$1" "$2" || true; }  # PATTERN LOG

run max build-arm64/max.log
run cortex-a53 build-arm64/cortex-a53.log --gtest_filter='*neon*:*dotprod*'
all=$(passed '' build-arm64/max.log) neon=$(passed neon build-arm64/max.log) dot=$(passed dotprod build-arm64/max.log)
old=$(passed neon build-arm64/cortex-a53.log) unfit=$(passed dotprod build-arm64/cortex-a53.log)
echo "emulated arm64: $all cases passed, $neon neon and $dot dotprod; on a core with NEON alone $old neon and $unfit" \
  "dotprod; exit status $status, logs in build-arm64"
[ "$status" -eq 0 ] && [ "$neon" -gt 0 ] && [ "$dot" -gt 0 ] && [ "$old" -eq "$neon" ] && [ "$unfit" -eq 0 ]
