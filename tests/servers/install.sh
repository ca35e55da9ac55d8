#!/bin/bash
# install.sh [SERVER...] - installs what the named server scripts need (default: all), on Debian, as root or with sudo.
# Idempotent and noninteractive; starts no daemon (see need in ../debian.sh). Works in a bare chroot.
# Postfix, Dovecot and aiosmtpd are installed as packages. Exim, OpenSMTPD and Sendmail conflict with Postfix or want to own the
# machine, so their .debs are unpacked under the cache folder (TERN_SERVERS_CACHE, default ~/.cache/tern-servers) and only the
# libraries they need are installed. smtp-server and Haraka come from npm, in the last versions that Debian 12's Node.js 18 runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../debian.sh
export LC_ALL=C.UTF-8
CACHE=${TERN_SERVERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tern-servers}
mkdir -p "$CACHE"
[ $# -gt 0 ] || set -- postfix exim sendmail opensmtpd dovecot aiosmtpd smtp-server haraka
as_root() { "${sudo[@]}" "$@"; }

mkuser() {
  getent group "$1" >/dev/null || as_root groupadd -r "$1"
  getent passwd "$1" >/dev/null || as_root useradd -r -g "$1" -d /nonexistent -s /usr/sbin/nologin "$1"
}

# unpack NAME PACKAGE...: the packages' files under $CACHE/NAME, their lib* dependencies through apt; FROM: apt's options
unpack() {
  local name=$1 p deb libs=()
  shift
  if [ -e "$CACHE/$name/.done" ]; then
    mapfile -t libs <"$CACHE/$name/.done" # a kept cache on a machine made anew
    need "${libs[@]}"
    return
  fi
  rm -rf "${CACHE:?}/$name"
  mkdir -p "$CACHE/$name/debs"
  (cd "$CACHE/$name/debs" && apt_get -o APT::Sandbox::User= "${FROM[@]}" download "$@")
  for deb in "$CACHE/$name/debs"/*.deb; do
    dpkg-deb -x "$deb" "$CACHE/$name"
    mapfile -t -O ${#libs[@]} libs < <(dpkg-deb -f "$deb" Depends Pre-Depends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' |
      sed 's/|.*//; s/(.*//; s/:any//; s/ //g' | grep '^lib' | sort -u)
  done
  rm -r "$CACHE/$name/debs"
  need "${libs[@]}"
  printf '%s\n' "${libs[@]}" >"$CACHE/$name/.done"
}

# npm_install PACKAGE VERSION
npm_install() {
  local have
  command -v node >/dev/null || need nodejs
  command -v npm >/dev/null || need npm
  mkdir -p "$CACHE/npm/$1"
  have=$(sed -n 's/^  "version": "\(.*\)",/\1/p' "$CACHE/npm/$1/node_modules/$1/package.json" 2>/dev/null || true)
  [ "$have" != "$2" ] || [ ! -e "$CACHE/npm/$1/.done" ] || return 0
  rm -f "$CACHE/npm/$1/.done"
  echo "installing: $1 $2 (npm)"
  (cd "$CACHE/npm/$1" && echo '{"private":true}' >package.json &&
    npm install --no-audit --no-fund --omit=optional --ignore-scripts --loglevel=error "$1@$2" >log 2>&1) ||
    { cat "$CACHE/npm/$1/log" >&2; return 1; }
  touch "$CACHE/npm/$1/.done"
}

need openssl ca-certificates python3 procps hostname util-linux
for server; do
  FROM=()
  case $server in
  postfix)
    # no configuration of Debian's own: the scripts bring theirs
    installed postfix || { installed debconf && echo "postfix postfix/main_mailer_type select No configuration" | as_root debconf-set-selections; }
    need postfix postfix-pcre dovecot-core
    ;;
  dovecot) need dovecot-core dovecot-submissiond dovecot-lmtpd python3-aiosmtpd ;;
  aiosmtpd) need python3-aiosmtpd ;;
  exim)
    need dovecot-core
    unpack exim exim4-daemon-heavy exim4-base
    mkuser Debian-exim
    ;;
  sendmail)
    unpack sendmail sendmail-bin sendmail-base sendmail-cf
    need libsasl2-modules sasl2-bin m4
    mkuser smmta
    mkuser smmsp
    ;;
  opensmtpd)
    # 6.8, Debian 12's own, cannot do TLS with OpenSSL 3 (every handshake ends in an internal_error alert): 7.4 of the backports
    if [ "$codename" = bookworm ] && [ ! -e "$CACHE/opensmtpd/.done" ]; then apt_source "$CACHE/apt" bookworm-backports; fi
    unpack opensmtpd opensmtpd
    rm -rf "$CACHE/apt"
    mkuser opensmtpd
    mkuser opensmtpq
    ;;
  smtp-server) npm_install smtp-server 3.18.4 ;;
  haraka) npm_install Haraka 3.1.1 ;;
  *)
    echo "install.sh: no server $server" >&2
    exit 64
    ;;
  esac
done
echo "servers: $* are there (cache: $CACHE)"
