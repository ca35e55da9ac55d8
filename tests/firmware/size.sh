#!/bin/bash
# size.sh [DIR] - compiles the firmware set (lib/base, lib/sasl, lib/message, lib/protocol) for a Cortex-M3 without heap and sockets, objects under
# DIR, and prints its size per room and the session's. Fails where a warning comes, where the joined objects want anything but mem* and
# str* (and the compiler's own __aeabi_*), or have .data or .bss. A file whose first three lines say "host builds only" is left out.
set -uo pipefail
cd "$(dirname "$0")/../.."
CROSS=${CROSS:-arm-none-eabi-}
dir=${1:-$(mktemp -d)}
flags=(-Os -mcpu=cortex-m3 -mthumb -std=c99 -ffreestanding -fbuiltin -ffunction-sections -fdata-sections
  -Wall -Wextra -Wconversion -Wshadow -Werror -DTERN_NO_HEAP -DTERN_NO_SOCKETS -DTERN_NO_TLS -DNDEBUG -Iinclude -Ilib)
passed=0 failed=0
check() { # check WHAT OUTPUT: passes where OUTPUT is empty
  if [ -z "$2" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'FAIL %s:\n%s\n' "$1" "$2"
  fi
}
# compile DIR FLAG...: the set, an object each
compile() {
  local to=$1 room c out
  rm -rf "$to"
  mkdir -p "$to"
  for room in base sasl message protocol; do
    for c in lib/$room/*.c; do
      head -3 "$c" | grep -q 'host builds only' && continue
      out=$("${CROSS}gcc" "${flags[@]}" "${@:2}" -c "$c" -o "$to/$room-$(basename "$c" .c).o" 2>&1)
      check "compiling $c ${*:2}" "$out"
    done
  done
}
total() { "${CROSS}size" "$1"/*.o | awk -v name="$2" 'NR > 1 { sum += $1 } END { printf "%-10s %6d  %s\n", "total", sum, name }'; }
compile "$dir/obj"
compile "$dir/bare" -DTERN_NO_TEXT
if ! "${CROSS}ld" -r -o "$dir/all.o" "$dir"/obj/*.o; then
  echo "$passed passed, $((failed + 1)) failed"
  exit 1
fi
check "undefined symbols" "$("${CROSS}nm" -u "$dir/all.o" | awk '{ print $2 }' | grep -vE '^(mem|str)[a-z]+$|^__aeabi_')"
check "octets of .data or .bss" "$("${CROSS}size" "$dir"/obj/*.o | awk 'NR > 1 && ($2 || $3) { print $6 ": data " $2 ", bss " $3 }')"

printf '%-10s %6s   %s\n' room text 'largest files'
for room in base sasl message protocol; do
  "${CROSS}size" "$dir/obj/$room"-*.o | awk -v room=$room 'NR > 1 { sub(/.*\//, "", $6); sub(room "-", "", $6); sub(/\.o$/, "", $6); print $1, $6 }' |
    sort -rn | awk -v room=$room '{ sum += $1; if (NR < 5) top = top " " $2 " " $1 } END { printf "%-10s %6d  %s\n", room, sum, top }'
done
total "$dir/obj" ""
total "$dir/bare" " with TERN_NO_TEXT (no sentences for people)"
# the session as the header promises it to static storage: the object alone, and with one slot and the smallest buffers
out=$("${CROSS}gcc" "${flags[@]}" -x c -c - -o "$dir/probe.o" 2>&1 <<'C'
#include <tern/session.h>
extern char object[TERN_SESSION_OBJECT], least[TERN_SESSION_SIZE(1, TERN_SESSION_TEXT_MIN, TERN_SESSION_OUT_MIN)];
char object[TERN_SESSION_OBJECT], least[TERN_SESSION_SIZE(1, TERN_SESSION_TEXT_MIN, TERN_SESSION_OUT_MIN)];
C
)
check "the session's size" "$out"
[ -n "$out" ] || "${CROSS}nm" -S "$dir/probe.o" | while read -r _ size _ name; do printf '%-10s %6d   octets of RAM, %s\n' session "$((16#$size))" "$name"; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
