#!/usr/bin/env bash
# Debian's arm64 packages that lathe is built with, unpacked into build-arm64-sysroot/. apt's own state stays as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD/build-arm64-sysroot
packages=(libc6-dev libc6 linux-libc-dev libgcc-s1 libstdc++6 libcrypt1 libfmt-dev libfmt9 libssl-dev libssl3
  libcurl4-openssl-dev libcurl4 libicu-dev libicu72 libpcre2-dev libpcre2-8-0 libpcre2-16-0 libpcre2-32-0
  libpcre2-posix3 libutf8proc-dev libutf8proc2 libhwy-dev libhwy1 nlohmann-json3-dev
  # What lathe opens at run time, with all that it needs: libcurl and SentencePiece's trainer.
  libnghttp2-14 libidn2-0 libunistring2 librtmp1 libgnutls30 libnettle8 libhogweed6 libgmp10 libp11-kit0 libffi8 libtasn1-6
  libssh2-1 libpsl5 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1 libldap-2.5-0
  libsasl2-2 libbrotli1 libzstd1 zlib1g libsentencepiece0 libprotobuf-lite32)
stamp=$root/.packages
[ "$(cat "$stamp" 2>/dev/null)" = "${packages[*]}" ] && exit 0

rm -rf "$root"
state=$root/.apt
mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs"
apt=(apt-get -qq -o "Dir::State=$state" -o Dir::State::status=/dev/null -o "Dir::Cache=$state" -o Debug::NoLocking=1
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "APT::Sandbox::User=$(id -un)")
"${apt[@]}" update
(cd "$state/debs" && "${apt[@]}" download "${packages[@]}")
for package in "$state"/debs/*.deb; do dpkg-deb -x "$package" "$root"; done
rm -rf "$state"
echo "${packages[*]}" >"$stamp"
