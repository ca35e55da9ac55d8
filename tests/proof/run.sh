#!/bin/bash
# run.sh DIR [NAME...] - proves what the programs of this directory say, with cbmc, each in at most TERN_PROOF_SECONDS (600); logs
# under DIR. A program's first lines name its loop bound and the sources that it is about. "N passed, N failed" ends it.
set -uo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 DIR [NAME...]" >&2; exit 64; }
mkdir -p "$1" && dir=$(cd "$1" && pwd) && shift
assignments=$(tests/proof/cbmc.sh "${XDG_CACHE_HOME:-$HOME/.cache}/tern/cbmc") && eval "$assignments" && export CBMC || exit 75
[ $# -gt 0 ] || set -- $(cd tests/proof && grep -l '^/\* unwind ' -- *.c | sed 's/\.c$//')
export dir seconds=${TERN_PROOF_SECONDS:-600}

one() { # one NAME
  local from=$SECONDS status bounds sources
  read -r -a bounds <<<"$(sed -n 's/^\/\* unwind /--unwind /p' "tests/proof/$1.c")"
  read -r -a sources <<<"$(sed -n 's/^ \* sources //p' "tests/proof/$1.c")"
  ulimit -v 6000000
  timeout "$seconds" "$CBMC" "tests/proof/$1.c" tests/proof/string.c "${sources[@]/#/lib/}" "${bounds[@]}" --unwinding-assertions \
    -Iinclude -Ilib -DNDEBUG -DTERN_NO_SOCKETS --bounds-check --pointer-check --signed-overflow-check --div-by-zero-check \
    --undefined-shift-check --drop-unused-functions >"$dir/$1.log" 2>&1
  status=$?
  # a function that cbmc does not see may return anything and touches nothing: only those of proof.h may be such
  ! grep -E 'no body for (function|callee) ' "$dir/$1.log" | grep -qv ' nondet_' || status=1
  echo $status >"$dir/$1.status"
  echo "$1: $(sed -n 's/^\*\* \(.*\)/\1/p' "$dir/$1.log" | tail -1), $((SECONDS - from)) s"
  [ $status = 0 ] || { [ $status = 124 ] && echo "  not done in $seconds s"; grep -E 'FAILURE$|rror|no body for (function|callee) [^n]' "$dir/$1.log" | sed 's/^/  /' | head -20; }
}
export -f one
rm -f "$dir"/*.status
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'one {}'
ok=$(cat "$dir"/*.status | grep -cx 0)
echo "$ok passed, $(($# - ok)) failed"
[ "$ok" = $# ]
