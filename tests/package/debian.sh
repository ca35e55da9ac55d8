#!/bin/bash
# debian.sh DIR - builds the Debian packages under DIR as a maintainer would (pkgconfig/debian becomes debian/, where dpkg-buildpackage
# looks for it), and holds them against lintian; then looks at what they hold.
set -uo pipefail
cd "$(dirname "$0")/../.."
rm -rf "$1"
mkdir -p "$1"
out=$(cd "$1" && pwd)
version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
tree=$out/tern-$version
passed=0 failed=0
check() { # check WHAT COMMAND...
  local what=$1 said
  shift
  if said=$("$@" 2>&1); then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'FAIL %s:\n%s\n' "$what" "$(tail -n 40 <<<"$said")"
  fi
}
mkdir -p "$tree"
# a clone, or what a release's archive holds
tar --exclude='build*' --exclude=__pycache__ -cf - lib include examples pkgconfig tests/meson.build meson.build meson_options.txt LICENSE README.md CHANGELOG.md |
  tar -C "$tree" -xf -
mv "$tree/pkgconfig/debian" "$tree/debian"
cat >"$tree/debian/changelog" <<C
tern ($version) unstable; urgency=medium

  * Release $version; see CHANGELOG.md.

 -- The tern authors <tern@packages.invalid>  $(date -R -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}")
C
build() { (cd "$tree" && env -u PKG_CONFIG_PATH -u LIBRARY_PATH -u LDFLAGS dpkg-buildpackage -us -uc -b); }
files() { [ "$(ls "$out"/{libtern1,libtern-dev,tern-send}_"$version"_*.deb | wc -l)" = 3 ]; }
holds() { dpkg-deb -c "$out/$1"_"$version"_*.deb | tee /dev/stderr | grep -E "$2" >/dev/null; }
lint() { lintian --fail-on error --no-tag-display-limit --profile debian "$out"/*.changes; }
check "dpkg-buildpackage" build
check "three packages" files
check "libtern1 holds the library" holds libtern1 '/libtern\.so\.1 ->'
check "libtern-dev holds the headers" holds libtern-dev '/usr/include/tern/tern\.h'
check "libtern-dev holds the manual" holds libtern-dev '/man3/tern-client\.3'
check "tern-send holds the command" holds tern-send '/usr/bin/tern-send'
check "lintian: no errors" lint
echo "$passed passed, $failed failed"
[ $failed = 0 ]
