#!/bin/bash
# musl.sh DIR - builds tern with musl-gcc under DIR (no TLS: Debian has no Mbed TLS for musl; no lib/resolve: musl has no res_n* calls) and runs the unit and dialogue tests.
# cmocka is made for musl from Debian's source package, which is kept under ~/.cache/tern.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/debian.sh
need musl-tools dpkg-dev
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tern
prefix=$cache/cmocka-musl
if [ ! -e "$prefix/.done" ]; then
  rm -rf "$prefix"
  mkdir -p "$prefix/src"
  for suite in "$codename" bookworm; do # a mirror may have no sources of every suite
    apt_source "$prefix/apt" "$suite" deb-src
    (cd "$prefix/src" && apt-get "${FROM[@]}" source cmocka) >"$prefix/log" 2>&1 && break
  done
  ls "$prefix"/src/cmocka-*/ >/dev/null || { cat "$prefix/log" >&2; exit 75; }
  src=$(echo "$prefix"/src/cmocka-*/)
  printf '#define HAVE_SIGNAL_H 1\n#define HAVE_STRINGS_H 1\n#define HAVE_SETJMP_H 1\n#define HAVE_TIME_H 1\n#define HAVE_UNISTD_H 1\n#define HAVE_STRUCT_TIMESPEC 1\n#define HAVE_CLOCK_GETTIME 1\n#define HAVE_MALLOC_H 1\n#define HAVE_GCC_THREAD_LOCAL_STORAGE 1\n#define CMOCKA_HAVE_GCC_THREAD 1\n#define HAVE_SNPRINTF 1\n#define HAVE_VSNPRINTF 1\n#define HAVE_INTTYPES_H 1\n#define HAVE_STDINT_H 1\n' >"$prefix/config.h"
  mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
  cp "$src"/include/cmocka*.h "$prefix/include"
  musl-gcc -w -O1 -DHAVE_CONFIG_H -I"$prefix" -I"$prefix/include" -c "$src/src/cmocka.c" -o "$prefix/cmocka.o"
  ar rcs "$prefix/lib/libcmocka.a" "$prefix/cmocka.o"
  printf 'Name: cmocka\nDescription: cmocka for musl\nVersion: 1.1\nLibs: -L%s/lib -lcmocka\nCflags: -I%s/include\n' "$prefix" "$prefix" >"$prefix/lib/pkgconfig/cmocka.pc"
  rm -rf "$prefix/apt" "$prefix/src" "$prefix/log" "$prefix/cmocka.o"
  touch "$prefix/.done"
fi
export CC=musl-gcc PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig PKG_CONFIG_PATH=
unset LIBRARY_PATH LDFLAGS
options=(-Dwerror=true -Dtls=disabled -Dresolve=false -Dsaslprep=disabled)
if [ -e "$1/build.ninja" ]; then again=--reconfigure; else rm -rf "$1" && again=; fi
meson setup $again "$1" "${options[@]}" >"$1.setup" || { cat "$1.setup"; exit 1; }
ninja -C "$1" >"$1.build" || { tail -30 "$1.build"; exit 1; }
meson test --no-rebuild --print-errorlogs -C "$1" --suite unit --suite dialogue
