#!/usr/bin/env bash
# What the SME build needs beyond build-arm64-sysroot/, unpacked into build-arm64-sme-parts/: the compiler's runtime for
# AArch64 (the lazy saving of ZA, functions that are called in streaming mode), and a QEMU whose 8-bit SMOPA is right:
# that of bookworm, 7.2, sums the wrong elements; the backports have 10. apt's own state stays as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD/build-arm64-sme-parts
stamp=$root/.packages
parts="libclang-rt-19-dev qemu-user/backports"
[ "$(cat "$stamp" 2>/dev/null)" = "$parts" ] && exit 0

rm -rf "$root"
# unpack ARCHITECTURE PACKAGE [APT_OPTION...]
unpack() {
  local architecture=$1 package=$2 state=$root/.apt/$1
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs"
  local apt=(apt-get -qq -o "Dir::State=$state" -o Dir::State::status=/dev/null -o "Dir::Cache=$state"
    -o Debug::NoLocking=1 -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
    -o "APT::Sandbox::User=$(id -un)" "${@:3}")
  "${apt[@]}" update
  (cd "$state/debs" && "${apt[@]}" download "$package")
  dpkg-deb -x "$state/debs/$package"_*.deb "$root"
}

# The backports come from the mirror that this machine has bookworm from.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -n 1)
mkdir -p "$root"
echo "deb $mirror bookworm-backports main" >"$root/backports.list"
unpack arm64 libclang-rt-19-dev
unpack "$(dpkg --print-architecture)" qemu-user -o "Dir::Etc::sourcelist=$root/backports.list" -o Dir::Etc::sourceparts=-
rm -rf "$root/.apt"
echo "$parts" >"$stamp"
