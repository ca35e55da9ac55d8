#!/bin/bash
# peers.sh DIR - compiles the peers whose libraries are there (see install.sh) into DIR, where they are older than their sources.
# A peer that cannot be built is named and left out.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/peers"
CACHE=${TERN_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tern/bench}
out=$1
mkdir -p "$out"

# peer NAME SOURCE COMPILER ARGUMENT...
peer() {
  local name=$1 source=$2
  shift 2
  if [ "$out/$name" -nt "$source" ] && [ "$out/$name" -nt peer.h ]; then return; fi
  if ! "$1" -O2 -w -o "$out/$name" "$source" "${@:2}" 2>"$out/$name.log"; then
    rm -f "$out/$name"
    echo "left out: $name ($(grep -m 1 error "$out/$name.log"))" >&2
  fi
}

peer curl curl.c cc -lcurl
peer esmtp esmtp.c cc -lesmtp -lssl -lcrypto
peer etpan etpan.c cc "-I$CACHE/etpan/usr/include" -l:libetpan.so.20 -lcrypto
peer vmime vmime.cpp c++ -lvmime
exit 0
