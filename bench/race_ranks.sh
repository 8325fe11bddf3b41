#!/usr/bin/env bash
# Steps of stories15m, 8 x 256 tokens as 2 passes of 4 windows: one process with two threads, and two ranks with one
# thread each, in turns. Prints tokens/s, medians of the steps behind the second, and the ratio of each turn.
#   bench/race_ranks.sh LATHE_BINARY [TURNS] [MPIRUN...]
set -euo pipefail
lathe=$(realpath "${1:?race_ranks.sh: LATHE_BINARY is missing}")
turns=${2:-5}
mpirun=("${@:3}")
[ ${#mpirun[@]} -gt 0 ] || mpirun=(mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -c "
import array, random
random.seed(1)
array.array('H', [random.randrange(32000) for _ in range(400000)]).tofile(open('ids.bin', 'wb'))"
train=("$lathe" train --model stories15m --data ids.bin --batch 4 --accum 2 --context 256 --steps 10 --save-every 10
  --no-ceiling --quiet)
median() { tail -n +4 "$1/log.csv" | cut -d, -f9 | sort -g | awk '{at[NR] = $1} END {print at[int((NR + 1) / 2)]}'; }

for turn in $(seq "$turns"); do
  rm -rf one two
  "${train[@]}" --threads 2 -o one 2>/dev/null
  "${mpirun[@]}" -n 2 "${train[@]}" --threads 1 -o two 2>/dev/null
  cmp one/step-00000010/model.safetensors two/step-00000010/model.safetensors
  echo "$turn $(median one) $(median two)" |
    awk '{printf "turn %d: one process %.0f tokens/s, two ranks %.0f, ratio %.3f\n", $1, $2, $3, $3 / $2}'
done
