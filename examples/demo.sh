#!/bin/bash
# demo.sh - from a bare Debian machine to a delivered message: installs what is missing, builds tern, starts Postfix on loopback with
# TLS and AUTH (nothing outside a temporary folder is configured, no daemon stays), sends it a message with tern-send and shows the
# dialogue and the message as Postfix stored it. Needs root, as Postfix does.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }
fail() {
  echo "demo: $*" >&2
  exit 1
}
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail "Postfix wants to be started by root"
  exec sudo "$0" "$@"
fi

say "installing what is missing (compiler, meson, Mbed TLS; Postfix, Dovecot for its passwords)"
tests/setup.sh --build-only
tests/servers/install.sh postfix

say "building tern in build/"
log=$(mktemp)
{ [ -e build/build.ninja ] || meson setup build -Dtests=false; } >"$log" 2>&1 && ninja -C build >>"$log" 2>&1 || {
  tail -40 "$log" >&2
  rm -f "$log"
  fail "the build failed"
}
rm -f "$log"
ls -l build/examples/tern-send

say "starting Postfix on loopback"
dir=$(mktemp -d /tmp/tern-demo.XXXXXX)
chmod 755 "$dir"
trap 'tests/servers/postfix.sh stop "$dir" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
tests/servers/postfix.sh start "$dir" >"$dir/start.log" 2>&1 || {
  cat "$dir/start.log" >&2
  fail "Postfix did not start"
}
value() { sed -n "s/^$1=//p" "$dir/postfix/env" | head -1; }
echo "listening on $(value host):$(value submission_port); its certificate is by a CA made just now"

stamp=demo-$$-$(date +%s)
cat >"$dir/message" <<M
From: Ann <ann@example.test>
To: Bob <bob@example.test>
Subject: Hello from tern
Message-ID: <$stamp@example.test>
Date: $(LC_ALL=C date -R)

Hello Bob,
this went through a real server, over TLS, with a password.
.
(and the dot above did not end it)
M
value password >"$dir/password"

say "sending"
status=0
command=(build/examples/tern-send --server "smtp://$(value host):$(value submission_port)" --ca "$(value ca)"
  --user "$(value user)" --password-file "$dir/password" --trace --json bob@example.test)
echo "\$ ${command[*]} < message"
"${command[@]}" <"$dir/message" || status=$?
[ $status = 0 ] || fail "tern-send ended with status $status; Postfix says: $(tail -5 "$dir/postfix/log")"

say "the message as Postfix stored it"
for ((i = 0; i < 100; i++)); do
  stored=$(grep -rl "$stamp" "$(value maildir)/new" 2>/dev/null | head -1 || true)
  [ -z "$stored" ] || break
  sleep 0.1
done
[ -n "$stored" ] || fail "the message was accepted, but is not in the mailbox"
cat "$stored"
[ "$(sed '1,/^$/d' "$stored")" = "$(sed '1,/^$/d' "$dir/message")" ] || fail "the stored text is not the text that was sent"
echo
echo "the message arrived"
