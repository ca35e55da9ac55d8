#!/bin/bash
# mbedtls36.sh DIR - puts Mbed TLS 3.6 (Debian 13's packages, which need no newer C library than Debian 12's) under DIR,
# to build and test against on Debian 12, and prints what a build needs, as shell assignments:
#   PKG_CONFIG_PATH=...  LIBRARY_PATH=...  LDFLAGS=...
# The .pc files name DIR, and the LDFLAGS carry a run path, so that what is built runs without LD_LIBRARY_PATH.
# Idempotent; where the system itself has 3.6 (Debian 13) nothing is fetched and nothing need be set.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
if pkg-config --atleast-version=3.6 mbedtls 2>/dev/null; then
  echo "# the system has Mbed TLS $(pkg-config --modversion mbedtls)"
  exit 0
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
lib=$dir/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH 2>/dev/null || gcc -dumpmachine)
if [ ! -e "$dir/.done" ]; then
  apt_source "$dir/apt" trixie
  mkdir -p "$dir/debs"
  (cd "$dir/debs" && apt-get "${FROM[@]}" download libmbedtls-dev libmbedtls21 libmbedx509-7 libmbedcrypto16) >"$dir/log" 2>&1 ||
    { cat "$dir/log" >&2; exit 75; }
  for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir"; done
  for pc in "$lib"/pkgconfig/mbed*.pc; do
    sed -i "s|^prefix=.*|prefix=$dir/usr|; s|=/usr/|=$dir/usr/|; s|-L/usr/|-L$dir/usr/|" "$pc"
  done
  # the libraries find each other by the program's own run path only if that is not the newer RUNPATH kind
  rm -rf "$dir/apt" "$dir/debs" "$dir/log"
  touch "$dir/.done"
fi
echo "PKG_CONFIG_PATH=$lib/pkgconfig"
echo "LIBRARY_PATH=$lib"
echo "LDFLAGS='-Wl,--disable-new-dtags,-rpath,$lib'"
