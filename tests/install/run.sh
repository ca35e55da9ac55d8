#!/bin/bash
# run.sh BUILD DIR - installs the build BUILD under DIR and looks at it as an outsider does: a program built by pkg-config, shared and
# static, by CMake, shared and static, and with tern as a meson subproject; the soname; the exported symbols against
# tests/symbols.txt; each public header alone in C99 and in C++11; the manual pages.
# What BUILD was made with (PKG_CONFIG_PATH, LDFLAGS) must be in the environment still.
# A symbol added on purpose: `tests/install/run.sh BUILD DIR --symbols` writes the list anew.
set -uo pipefail
[ $# -ge 2 ] || { echo "usage: $0 BUILD DIR [--symbols]" >&2; exit 64; }
build=$(cd "$1" && pwd) || exit 64
mkdir -p "$2"
prefix=$(cd "$2" && pwd)/usr
here=$(cd "$(dirname "$0")" && pwd)
list=$here/../symbols.txt
passed=0 failed=0
check() { # check WHAT COMMAND...: passes where COMMAND succeeds; what it says is shown where it fails
  local what=$1 out
  shift
  if out=$("$@" 2>&1); then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'FAIL %s:\n%s\n' "$what" "$out"
  fi
}
rm -rf "$prefix"
meson setup --reconfigure --prefix="$prefix" --libdir=lib "$build" >"$2/log" 2>&1 && meson install -C "$build" >>"$2/log" 2>&1 || {
  tail -20 "$2/log"
  echo "0 passed, 1 failed"
  exit 1
}
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
symbols() { nm -D --defined-only "$prefix/lib/libtern.so" | awk '{ print $3 }' | LC_ALL=C sort; }
if [ "${3:-}" = --symbols ]; then symbols >"$list"; fi
version=$(pkg-config --modversion tern)

shared() {
  # shellcheck disable=SC2046,SC2086
  ${CC:-gcc} -std=c99 -Wall -Wextra -Wpedantic -Werror "$here/outside.c" $(pkg-config --cflags --libs tern) ${LDFLAGS:-} -Wl,-rpath,"$prefix/lib" -o "$prefix/shared" &&
    "$prefix/shared" | tee /dev/stderr | grep -x "tern $version" && ldd "$prefix/shared" | tee /dev/stderr | grep "$prefix/lib/libtern.so"
}
static() {
  # the archive is named itself, as the shared library beside it would win
  # shellcheck disable=SC2046,SC2086
  ${CC:-gcc} -std=c99 "$here/outside.c" $(pkg-config --cflags tern) $(pkg-config --static --libs tern | sed 's/-ltern\b/-l:libtern.a/') ${LDFLAGS:-} -o "$prefix/static" &&
    "$prefix/static" | tee /dev/stderr | grep -x "tern $version" && ! ldd "$prefix/static" | grep libtern
}
soname() { readelf -d "$prefix/lib/libtern.so" | tee /dev/stderr | grep -E 'SONAME.*\[libtern\.so\.[0-9]+\]'; }
symbol_list() { diff <(grep -v '^#' "$list" | LC_ALL=C sort) <(symbols); }
header() { printf '#include <tern/%s>\nint main(void) { return 0; }\n' "$1" | "${@:2}" -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only -; }
by_cmake() { # by_cmake TARGET
  local dir=$prefix/cmake-${1##*:}
  rm -rf "$dir" && mkdir -p "$dir" && cp "$here/outside.c" "$dir" && cat >"$dir/CMakeLists.txt" <<C
cmake_minimum_required(VERSION 3.16)
project(outside C)
find_package(tern 0.1 REQUIRED)
add_executable(outside outside.c)
target_link_libraries(outside PRIVATE $1)
C
  LIBRARY_PATH=${LIBRARY_PATH:-} cmake -S "$dir" -B "$dir/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_EXE_LINKER_FLAGS="${LDFLAGS:-}" &&
    cmake --build "$dir/build" && "$dir/build/outside" | tee /dev/stderr | grep -x "tern $version"
}
subproject() { # a clone without an installed tern: the wrap finds the sources
  local dir=$prefix/wrap
  rm -rf "$dir" && mkdir -p "$dir/subprojects" && cp "$here/outside.c" "$dir" && cp "$here/../../pkgconfig/tern.wrap" "$dir/subprojects" &&
    mkdir "$dir/subprojects/tern" && cp -r "$here"/../../{lib,include,examples,pkgconfig,meson.build,meson_options.txt} "$dir/subprojects/tern" && cat >"$dir/meson.build" <<M
project('outside', 'c')
executable('outside', 'outside.c', dependencies: dependency('tern', default_options: ['tests=false']))
M
  meson setup --wrap-mode=forcefallback "$dir/build" "$dir" && ninja -C "$dir/build" && "$dir/build/outside" | tee /dev/stderr | grep -x "tern $version"
}
manual() { # a page has no date: it says what the version's header says
  ! mandoc -T lint -W warning "$1" | grep -v 'missing date' && [ "$(man -l "$1" 2>/dev/null | wc -l)" -gt 10 ]; }
documented() { # every exported function is in a page
  local name bad=0
  cat "$prefix"/share/man/man3/*.3 >"$prefix/pages"
  for name in $(symbols); do grep -qw "$name" "$prefix/pages" || { echo "$name is in no page"; bad=1; }; done
  return $bad
}
options_documented() {
  local option page bad=0
  page=$(sed 's/\\-/-/g' "$prefix/share/man/man1/tern-send.1") # not through a pipe, which grep -q breaks
  for option in $(LD_LIBRARY_PATH=$prefix/lib "$prefix/bin/tern-send" --help | grep -oE -- '--[a-z-]+' | sort -u); do
    grep -qw -- "$option" <<<"$page" || { echo "$option is not in the page"; bad=1; }
  done
  return $bad
}
sender() { LD_LIBRARY_PATH=$prefix/lib "$prefix/bin/tern-send" --version | tee /dev/stderr | grep "$version"; }

check "a program with the shared library" shared
check "a program with the static library" static
check "the soname" soname
check "exported symbols (< tests/symbols.txt, > the library)" symbol_list
for h in "$prefix"/include/tern/*.h; do
  h=${h##*/}
  check "$h in C99" header "$h" gcc -std=c99 -x c
  check "$h in C++11" header "$h" g++ -std=c++11 -x c++
done
check "the installed tern-send" sender
check "CMake, shared" by_cmake tern::tern
check "CMake, static" by_cmake tern::static
check "a meson subproject" subproject
for page in "$prefix"/share/man/man?/*; do check "manual page ${page##*/}" manual "$page"; done
check "every function has a manual page" documented
check "every option has its place in tern-send(1)" options_documented
echo "$passed passed, $failed failed"
[ $failed = 0 ]
