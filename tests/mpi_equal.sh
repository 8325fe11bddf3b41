#!/usr/bin/env bash
# Trains on one process and on 1, 2 and 3 ranks of each MPI that is installed: the checkpoints must be the same to the
# last byte. Then a signal to one rank, a rank that hangs and one that is killed: all must end within 30 seconds with
# what was reached, or with a sentence, and another number of ranks must go on to the same bytes.
#   tests/mpi_equal.sh LATHE_BINARY
set -euo pipefail
lathe=$(realpath "${1:?mpi_equal.sh: LATHE_BINARY is missing}")
folder=$(mktemp -d)
job=
trap '[ -z "$job" ] || kill -9 "$job" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
fail() { echo "mpi_equal: FAILED: $*" >&2; [ ! -f out ] || tail -n 30 out >&2; exit 1; }

for i in $(seq 400); do echo "line $i of a text about the number $((i * i % 97)) and nothing else"; done >text.txt
"$lathe" data build text.txt -o data.shard --tokenizer chars --quiet
echo '{"family": "llama", "width": 64, "layers": 2, "heads": 4, "context": 32}' >model.json
options=(--threads 1 --no-ceiling)
new=(--model model.json --data data.shard --batch 2 --accum 4 --eval-every 10 --save-every 10)
short=("${new[@]}" --steps 30)
"$lathe" train "${options[@]}" "${short[@]}" -o one --quiet

# The processes of a run's ranks, other than mpirun.
ranks_of() { pgrep -f "^$lathe train .*$1\$" || true; }
same() {
  for file in model.safetensors optimizer.safetensors train.json; do
    cmp "one/step-00000030/$file" "$1/step-00000030/$file" || fail "$2: $file differs from that of one process"
  done
}
# within SECONDS: the job has ended by then.
within() {
  local until=$((SECONDS + $1))
  while kill -0 "$job" 2>/dev/null; do
    [ "$SECONDS" -lt "$until" ] || fail "$2: the run has not ended $1 s later"
    sleep 0.1
  done
  wait "$job" 2>/dev/null || true
  job=
}
started() {
  for _ in $(seq 300); do
    compgen -G "$1/step-*" >/dev/null && return
    sleep 0.1
  done
  fail "$1 has no checkpoint after 30 s"
}
# The long run of two ranks that the faults hit, as the job.
begin_long() {
  rm -rf long
  "${mpirun[@]}" -n 2 "$lathe" train "${options[@]}" "${new[@]}" --steps 1000000 --schedule constant --keep 100000 \
    -o long >out 2>&1 &
  job=$!
  started long
}

tried=()
for mpi in openmpi mpich; do
  plugin=$(dirname "$lathe")/lathe_mpi_$mpi.so
  command=mpirun.$mpi
  command -v "$command" >/dev/null || command=mpirun
  if [ ! -f "$plugin" ] || ! command -v "$command" >/dev/null; then
    echo "mpi_equal: $mpi SKIPPED: needed are $plugin and mpirun.$mpi"
    continue
  fi
  mpirun=("$command")
  [ "$mpi" = mpich ] || mpirun+=(--allow-run-as-root --oversubscribe --bind-to none)

  for ranks in 1 2 3; do
    "${mpirun[@]}" -n "$ranks" "$lathe" train "${options[@]}" "${short[@]}" -o "$mpi-$ranks" >out 2>&1 ||
      fail "$mpi, $ranks ranks: exit code $?"
    same "$mpi-$ranks" "$mpi, $ranks ranks"
  done
  "${mpirun[@]}" -n 5 "$lathe" train "${options[@]}" "${short[@]}" -o none >out 2>&1 && fail "$mpi: 5 ranks for 4 passes"
  [ "$(grep -c 'accum is 4, needed: at least 5' out)" = 1 ] || fail "$mpi: not one sentence about 5 ranks for 4 passes"

  # A signal to the last rank: all save the same step and end, and three ranks go on.
  "${mpirun[@]}" -n 2 "$lathe" train "${options[@]}" "${short[@]}" --log-every 1 -o "$mpi-stop" >out 2>&1 &
  job=$!
  until grep -q 'step 1/30' out; do sleep 0.01; done
  kill -TERM "$(ranks_of "$mpi-stop" | tail -1)" 2>/dev/null || true
  within 30 "$mpi, a signal"
  "${mpirun[@]}" -n 3 "$lathe" train "${options[@]}" --resume "$mpi-stop" >out 2>&1 || grep -q 'more than the 30' out ||
    fail "$mpi: three ranks could not go on"
  same "$mpi-stop" "$mpi, stopped by a signal with 2 ranks, ended with 3"

  # A rank that hangs is named by the other. So is one that is killed, but MPICH's mpirun is quicker and names it itself.
  for signal in STOP KILL; do
    begin_long
    kill "-$signal" "$(ranks_of long | tail -1)"
    within 30 "$mpi, SIG$signal"
    case $signal in
      STOP) grep -q 'on host .* has given no sign of life for .* was waiting for the ' out ||
        fail "$mpi: no sentence about a rank that hangs" ;;
      KILL) grep -qE 'rank [0-9]+ on host .* has died; .* was waiting for the |EXIT CODE: 9' out ||
        fail "$mpi: no sentence about a rank that was killed" ;;
    esac
    [ -z "$(ranks_of long)" ] || fail "$mpi, SIG$signal: a rank has outlived its run"
    "$lathe" train "${options[@]}" --resume long --dry-run >out 2>&1 || fail "$mpi, SIG$signal left nothing to go on from"
  done
  tried+=("$mpi")
done
if [ ${#tried[@]} -eq 0 ]; then
  echo "mpi_equal: SKIPPED: no MPI is installed"
else
  echo "mpi_equal: passed with ${tried[*]}: 1, 2 and 3 ranks, signals, a rank that hangs, one that is killed"
fi
