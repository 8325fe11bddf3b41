#!/usr/bin/env bash
# The engines that lathe is compared with, in a virtual environment of their own; once, then a matter of a second.
# llama.cpp is compiled for this machine (10 to 40 minutes); torch is several GB.
#   bench/peers/setup.sh [FOLDER]      default: build/peers
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../build/peers}
python=$folder/venv/bin/python
stamp=$folder/requirements.installed

if [ -f "$stamp" ] && cmp -s "$stamp" "$here/requirements.txt"; then exit 0; fi
mkdir -p "$folder"
[ -x "$python" ] || python3 -m venv "$folder/venv" || {
  echo "setup.sh: python3 cannot make a virtual environment (on Debian: python3-venv)" >&2 && exit 1
}
jobs=${JOBS:-$(nproc)}
CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=$jobs nice -n 19 \
  "$python" -m pip install --quiet --disable-pip-version-check --no-binary llama-cpp-python -r "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
echo "peers: $folder/venv is ready"
