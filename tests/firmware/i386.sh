#!/bin/bash
# i386.sh DIR - puts Debian's cmocka for i386 under DIR, for the 32-bit build of the tests (meson's cross file m32.ini), and prints
# what that build needs, as a shell assignment: PKG_CONFIG_LIBDIR=...  Idempotent; no foreign architecture is added to the system.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ ! -e "$dir/.done" ]; then
  TERN_DEBIAN_MIRROR=$(mirror) # before apt is told that it is on another machine
  printf 'APT::Architecture "i386";\nAPT::Architectures { "i386"; };\n' >"$dir/apt.conf"
  export APT_CONFIG=$dir/apt.conf
  apt_source "$dir/apt" "$codename"
  mkdir -p "$dir/debs"
  (cd "$dir/debs" && apt-get "${FROM[@]}" download libcmocka0 libcmocka-dev) >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 75; }
  for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir"; done
  sed -i "s|^prefix=.*|prefix=$dir/usr|; s|/usr/include|$dir/usr/include|; s|=/usr/|=$dir/usr/|; s|-L/usr/|-L$dir/usr/|; s|^Libs:|Libs: -Wl,--disable-new-dtags,-rpath,$dir/usr/lib/i386-linux-gnu|" \
    "$dir"/usr/lib/i386-linux-gnu/pkgconfig/cmocka.pc
  rm -rf "$dir/apt" "$dir/debs" "$dir/log" "$dir/apt.conf"
  touch "$dir/.done"
fi
echo "PKG_CONFIG_LIBDIR=$dir/usr/lib/i386-linux-gnu/pkgconfig"
