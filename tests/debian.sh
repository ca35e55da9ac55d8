# debian.sh - what the scripts share that install packages (sourced, not run): need, apt_source, codename.
# Nothing here starts a daemon: while apt runs, a policy-rc.d that refuses is in place, put back as it was afterwards.
export DEBIAN_FRONTEND=noninteractive
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
sudo=()
[ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || sudo=(sudo)

# apt_get ARGS...: apt-get, quiet; its output is shown only when it fails
apt_get() {
  local log
  log=$(mktemp)
  if ! "${sudo[@]}" apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# installed PACKAGE
installed() {
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]
}

# known PACKAGE: apt can install it
known() {
  [ -n "$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v none)" ]
}

# need PACKAGE...: installs those that are missing; A|B stands for the first that apt knows
need() {
  local p q missing=() policy=/usr/sbin/policy-rc.d made= ok=0
  for p; do
    for q in ${p//|/ }; do installed "$q" && continue 2; done
    missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] && [ ${#sudo[@]} = 0 ]; then
    echo "to be installed by root: ${missing[*]}" >&2
    return 1
  fi
  echo "installing: ${missing[*]}"
  [ -n "${updated:-}" ] || apt_get update || return 1
  updated=1
  for p in "${!missing[@]}"; do
    for q in ${missing[p]//|/ }; do ! known "$q" || { missing[p]=$q; break; }; done
  done
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
    "${sudo[@]}" chmod 755 $policy
    made=1
  fi
  apt_get --no-install-recommends install "${missing[@]}" || ok=1
  [ -z "$made" ] || "${sudo[@]}" rm -f $policy
  return $ok
}

# mirror: the URI that this machine takes Debian itself from, or TERN_DEBIAN_MIRROR
mirror() {
  [ -n "${TERN_DEBIAN_MIRROR:-}" ] || TERN_DEBIAN_MIRROR=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
    'Created-By: Packages' | awk -v r="$codename" '($1 == r || $1 ~ /^(stable|oldstable)$/) && $2 == "main" { print $3; exit }')
  [ -n "$TERN_DEBIAN_MIRROR" ] || { echo "no Debian source is configured; set TERN_DEBIAN_MIRROR" >&2; return 1; }
  echo "$TERN_DEBIAN_MIRROR"
}

# apt_source DIR SUITE [TYPES]: a private apt state under DIR with that suite alone (TYPES: deb, or "deb deb-src"), its lists fetched;
# sets FROM to apt's options for it
apt_source() {
  local dir=$1 uri
  uri=$(mirror) || return 1
  mkdir -p "$dir/lists/partial" "$dir/archives/partial"
  : >"$dir/status"
  cat >"$dir/tern.sources" <<S
Types: ${3:-deb}
URIs: $uri
Suites: $2
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
S
  FROM=(-q -o Dir::Etc::SourceList="$dir/tern.sources" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::lists="$dir/lists"
    -o Dir::State::status="$dir/status" -o Dir::Cache="$dir" -o APT::Sandbox::User= -o Acquire::Languages=none
    -o Acquire::Retries=3)
  apt-get "${FROM[@]}" update >"$dir/log" 2>&1 && ! grep -q '^[WE]: ' "$dir/log" || { cat "$dir/log" >&2; return 1; }
}
