#!/bin/bash
# fresh.sh COMMAND... - runs COMMAND as root in a fresh, bare Debian chroot with a copy of the checkout (what git tracks, and what is
# new and not ignored) as its working folder, e.g. `tests/fresh.sh ./examples/demo.sh`. Needs root.
# The bare system is made once by debootstrap and kept as a tarball under ~/.cache/tern. From this machine it gets nothing but
# resolv.conf, Debian's own apt sources, and apt's proxy and the certificates the machine trusts, where there are any.
# TERN_SUITE: bookworm (default) or trixie. TERN_FRESH_DIR: keep the chroot there instead of removing it.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 64; }
[ "$(id -u)" = 0 ] || { echo "fresh.sh: needs root" >&2; exit 77; }
suite=${TERN_SUITE:-bookworm}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tern
tarball=$cache/debian-$suite.tar.gz
mkdir -p "$cache"
uri=$(mirror)

if [ ! -e "$tarball" ]; then
  need debootstrap
  echo "making a bare $suite" >&2
  bare=$(mktemp -d /var/tmp/tern-bare.XXXXXX)
  debootstrap --variant=minbase "$suite" "$bare" "$uri" >"$bare.log" 2>&1 || { tail "$bare.log" >&2; rm -rf "$bare"; exit 75; }
  rm -f "$bare"/var/cache/apt/archives/*.deb "$bare.log"
  tar -C "$bare" -czf "$tarball.new" .
  mv "$tarball.new" "$tarball"
  rm -rf "$bare"
fi

keep=${TERN_FRESH_DIR:-}
root=${keep:-$(mktemp -d /var/tmp/tern-fresh.XXXXXX)}
mkdir -p "$root"
work=/root/tern
mounted=()
finish() {
  local i p
  # whatever COMMAND left running in there
  for p in /proc/[0-9]*; do
    [ "$(readlink "$p/root" 2>/dev/null)" != "$root" ] || kill -9 "${p#/proc/}" 2>/dev/null || true
  done
  for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount -R -l "$root${mounted[i]}"; done
  # never through a mount that did not go
  [ -n "$keep" ] || grep -q " $root[/ ]" /proc/self/mounts || rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM

tar -C "$root" -xzf "$tarball"
chmod 755 "$root" # mktemp made it 0700, and the servers have users of their own
echo "chroot: $root ($suite)" >&2
rm -f "$root/etc/resolv.conf"
cat /etc/resolv.conf >"$root/etc/resolv.conf"
echo fresh >"$root/etc/hostname"
printf '127.0.0.1 localhost fresh\n::1 localhost\n' >"$root/etc/hosts"
# Debian's own sources, written for that suite
apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u |
  while read -r u release; do
    [ "${release#"$codename"}" = "$release" ] || echo "deb $u $suite${release#"$codename"} main"
  done >"$root/etc/apt/sources.list"
[ -s "$root/etc/apt/sources.list" ] || echo "deb $uri $suite main" >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::https?::Proxy' >"$root/etc/apt/apt.conf.d/90proxy" || true
if [ -d /usr/local/share/ca-certificates ]; then
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
fi
mkdir -p "$root$work"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
  tar --null -T - -cf - | tar -C "$root$work" -xf -

# a mount point of its own, and private: what is mounted in there (the servers' namespaces do) stays in there
mount --bind "$root" "$root" && mount --make-private "$root" && mounted+=("")
mount -t proc proc "$root/proc" && mounted+=(/proc)
mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev" && mounted+=(/dev)
mount --rbind /sys "$root/sys" && mount --make-rslave "$root/sys" && mounted+=(/sys)

pass=()
for v in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY "${!TERN_@}"; do
  case $v in TERN_SUITE | TERN_FRESH_DIR | TERN_DEBIAN_MIRROR) continue ;; esac
  [ -z "${!v:-}" ] || pass+=("$v=${!v}")
done
status=0
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "${pass[@]}" \
  chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$work" "$@" </dev/null || status=$?
exit $status
