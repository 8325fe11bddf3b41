#!/usr/bin/env bash
# Kills a training run with SIGKILL at random moments, saving included, and goes on with it each time: no complete
# checkpoint may be lost, and the weights and moments at the end must be those of a run that was never killed. Once for
# a decoder, and once for an encoder that learns from pairs of texts.
#   tests/kill_resume.sh LATHE_BINARY [KILLS] [decoder|pairs]   KILLS of each: 5, or as many as wanted; SEED=N repeats a
#                                                               run's moments, STEPS=N is how long it is
set -euo pipefail
lathe=$(realpath "${1:?kill_resume.sh: LATHE_BINARY is missing}")
kills=${2:-5}
kinds=("${@:3}")
[ ${#kinds[@]} -gt 0 ] || kinds=(decoder pairs)
RANDOM=${SEED:-$$}
folder=$(mktemp -d)
process=
trap '[ -z "$process" ] || { kill -9 "$process" && wait "$process"; } 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

fail() { echo "kill_resume: FAILED: $*" >&2; exit 1; }
complete() { find "$1" -path "$1/step-*/COMPLETE" ! -path '*.unfinished/*' 2>/dev/null | wc -l; }
last_step() { find "$1" -maxdepth 1 -name 'step-*' ! -name '*.*' 2>/dev/null | sort | tail -1 | sed 's/.*step-0*//'; }

# Enough steps that a run outlives all of its kills, and a save at every tenth, so that many kills hit one.
steps=${STEPS:-$((400 + 100 * kills))}
train=("$lathe" train --threads 1 --no-ceiling --quiet)
each=(--steps "$steps" --accum 2 --eval-every 25 --save-every 10)

decoder() {
  for i in $(seq 400); do echo "line $i of a text about the number $((i * i % 97)) and nothing else"; done >text.txt
  "$lathe" data build text.txt -o data.shard --tokenizer chars --quiet
  echo '{"family": "llama", "width": 64, "layers": 2, "heads": 4, "context": 32}' >model.json
  start=("${train[@]}" --model model.json --data data.shard --batch 4 "${each[@]}")
}

pairs() {
  printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' the of >vocab.txt
  for i in $(seq 97); do printf 'x%d\ny%d\n' "$i" "$i" >>vocab.txt; done
  for i in $(seq 300); do printf 'the x%d x%d\ty%d of\n' $((i % 97 + 1)) $((i * i % 97 + 1)) $((i % 97 + 1)); done >pairs.tsv
  echo '{"family": "bert", "width": 48, "layers": 2, "heads": 4, "context": 16}' >encoder.json
  start=("${train[@]}" --contrastive pairs.tsv --model encoder.json --tokenizer vocab.txt --batch 16 "${each[@]}")
}

kill_and_resume() {
  rm -rf whole run
  "${start[@]}" -o whole
  "${start[@]}" -o run &
  process=$!
  local killed=0 mid_save=0 reached=0 now last
  while [ "$killed" -lt "$kills" ]; do
    sleep "0.$(printf '%03d' $((RANDOM % 700 + 50)))"
    if ! kill -9 "$process" 2>/dev/null; then break; fi  # it has ended: there was not enough left to do
    wait "$process" 2>/dev/null || true
    killed=$((killed + 1))
    compgen -G 'run/*.unfinished' >/dev/null && mid_save=$((mid_save + 1))
    if [ -n "$(last_step run)" ]; then
      now=$(last_step run)
      [ "$now" -ge "$reached" ] || fail "$1: step $reached was complete before kill $killed, and the last one is $now"
      reached=$now
      "${train[@]}" --resume run --dry-run >/dev/null || fail "$1: kill $killed left nothing to go on from"
      "${train[@]}" --resume run &
    else
      rm -rf run  # killed before the first checkpoint
      "${start[@]}" -o run &
    fi
    process=$!
  done
  wait "$process" || fail "$1: the last part ended with an error"
  process=

  last=$(printf 'step-%08d' "$steps")
  [ "$(complete run)" -ge 2 ] || fail "$1: fewer checkpoints than are kept"
  for file in model.safetensors optimizer.safetensors; do
    cmp "whole/$last/$file" "run/$last/$file" || fail "$1: $file differs from that of the run that was never killed"
  done
  cmp <(seq "$steps") <(tail -n +2 run/log.csv | cut -d, -f1) || fail "$1: the log has not every step once"
  [ "$(readlink whole/best)" = "$(readlink run/best)" ] || fail "$1: another checkpoint is the best"
  echo "kill_resume: passed, $1: $killed kills, $mid_save of them while a checkpoint was written; the same bits at step $steps"
}

for kind in "${kinds[@]}"; do
  case $kind in decoder | pairs) ;; *) fail "found $kind, needed: decoder or pairs" ;; esac
  "$kind"
  kill_and_resume "$kind"
done
