#!/bin/bash
# cbmc.sh DIR - puts cbmc under DIR and prints, as shell assignments, what running it needs. Idempotent. Debian 12 has no cbmc: Debian
# 11's package runs on it, unpacked, with the solver's library out of its package.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 64; }
if known cbmc; then
  need cbmc gcc libc6-dev >&2
  echo "CBMC=cbmc"
  exit
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ ! -e "$dir/.done" ]; then
  need gcc libc6-dev >&2 # it asks gcc for the preprocessed text
  apt_source "$dir/apt" bullseye
  mkdir -p "$dir/debs"
  (cd "$dir/debs" && apt-get "${FROM[@]}" download cbmc minisat) >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 75; }
  for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir"; done
  rm -rf "$dir/apt" "$dir/debs" "$dir/log"
  touch "$dir/.done"
fi
echo "CBMC=$dir/usr/bin/cbmc; export LD_LIBRARY_PATH=$dir/usr/lib"
