#!/usr/bin/env bash
# Installs the Debian packages of the named groups that are missing, and does nothing where none is.
#   tools/install_deps.sh [build] [check] [mpi] [gpu] [peers] [emulate] [arm64] [sme] [fuzz] [demo]
set -euo pipefail

packages_of() {
  case $1 in
    build)
      echo g++ cmake ninja-build libfmt-dev nlohmann-json3-dev libcli11-dev libspdlog-dev libssl-dev libcurl4-openssl-dev libhwy-dev \
        libicu-dev libpcre2-dev libutf8proc-dev libedit-dev libsentencepiece0 libgtest-dev libbenchmark-dev \
        libvulkan-dev libvulkan-volk-dev glslc
      ;;
    check) echo git python3 clang-format binutils ;;
    mpi) echo libopenmpi-dev openmpi-bin ;;
    gpu) echo mesa-vulkan-drivers vulkan-validationlayers ;;  # a device in software, and what checks every call
    peers) echo libopenblas0-pthread libblis4-pthread libdnnl2 python3-venv ;;
    emulate) echo bochs bochsbios vgabios isolinux syslinux-common xorriso cpio gcc libc6-dev ;;
    arm64) echo g++-12-aarch64-linux-gnu qemu-user-static googletest apt dpkg ;;
    sme) echo clang-19 lld-19 llvm-19 ;;
    demo) echo python3 python3-pip ;;
    fuzz) echo clang libclang-rt-dev ;;
    *) echo "install_deps.sh: no group '$1'; the groups are build, check, mpi, gpu, peers, emulate, arm64, sme, fuzz, demo" >&2 && return 2 ;;
  esac
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

wanted=()
for group in "${@:-build}"; do
  names=$(packages_of "$group")
  read -ra names <<<"$names"
  wanted+=("${names[@]}")
done

missing=()
for package in "${wanted[@]}"; do
  installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  root=()
elif command -v sudo >/dev/null; then
  root=(sudo)
else
  echo "install_deps.sh: not root and no sudo; these packages are missing: ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
