#!/bin/bash
# run.sh [STEP...] - sets up and runs all tests (or the steps named), and ends with one line `N passed, N failed`.
# The steps are listed below. The builds are under TERN_BUILD (default build-tests in the
# checkout) and are kept from run to run, with each step's log beside them; Mbed TLS 3.6 is kept under ~/.cache/tern.
# TERN_FUZZ_SECONDS: how long each fuzz target runs (15). TERN_SERVERS: which servers the step real starts (all).
# Nothing is skipped: a tool that is missing, a step that does not run or says no counts, is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
export LC_ALL=C.UTF-8 TERM=dumb
unset CC CXX CFLAGS LDFLAGS PKG_CONFIG_PATH LIBRARY_PATH DESTDIR "${!MESON_@}"
mkdir -p "${TERN_BUILD:=build-tests}"
B=$(cd "$TERN_BUILD" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}
steps=("$@")
[ $# -gt 0 ] || steps=(
  gcc36
  gcc28
  clang
  valgrind
  notls
  m32
  amalgamation
  firmware
  qemu
  proof
  fuzz
  install
  package
  delivery
  bench
  proxy
  real
)
passed=0 failed=0 updated=

# builds -------------------------------------------------------------------------------------------

with36() { eval "$(tests/mbedtls36.sh "$cache/tern/mbedtls-3.6")" && export PKG_CONFIG_PATH LIBRARY_PATH LDFLAGS; }

# build NAME OPTION...: compiles in $B/NAME
build() {
  local dir=$B/$1
  shift
  if [ -e "$dir/build.ninja" ]; then meson setup --reconfigure "$dir" "$@"; else rm -rf "$dir" && meson setup "$dir" -Dwerror=true "$@"; fi &&
    ninja -C "$dir"
}
suite() { meson test --no-rebuild --print-errorlogs -C "$B/$1" "${@:2}"; }

# steps: each is run in a shell of its own, with its output in a log ----------------------------------

gcc36_what="gcc, Mbed TLS 3.6, whole suite"
gcc36() { with36 && build gcc36 && suite gcc36; }

gcc28_what="gcc, the system's Mbed TLS (2.28 on Debian 12), whole suite"
gcc28() { build gcc28 && suite gcc28; }

clang_what="clang with address and undefined-behaviour sanitizers, Mbed TLS 3.6, whole suite"
clang() {
  with36 && export CC=clang ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 &&
    build clang -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fno-sanitize-recover=all && suite clang --timeout-multiplier 4
}

valgrind_what="valgrind, unit and dialogue tests"
valgrind() {
  with36 && build gcc36 && suite gcc36 --suite unit --suite dialogue --logbase valgrind --timeout-multiplier 20 \
    --wrap 'valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible'
}

notls_what="gcc, TLS disabled, whole suite; and without sockets and heap, compiled"
notls() {
  build notls -Dtls=disabled && build bare -Dtls=disabled -Dsockets=false -Dheap=false -Dtests=false &&
    echo "1 passed, 0 failed" && suite notls
}

m32_what="32 bits: unit and dialogue tests; and compiled for Cortex-M0+, M3, M33 and RV32IMC"
m32() {
  local t bare=(--buildtype=minsize -Db_ndebug=true -Dheap=false -Dsockets=false -Dtls=disabled -Dsaslprep=disabled -Dtests=false)
  need gcc-multilib gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf || return 1
  for t in cortex-m0plus cortex-m3 cortex-m33 rv32imc; do
    build "$t" --cross-file "tests/firmware/$t.ini" "${bare[@]}" || return 1
    echo "1 passed, 0 failed"
  done
  echo 'int main(void) { return 0; }' | gcc -m32 -x c -o "$B/runs32" - && : >"$B/m32.ini" || return 1
  if ! "$B/runs32" 2>/dev/null; then # a kernel without 32-bit programs
    need qemu-user || return 1
    printf "[binaries]\nexe_wrapper = 'qemu-i386'\n[properties]\nneeds_exe_wrapper = true\n" >"$B/m32.ini"
  fi
  eval "$(tests/firmware/i386.sh "$cache/tern/i386")" && export PKG_CONFIG_LIBDIR &&
    build m32 --cross-file tests/firmware/m32.ini --cross-file "$B/m32.ini" -Dtls=disabled -Dsaslprep=disabled &&
    suite m32 --suite unit --suite dialogue --timeout-multiplier 5
}

amalgamation_what="tern.c and tern.h: compiled by gcc, clang and for a Cortex-M3, and the dialogues on them"
amalgamation() { build notls -Dtls=disabled && tests/amalgamation.sh "$B/notls" "$B/amalgamation"; }

firmware_what="Cortex-M3: sizes, undefined symbols, .data and .bss"
firmware() { tests/size.sh "$B/firmware" && echo "1 passed, 0 failed"; }

qemu_what="the firmware of examples/firmware on two emulated boards, against a server on loopback"
qemu() {
  local source
  need qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi make openssl liblwip-dev &&
    gcc -std=gnu99 -Wall -Wextra -Werror -Iinclude -I/usr/include/lwip -c examples/firmware/lwip.c -o "$B/lwip.o" && echo "1 passed, 0 failed" &&
    source=$(tests/firmware/mbedtls-source.sh "$cache/tern/mbedtls-source") && python3 tests/firmware/qemu.py "$B/qemu" "$source"
}

proof_what="CBMC: parsers, transparency, command writer and queue, for every input up to a bound"
proof() { tests/proof/run.sh "$B/proof"; }

fuzz_what="libFuzzer with address and undefined-behaviour sanitizers, ${TERN_FUZZ_SECONDS:-15} s a target"
fuzz() {
  with36 && export CC=clang && build fuzz -Dfuzz=true -Ddefault_library=static -Db_lundef=false || return 1
  local f name targets=() ok=0 bad=0
  for f in $(grep -l LLVMFuzzerTestOneInput tests/fuzz/*.c); do targets+=("$(basename "$f" .c)"); done
  rm -rf "$B/fuzz-out"
  export B TERN_FUZZ_SECONDS
  printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash tests/fuzz.sh {}
  for name in "${targets[@]}"; do
    if [ "$(cat "$B/fuzz-out/$name/status" 2>/dev/null)" = 0 ]; then
      ok=$((ok + 1))
      echo "$name: $(grep '^Done ' "$B/fuzz-out/$name/log")"
    else
      bad=$((bad + 1))
      echo "FAIL $name"
      tail -40 "$B/fuzz-out/$name/log" 2>/dev/null
    fi
  done
  echo "$ok passed, $bad failed"
  [ $bad = 0 ] && [ $ok -gt 0 ]
}

install_what="installed: an outside program by pkg-config, headers, soname, symbols"
install() { with36 && build install && tests/install/run.sh "$B/install" "$B/installed"; }

package_what="Debian packages and lintian, musl, the promised binary interface"
package() {
  local result=0
  need build-essential dpkg-dev debhelper lintian fakeroot abigail-tools musl-tools || return 1
  tests/package/debian.sh "$B/debian" || result=1
  tests/package/musl.sh "$B/musl" || result=1
  with36 && build gcc36 && tests/package/abi.sh "$B/gcc36" || result=1
  return $result
}

delivery_what="direct to MX: signed zones, DANE, MTA-STS, MX hosts of every kind"
delivery() {
  need unbound nsd bind9-utils bind9-dnsutils iproute2 util-linux curl procps openssl ca-certificates gcc libc6-dev || return 1
  tests/servers/install.sh postfix exim opensmtpd || return 1
  with36 && build gcc36 &&
    "${sudo[@]}" unshare -nm bash -c 'ip link set lo up && exec python3 tests/delivery/run.py "$1"' - "$B/gcc36"
}

bench_what="benchmark: what does not swing, of tern alone, beside what was recorded"
bench() {
  local programs=$B/gcc36/tests/bench
  tests/bench/install.sh --tools || return 1
  with36 && build gcc36 && ninja -C "$B/gcc36" bench-programs && python3 tests/bench/counts.py "$programs" --prepare &&
    "${sudo[@]}" unshare -n bash -c 'ip link set lo up && PYTHONDONTWRITEBYTECODE=1 exec python3 tests/bench/counts.py "$1"' - "$programs"
}

proxy_what="through real proxies: microsocks, Dante, tinyproxy, Squid"
proxy() {
  local dante=dante-server without=()
  installed dante-server || known dante-server || { dante='' without=(without-dante) && echo "this Debian has no Dante: what goes through it is not tested"; }
  need microsocks $dante tinyproxy squid openssl iproute2 util-linux || return 1
  with36 && build gcc36 &&
    "${sudo[@]}" unshare -nm bash -c 'ip link set lo up && exec python3 tests/proxy/run.py "$@"' - "$B/gcc36/examples/tern-send" "${without[@]}"
}

real_what="real servers on loopback; signed messages through Postfix and Exim, verified"
real() {
  local result
  list=() env=(env "TERN_SERVERS_CACHE=${TERN_SERVERS_CACHE:-$cache/tern-servers}") # not local: the trap comes later
  read -r -a list <<<"${TERN_SERVERS:-}"
  with36 && build gcc36 || return 1
  tests/servers/install.sh "${list[@]}" || return 1
  # not under the checkout: the servers' own users must be able to reach it
  dir=$(mktemp -d /tmp/tern-real.XXXXXX) && chmod 755 "$dir" || return 1
  trap '"${sudo[@]}" "${env[@]}" tests/servers/all.sh stop "$dir" "${list[@]}" >/dev/null 2>&1; "${sudo[@]}" rm -rf "$dir"' EXIT
  "${sudo[@]}" "${env[@]}" tests/servers/all.sh start "$dir" "${list[@]}"
  result=$?
  [ $result = 0 ] || tail -n 20 "$dir"/*.out
  "${sudo[@]}" "${env[@]}" python3 tests/real/run.py "$dir" "$B/gcc36/examples/tern-send" "${list[@]}" || result=1
  "${sudo[@]}" "${env[@]}" /usr/bin/python3 tests/dkim/trip.py "$dir" "$B/gcc36/tests/dkim_sign" "$B/gcc36/examples/tern-send" "${list[@]}" || result=1
  return $result
}

# the frame ----------------------------------------------------------------------------------------

# count LOG: "PASSED FAILED", summed over meson's summaries and `N passed, N failed` lines
count() {
  awk '/^Ok: +[0-9]+ *$/ || /^Expected Fail: +[0-9]+ *$/ { ok += $NF }
    /^(Fail|Unexpected Pass|Timeout|Skipped): +[0-9]+ *$/ { bad += $NF }
    /^[0-9]+ passed, [0-9]+ failed$/ { ok += $1; bad += $3 }
    END { print ok + 0, bad + 0 }' "$1"
}

step() { # step NAME: runs the function NAME
  local name=$1 what=$1_what log=$B/$1.log status ok bad from=$SECONDS
  echo "== $name: ${!what}"
  # a child apart, so that what a step exports or traps ends with it
  ("$name") >"$log" 2>&1 </dev/null
  status=$?
  read -r ok bad <<<"$(count "$log")"
  # failed without saying what, or did nothing
  if { [ $status != 0 ] && [ "$bad" = 0 ]; } || [ $((ok + bad)) = 0 ]; then bad=$((bad + 1)); fi
  if [ "$bad" != 0 ]; then
    tail -n "${TERN_TAIL:-60}" "$log" | sed 's/^/   | /'
    echo "   the whole log: $log"
  elif [ "$name" = firmware ]; then
    grep -v ' passed, ' "$log" | sed 's/^/   /'
  elif [ "$name" = bench ]; then
    sed -n '/ now .* recorded$/,$ { / passed, /d; s/^/   /; p }' "$log"
  fi
  echo "   $name: $ok passed, $bad failed, $((SECONDS - from)) s"
  passed=$((passed + ok))
  failed=$((failed + bad))
}

for name in "${steps[@]}"; do
  what=${name}_what
  [ -n "${!what:-}" ] || { echo "no step $name" >&2; exit 64; }
done
echo "== setup"
if ! tests/setup.sh 2>&1 | sed 's/^/   /'; then failed=$((failed + 1)); fi
if [ $# = 0 ] && pkg-config --atleast-version=3.6 mbedtls 2>/dev/null; then
  echo "   the system's Mbed TLS is $(pkg-config --modversion mbedtls): gcc28 would be gcc36 once more, and is not run"
  mapfile -t steps < <(printf '%s\n' "${steps[@]}" | grep -vx gcc28)
fi
for name in "${steps[@]}"; do step "$name"; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
