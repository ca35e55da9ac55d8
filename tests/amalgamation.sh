#!/bin/bash
# amalgamation.sh BUILD DIR - makes tern.c and tern.h in the meson build directory BUILD, compiles them in DIR as gcc, clang and a
# Cortex-M3 see them, in several sets of parts, and runs the dialogues of tests/script on the result.
set -uo pipefail
cd "$(dirname "$0")/.."
[ $# = 2 ] || { echo "usage: $0 BUILD DIR" >&2; exit 64; }
mkdir -p "$2"
meson compile -C "$1" amalgamation >"$2/make.log" 2>&1 || { cat "$2/make.log"; exit 1; }
made=$1/lib dir=$2 passed=0 failed=0
warn=(-std=c99 -Wall -Wextra -Wconversion -Wshadow -Werror)
bare=(-DTERN_NO_TLS -DTERN_NO_SOCKETS -DTERN_NO_HEAP)
arm=(-mcpu=cortex-m3 -mthumb -Os -ffreestanding -fbuiltin)
check() { # check WHAT COMMAND...: passes where the command says nothing and succeeds
  local out
  if out=$("${@:2}" 2>&1) && [ -z "$out" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'FAIL %s:\n%s\n' "$1" "$out"
  fi
}
c() { check "$*" "$1" "${warn[@]}" "${@:3}" -c "$made/tern.c" -o "$dir/$2.o"; }
c gcc gcc -O2 -DTERN_NO_TLS
c clang clang -O2 -DTERN_NO_TLS
if [ -n "$(find /usr/include -maxdepth 2 -path '*/mbedtls/ssl.h')" ]; then c gcc tls -O2; fi
c gcc bare -O2 "${bare[@]}"
c gcc engine -O2 "${bare[@]}" -DTERN_NO_CLIENT -DTERN_NO_MESSAGE -DTERN_NO_TEXT
c arm-none-eabi-gcc arm "${arm[@]}" "${bare[@]}" -DTERN_SHORT_TEXT
c arm-none-eabi-gcc arm-engine "${arm[@]}" "${bare[@]}" -DTERN_NO_CLIENT -DTERN_NO_MESSAGE -DTERN_NO_TEXT -DTERN_NO_SCRAM_SHA_1 \
  -DTERN_NO_SCRAM_SHA_256 -DTERN_NO_CRAM_MD5 -DTERN_NO_OAUTHBEARER -DTERN_NO_XOAUTH2 -DTERN_NO_EXTERNAL
. tests/firmware/sets.sh
for cc in gcc clang; do
  c $cc minimal -O2 "${bare[@]}" -DTERN_NO_CLIENT -DTERN_NO_MESSAGE -DTERN_NO_TEXT "${minimal[@]}"
  c $cc full -O2 "${bare[@]}" -DTERN_NO_CLIENT -DTERN_NO_MESSAGE -DTERN_SHORT_TEXT "${full[@]}"
done
check "tern.h as C" gcc "${warn[@]}" -x c -fsyntax-only "$made/tern.h"
check "tern.h as C++" g++ -Wall -Wextra -Werror -x c++ -fsyntax-only "$made/tern.h"
for o in gcc bare; do
  check "linking the dialogues with $o" gcc -std=gnu99 -O1 -Iinclude tests/dialogue_test.c tests/dialogue.c tests/witness.c "$dir/$o.o" -lresolv \
    -o "$dir/dialogue-$o"
  [ ! -x "$dir/dialogue-$o" ] || check "the dialogues with $o" bash -c '"$1" tests/script >"$1.log" 2>&1 || tail -20 "$1.log"' - "$dir/dialogue-$o"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
