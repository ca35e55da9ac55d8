#!/bin/bash
# mbedtls-source.sh DIR - puts the sources of Mbed TLS 3.6 (Debian 13's source package) under DIR and prints the directory that has
# include/ and library/. Idempotent. Building firmware needs them, as a part's own configuration must be compiled in.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ ! -e "$dir/.done" ]; then
  need xz-utils bzip2 >&2
  apt_source "$dir/apt" trixie
  sed -i 's/^Types: deb$/Types: deb-src/' "$dir/apt/tern.sources"
  apt-get "${FROM[@]}" update >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 75; }
  (cd "$dir" && apt-get "${FROM[@]}" source --download-only mbedtls) >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 75; }
  mkdir -p "$dir/source"
  tar -xf "$(ls "$dir"/mbedtls_*.orig.tar.*[!c] | head -1)" -C "$dir/source" --strip-components=1
  rm -rf "$dir/apt" "$dir/log" "$dir"/mbedtls_*
  touch "$dir/.done"
fi
echo "$dir/source"
