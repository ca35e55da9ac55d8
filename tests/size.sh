#!/bin/bash
# size.sh [DIR] - what the library costs a Cortex-M3, one name=value a line; builds under DIR. Needs arm-none-eabi-gcc, its binutils and
# python3, and installs what is missing. GCC -Os -mcpu=cortex-m3 -mthumb -ffunction-sections; .text counts read-only data.
#
#   minimal_text, full_text   the engine as the amalgamation compiles it, in the two sets below, all functions of its API in it that
#                             the set has, without texts; ..._text_files: the same from the separate sources
#   texts                     what a word for each status and a hint for each class add (-Dtexts=short); texts_full: all sentences
#   data, bss, undefined      of the whole engine: 0, 0, and mem* and str* only
#   session                   the session object; session_with_buffers: with a mail's slot, the reply's text and an out buffer that
#                             is large enough for AUTH
#   stack, stack_scram        the worst chain of calls below the API, without and with SCRAM (memcpy and its like not counted)
#   message_text              all of lib/message for a device: composing, ready messages, reports, DKIM without its key; its symbols
#                             must be found in base, or be mem* and str*; message_compose_text: what composing takes of it
#   image_...                 the program of examples/firmware with STARTTLS and Mbed TLS 3.6: all of its flash, and all of its RAM
#                             (.data, .bss, arena, stack), each at its smallest that passes the tests
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need gcc-arm-none-eabi binutils-arm-none-eabi libnewlib-arm-none-eabi python3 >&2 || exit 1
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
python3 lib/amalgamate.py . "$dir" || exit 1
flags=(-Os -mcpu=cortex-m3 -mthumb -ffunction-sections -std=c99 -DNDEBUG -DTERN_NO_HEAP -DTERN_NO_SOCKETS -DTERN_NO_TLS -DTERN_NO_CLIENT
  -DTERN_NO_MESSAGE)
# EHLO/HELO, PIPELINING, SIZE, 8BITMIME, transparency, PLAIN and LOGIN, typed errors, results for each recipient; and with STARTTLS,
# enhanced codes, DSN, SMTPUTF8, CHUNKING, LMTP, CRAM-MD5, SCRAM-SHA-256, XOAUTH2, OAUTHBEARER, their hashes
. tests/firmware/sets.sh
failed=0
export CCACHE_DISABLE=1 # it does not keep the .ci beside an object
die() { echo "$*" >&2; failed=1; }
text() { arm-none-eabi-size "$@" | awk 'NR > 1 { sum += $1 } END { print sum + 0 }'; }
# one NAME FLAG...: the amalgamation as $dir/NAME.o
one() { (cd "$dir" && arm-none-eabi-gcc "${flags[@]}" "${@:2}" -Wall -Wextra -Werror -fcallgraph-info=su -c tern.c -o "$1.o") || die "$1 does not compile"; }
# files NAME FLAG...: its parts as objects in $dir/NAME
files() {
  local c
  rm -rf "${dir:?}/$1" && mkdir -p "$dir/$1"
  for c in lib/base/*.c lib/sasl/*.c lib/protocol/*.c; do
    head -3 "$c" | grep -q 'host builds only' && continue
    left_out "$c" "${@:2}" && continue
    arm-none-eabi-gcc "${flags[@]}" -Iinclude -Ilib "${@:2}" -c "$c" -o "$dir/$1/$(basename "$(dirname "$c")")-$(basename "$c" .c).o" || die "$c"
  done
}
stack() { (cd "$dir" && python3 "$OLDPWD/tests/firmware/stack.py" "$1.ci") >"$dir/$1.stack" || die "$1: no stack"; cut -d' ' -f1 "$dir/$1.stack"; }

one minimal "${minimal[@]}" -DTERN_NO_TEXT
one full "${full[@]}" -DTERN_NO_TEXT
one no-scram "${full[@]}" -DTERN_NO_SCRAM_SHA_256 -DTERN_NO_TEXT
one short "${full[@]}" -DTERN_SHORT_TEXT
one sentences "${full[@]}"
files minimal-files "${minimal[@]}" -DTERN_NO_TEXT
files full-files "${full[@]}" -DTERN_NO_TEXT
echo "minimal_text=$(text "$dir/minimal.o")"
echo "minimal_text_files=$(text "$dir"/minimal-files/*.o)"
echo "full_text=$(text "$dir/full.o")"
echo "full_text_files=$(text "$dir"/full-files/*.o)"
echo "texts=$(($(text "$dir/short.o") - $(text "$dir/full.o")))"
echo "texts_full=$(($(text "$dir/sentences.o") - $(text "$dir/full.o")))"
echo "data=$(arm-none-eabi-size "$dir/sentences.o" | awk 'NR > 1 { print $2 }')"
echo "bss=$(arm-none-eabi-size "$dir/sentences.o" | awk 'NR > 1 { print $3 }')"
# sizes as the public header promises them to static storage
cat >"$dir/sizes.c" <<'C'
#include "tern.h"
extern char session[TERN_SESSION_OBJECT], with_buffers[TERN_SESSION_SIZE(1, TERN_SESSION_TEXT_MIN, TERN_SESSION_OUT_MIN + TERN_SASL_STATE_SIZE)];
char session[TERN_SESSION_OBJECT], with_buffers[TERN_SESSION_SIZE(1, TERN_SESSION_TEXT_MIN, TERN_SESSION_OUT_MIN + TERN_SASL_STATE_SIZE)];
C
arm-none-eabi-gcc "${flags[@]}" "${full[@]}" -c "$dir/sizes.c" -o "$dir/sizes.o" || die sizes
size_of() { echo $((16#$(arm-none-eabi-nm -S "$dir/sizes.o" | awk -v n="$1" '$4 == n { print $2 }'))); }
echo "session=$(size_of session)"
echo "session_with_buffers=$(size_of with_buffers)"
echo "stack=$(stack no-scram)"
echo "stack_scram=$(stack full)"
undefined=$(arm-none-eabi-nm -u "$dir/sentences.o" | awk '{ print $2 }' | sort -u | paste -sd,)
echo "undefined=$undefined"
mkdir -p "$dir/message" && rm -f "$dir"/message/*.o
for c in lib/message/*.c; do
  case $c in */file.c | */dkim_mbedtls.c) continue ;; esac # host builds only
  arm-none-eabi-gcc "${flags[@]}" -Iinclude -Ilib -DTERN_NO_TEXT -Wall -Wextra -Werror -c "$c" -o "$dir/message/$(basename "$c" .c).o" || die "$c"
done
echo "message_text=$(text "$dir"/message/*.o)"
echo "message_compose_text=$(text "$dir"/message/{address,address_list,encode,header,message,part,writer}.o)"
echo "message_data=$(arm-none-eabi-size "$dir"/message/*.o | awk 'NR > 1 { sum += $2 + $3 } END { print sum + 0 }')"
strange=$(arm-none-eabi-nm -u "$dir"/message/*.o | awk '$1 == "U" { print $2 }' | sort -u | grep -vE '^(mem|str)[a-z]+$|^__aeabi_|^tern_' | paste -sd,)
[ -z "$strange" ] || die "lib/message: undefined: $strange"
# the images: all of flash and RAM of examples/firmware with TLS
need make openssl >&2 || exit 1
if mbedtls=$(tests/firmware/mbedtls-source.sh "${XDG_CACHE_HOME:-$HOME/.cache}/tern/mbedtls-source"); then
  python3 tests/firmware/qemu.py "$dir/images" "$mbedtls" sizes || die images
else
  die "no sources of Mbed TLS"
fi
[ -z "$(tr , '\n' <<<"$undefined" | grep -vE '^(mem|str)[a-z]+$|^__aeabi_')" ] || die "undefined: $undefined"
exit $failed
