#!/usr/bin/env bash
# Builds the tests below src/ for AArch64 as one program and runs it in QEMU: all of them on a CPU that has everything, and
# on one that has NEON alone those of the vector rows and of whole models. Fails where a case was lost on the way, where
# no case of an instruction set ran, or where one ran on a CPU that lacks it.
#   tools/emulate/arm64.sh [all|kernels] [CMAKE_ARGUMENT...]
# kernels: only those of kernels and ops, a third of the time.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=all_tests
case "${1:-}" in
  all) shift ;;
  kernels) target=kernels_static && shift ;;
esac
tools/install_deps.sh build arm64
tools/emulate/arm64_sysroot.sh
cmake --preset arm64 "$@"
cmake --build --preset arm64 --target $target

export LATHE_TEST_EMULATED=1
cd build-arm64
program=(qemu-aarch64-static -L ../build-arm64-sysroot)
status=0
# run LOG CPU FILTER: as many processes as the machine has processors, each with its share of the cases.
run() {
  local log=$1.log cpu=$2 shard pids=()
  export GTEST_TOTAL_SHARDS
  GTEST_TOTAL_SHARDS=$(nproc)
  for ((shard = 0; shard < GTEST_TOTAL_SHARDS; ++shard)); do
    GTEST_SHARD_INDEX=$shard "${program[@]}" -cpu "$cpu" ./$target --gtest_brief=0 --gtest_filter="$3" \
      >"$log.$shard" 2>&1 &
    pids+=($!)
  done
  for shard in "${pids[@]}"; do wait "$shard" || status=$?; done
  unset GTEST_TOTAL_SHARDS
  cat "$log".[0-9]* >"$log"
  rm "$log".[0-9]*
  grep -aE '^\[  FAILED |Failure$' "$log" | tail -40 || true
}
count() { grep -acE "^\[ +$1 \] .*$2.* \([0-9]+ ms\)" "$3.log" || true; }  # OUTCOME PATTERN LOG

cases=$("${program[@]}" ./$target --gtest_list_tests | grep '^  ' | grep -vc DISABLED_)
run max max '*'
run cortex-a53 cortex-a53 '*neon*:*dotprod*:*i8mm*:*/EmbedBits.*:*/GenerateBits.*'

passed=$(count OK '' max) skipped=$(count SKIPPED '' max)
rows=() absent=0
for isa in neon_ dotprod i8mm sve neon_bf16; do
  of_isa=$(count OK "[./]${isa}" max)
  rows+=("$of_isa ${isa%_}")
  [ "$of_isa" -gt 0 ] || absent=1
done
old=$(count OK '' cortex-a53) unfit=$(count OK '[./](dotprod|i8mm|neon_bf16)' cortex-a53)
echo "emulated arm64: $passed of $cases cases passed and $skipped were skipped; ${rows[*]}; on a core with NEON alone" \
  "$old passed and $unfit of what it lacks; exit status $status, logs in build-arm64"
[ "$status" -eq 0 ] && [ $((passed + skipped)) -eq "$cases" ] && [ "$absent" -eq 0 ] && [ "$old" -gt 0 ] && [ "$unfit" -eq 0 ]
