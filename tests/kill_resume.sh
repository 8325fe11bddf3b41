#!/usr/bin/env bash
# Kills a training run with SIGKILL at random moments, saving included, and goes on with it each time: no complete
# checkpoint may be lost, and the weights and moments at the end must be those of a run that was never killed.
#   tests/kill_resume.sh LATHE_BINARY [KILLS]      KILLS: 5, or as many as wanted; SEED=N repeats a run's moments
set -euo pipefail
lathe=$(realpath "${1:?kill_resume.sh: LATHE_BINARY is missing}")
kills=${2:-5}
RANDOM=${SEED:-$$}
folder=$(mktemp -d)
process=
trap '[ -z "$process" ] || { kill -9 "$process" && wait "$process"; } 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

for i in $(seq 400); do echo "line $i of a text about the number $((i * i % 97)) and nothing else"; done >text.txt
"$lathe" data build text.txt -o data.shard --tokenizer chars --quiet
cat >model.json <<'EOF'
{"family": "llama", "width": 64, "layers": 2, "heads": 4, "context": 32}
EOF
# Enough steps that a run outlives all of its kills, and a save at every tenth, so that many kills hit one.
steps=$((400 + 100 * kills))
train=("$lathe" train --threads 1 --no-ceiling --quiet)
"${train[@]}" --model model.json --data data.shard -o whole --steps "$steps" --batch 4 --accum 2 --eval-every 25 --save-every 10

complete() { find "$1" -path "$1/step-*/COMPLETE" ! -path '*.unfinished/*' 2>/dev/null | wc -l; }
last_step() { find "$1" -maxdepth 1 -name 'step-*' ! -name '*.*' 2>/dev/null | sort | tail -1 | sed 's/.*step-0*//'; }

fail() { echo "kill_resume: FAILED: $*" >&2; exit 1; }

"${train[@]}" --model model.json --data data.shard -o run --steps "$steps" --batch 4 --accum 2 --eval-every 25 --save-every 10 &
process=$!
killed=0 mid_save=0 reached=0
while [ "$killed" -lt "$kills" ]; do
  sleep "0.$(printf '%03d' $((RANDOM % 700 + 50)))"
  if ! kill -9 "$process" 2>/dev/null; then break; fi  # it has ended: there was not enough left to do
  wait "$process" 2>/dev/null || true
  killed=$((killed + 1))
  compgen -G 'run/*.unfinished' >/dev/null && mid_save=$((mid_save + 1))
  if [ -n "$(last_step run)" ]; then
    now=$(last_step run)
    [ "$now" -ge "$reached" ] || fail "step $reached was complete before kill $killed, and the last one is $now"
    reached=$now
    "${train[@]}" --resume run --dry-run >/dev/null || fail "kill $killed left nothing to go on from"
    "${train[@]}" --resume run &
  else
    rm -rf run  # killed before the first checkpoint
    "${train[@]}" --model model.json --data data.shard -o run --steps "$steps" --batch 4 --accum 2 --eval-every 25 --save-every 10 &
  fi
  process=$!
done
wait "$process" || fail "the last part ended with an error"

last=$(printf 'step-%08d' "$steps")
[ "$(complete run)" -ge 2 ] || fail "fewer checkpoints than are kept"
for file in model.safetensors optimizer.safetensors; do
  cmp "whole/$last/$file" "run/$last/$file" || fail "$file differs from that of the run that was never killed"
done
[ "$(readlink whole/best)" = "$(readlink run/best)" ] || fail "another checkpoint is the best"
echo "kill_resume: passed, $killed kills, $mid_save of them while a checkpoint was written; the same bits at step $steps"
