#!/usr/bin/env bash
# Prints the path of a Linux kernel for the emulated machine: Debian's cloud kernel, downloaded as a package and
# unpacked into FOLDER, installed nowhere.   tools/emulate/kernel.sh FOLDER
set -euo pipefail
folder=$1
if ! compgen -G "$folder/boot/vmlinuz-*" >/dev/null; then
  mkdir -p "$folder"
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
  [ -n "$package" ] || { echo "kernel.sh: apt knows no linux-image-cloud-amd64; run apt-get update" >&2; exit 1; }
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg-deb -x "$package"_*.deb . &&
    rm "$package"_*.deb && rm -rf lib usr)
fi
compgen -G "$folder/boot/vmlinuz-*" | tail -1
