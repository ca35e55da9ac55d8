#!/bin/bash
# install.sh [--tools] - installs what the benchmark needs, as Debian packages, noninteractively, as root or with sudo.
# --tools: what the counts of tern itself need (../run.sh bench); without it the peers too: libcurl, libESMTP, libetpan, VMime,
# smtplib, nodemailer (npm), smtp-source (Postfix), msmtp. Starts no daemon. Cache: TERN_BENCH_CACHE (~/.cache/tern/bench).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../debian.sh
CACHE=${TERN_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tern/bench}
nodemailer=10.6.1
need gcc libc6-dev python3 openssl libssl-dev strace valgrind iproute2 util-linux
case ${1:-} in
--tools) exit 0 ;;
"") ;;
*)
  echo "usage: $0 [--tools]" >&2
  exit 64
  ;;
esac

installed postfix || { need debconf && echo "postfix postfix/main_mailer_type select No configuration" | "${sudo[@]}" debconf-set-selections; }
need g++ libcurl4-openssl-dev libesmtp-dev "libvmime-dev" "libetpan20|libetpan20t64" postfix msmtp
command -v node >/dev/null || need nodejs
command -v npm >/dev/null || need npm
mkdir -p "$CACHE"
# libetpan-dev wants the GnuTLS flavour of libcurl's headers in place of the one above: its headers are only unpacked
if [ ! -e "$CACHE/etpan/.done" ]; then
  rm -rf "$CACHE/etpan"
  mkdir -p "$CACHE/etpan"
  (cd "$CACHE/etpan" && apt_get -o APT::Sandbox::User= download libetpan-dev && dpkg-deb -x libetpan-dev*.deb . && touch .done)
fi
if [ ! -e "$CACHE/npm/.done" ]; then
  mkdir -p "$CACHE/npm"
  (cd "$CACHE/npm" && echo '{"private":true}' >package.json &&
    npm install --no-audit --no-fund --ignore-scripts --loglevel=error "nodemailer@$nodemailer" && touch .done)
fi
echo "peers are there (cache: $CACHE)"
