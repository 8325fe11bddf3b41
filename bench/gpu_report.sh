#!/usr/bin/env bash
# What a GPU does, in one go: devices, the probe with its plan, decoders and an encoder of true shapes with random weights
# and the rows that the plan names. Figures lie in OUT_DIR as JSON, the table against the targets in OUT_DIR/report.md.
#   bench/gpu_report.sh [--small] [--no-probe] [--layers N] [--vocabulary N] LATHE OUT_DIR [DEVICE]
# --small: sizes at which a driver in software ends too. --no-probe: without a plan. --layers, --vocabulary: of Qwen2.5-0.5B,
# fewer than it has. DEVICE is vulkan:0 where none is named. Python 3 is needed, and nothing of its packages.
set -euo pipefail
small=() probe=true cut=()
while [ $# -gt 0 ]; do
  case "$1" in
    --small) small=(--small) cut=(--layers 2 --vocabulary 1000) ;;
    --no-probe) probe=false ;;
    --layers | --vocabulary) cut+=("$1" "${2:?gpu_report.sh: $1 wants a number}") && shift ;;
    *) break ;;
  esac
  shift
done
lathe=$(realpath "${1:?gpu_report.sh: LATHE is missing}")
mkdir -p "${2:?gpu_report.sh: OUT_DIR is missing}"
out=$(realpath "$2") device=${3:-vulkan:0}
here=$(realpath "$(dirname "$0")")
models=$out/models
export XDG_CACHE_HOME=$out/cache  # a plan of this run alone

answers=(--prompt 128 --tokens 64 --runs 3) probe_options=() seconds=2
if [ ${#small[@]} -gt 0 ]; then answers=(--prompt 0 --tokens 8 --runs 1) probe_options=(--quick --seconds 0.0005 --variants 'columns.*.64x64,columns.*.64x256') seconds=0.1; fi

"$lathe" inspect devices | tee "$out/devices.txt"
"$lathe" inspect devices --json > "$out/devices.json"

if $probe; then
  python3 "$here/gpu_table.py" shapes "${small[@]}" > "$out/shapes.json"
  "$lathe" probe matmul --shapes "$out/shapes.json" --device "$device" "${probe_options[@]}" --save-plan \
    --json "$out/probe.json" --html "$out/probe.html" > "$out/probe.txt"
fi

for model in stories15m qwen2.5-0.5b minilm; do
  some=()
  if [ ${#small[@]} -gt 0 ] || [ $model = qwen2.5-0.5b ]; then some=("${cut[@]}"); fi
  python3 "$here/gpu_models.py" $model "$models/$model" "${some[@]}"
done
for model in stories15m qwen2.5-0.5b; do
  for type in f16 q8_0; do
    "$lathe" bench generate -m "$models/$model" --dtype $type --device "$device" "${answers[@]}" --json > "$out/$model.$type.json"
  done
done
"$lathe" bench embed -m "$models/minilm" --dtype f16 --device "$device" --scenario short --seconds $seconds \
  --dispatch-sweep --json > "$out/minilm.f16.json"
rm -rf "$models"
python3 "$here/gpu_table.py" table "$out" "${small[@]}" "${cut[@]}" | tee "$out/report.md"
