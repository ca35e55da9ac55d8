#!/bin/bash
# abi.sh BUILD [--record] - compares the interface of BUILD's libtern.so with the one that was promised: that of the last tag v*, or,
# where there is none yet, tests/package/libtern.abi as it stands in the tree. Functions may be added; one that is gone, or whose
# arguments or public types changed, is an error as long as the soname's number is the same.
# --record: writes libtern.abi anew (with a release, or with a new soname).
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/debian.sh
need abigail-tools || exit 1
library=$(readlink -f "$1/lib/libtern.so")
recorded=tests/package/libtern.abi
if [ "${2:-}" = --record ]; then
  abidw --headers-dir include --drop-private-types --no-corpus-path --no-show-locs --no-comp-dir-path --out-file "$recorded" "$library"
  exit
fi
old=$(mktemp --suffix=.abi)
trap 'rm -f "$old"' EXIT
tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null)
if [ -z "$tag" ] || ! git show "$tag:$recorded" >"$old" 2>/dev/null; then cp "$recorded" "$old"; fi
soname() { sed -n "s/.*soname='\([^']*\)'.*/\1/p" "$1" | head -1; }
now=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
if [ "$(soname "$old")" != "$now" ]; then
  echo "the soname changed from $(soname "$old") to $now: record the new interface"
  echo "0 passed, 1 failed"
  exit 1
fi
abidiff --headers-dir2 include --drop-private-types --no-added-syms "$old" "$library"
status=$?
# bit 3: an incompatible change; bits 0 and 1: abidiff itself failed (abidiff(1), RETURN VALUES)
if [ $((status & 11)) = 0 ]; then echo "1 passed, 0 failed"; else
  echo "0 passed, 1 failed"
  exit 1
fi
