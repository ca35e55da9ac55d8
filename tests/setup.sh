#!/bin/bash
# setup.sh [--build-only] - installs what building tern and running its tests need, as Debian packages, where missing.
# Noninteractive; as root or with sudo; a user who has neither is told what to install, and goes on if everything is there.
# --build-only: compiler, meson and libraries alone. The servers of the tests are another matter: servers/install.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"
build=(gcc libc6-dev meson ninja-build "pkg-config|pkgconf" libmbedtls-dev "libidn-dev|libidn11-dev" libidn2-dev ca-certificates)
case ${1:-} in
--build-only) need "${build[@]}" ;;
"")
  need "${build[@]}" g++ clang llvm libcmocka-dev valgrind libc6-dbg gcc-arm-none-eabi libnewlib-arm-none-eabi python3 openssl git libgmime-3.0-dev mpack ripmime python3-dkim python3-nacl opendkim shared-mime-info cmake mandoc man-db s-nail git-email libmailtools-perl libunistring-dev libgsasl-dev libsasl2-dev libsasl2-modules libssl-dev
  # the sanitizers' and the fuzzer's runtimes are apart from clang since Debian 12
  version=$(clang -dumpversion | cut -d. -f1)
  runtime=libclang-rt-$version-dev
  apt-cache show "$runtime" >/dev/null 2>&1 || runtime=libclang-common-$version-dev
  need "$runtime"
  ;;
*)
  echo "usage: $0 [--build-only]" >&2
  exit 64
  ;;
esac
