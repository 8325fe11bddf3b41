#!/usr/bin/env bash
# Installs a build into a temporary prefix, builds the consumer in tests/install and the examples against it, and runs
# them.
#   tools/test_install.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?the folder of a finished build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cmake --install "$build" --prefix "$folder/prefix" >/dev/null
cp -r tests/install "$folder/source" # nothing of the checkout may be found beside it
cp -r examples "$folder/source/examples"
cmake -G Ninja -S "$folder/source" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" -DCMAKE_BUILD_TYPE=Release
cmake --build "$folder/build"
"$folder/build/consumer"
if [ -x "$folder/build/beside_vulkan" ]; then
  "$folder/build/beside_vulkan"
else
  echo "test_install: no Vulkan loader to link beside lathe, skipped"
fi
# What another library calls its own.
names=$(find "$folder/prefix" -name liblathe.a -exec nm -g --defined-only {} + 2>/dev/null |
  awk '$3 ~ /^(vk|volk)[A-Z]/ {print $3}')
if [ -n "$names" ]; then
  echo "test_install: liblathe.a exports $names"
  exit 1
fi
for example in "$folder"/build/example_*; do "$example"; done

# Every public header compiles alone.
for header in "$folder"/prefix/include/lathe/*.h; do
  echo "#include <lathe/$(basename "$header")>" |
    g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$folder/prefix/include" -x c++ -
done
echo "test_install: $(find "$folder/prefix/include/lathe" -name '*.h' | wc -l) public headers, the consumer ran"
