#!/usr/bin/env bash
# Every checker, after the checkers' own tests. The objects are looked at where the release build exists.
#   tools/check.sh [BUILD_FOLDER]
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}  # a folder that is named must be there
failed=0

python3 -m unittest discover -s tools -p '*_test.py' || failed=1
tools/check_layers.py || failed=1
tools/check_text.py || failed=1
git ls-files -z '*.cc' '*.h' | xargs -0 clang-format --dry-run -Werror || failed=1
if [ $# -gt 0 ] || [ -d "$build" ]; then
  tools/check_isa_symbols.py "$build" || failed=1
else
  echo "check_isa_symbols: no $build/, run make build first; skipped"
fi
[ $failed -eq 0 ] && echo "check: all passed" || echo "check: FAILED"
exit $failed
