#!/bin/bash
# opensmtpd.sh start|stop DIR - OpenSMTPD 7.4 run from the cache folder. Its spool and helper paths are compiled in, so it runs in a
# mount namespace of its own where they are bound to DIR and to the cache folder (needs root or CAP_SYS_ADMIN).
# smtp_port: no AUTH; submission_port: STARTTLS required, AUTH PLAIN LOGIN; smtps_port: implicit TLS, AUTH PLAIN LOGIN; lmtp: none.
# No PIPELINING in the EHLO, no SMTPUTF8, no CHUNKING: the plainest of the servers. example.test is delivered to maildir;
# any other domain gets 550; reject@ 550, defer@ 451 at RCPT. SIZE= in MAIL FROM is not looked at. A second EHLO gets 503.
. "$(dirname "$0")/lib.sh" "$@"
if [ "$ACT" = stop ]; then stop; exit 0; fi
begin; X=$CACHE/opensmtpd; [ -x "$X/usr/sbin/smtpd" ] || { echo "opensmtpd.sh: run install.sh" >&2; exit 69; }
mkdir -p "$D"/{spool,mail,run,empty}; chmod 711 "$D/spool"; chown nobody:nogroup "$D/mail"
install -m 600 "$KEY" "$D/key.pem"; install -m 644 "$CRT" "$D/crt.pem"
HASH=$(openssl passwd -6 "$PASSW")
{ echo "$USERN $HASH"; echo "tern $HASH"; } >"$D/creds"; chmod 644 "$D/creds"
cat >"$D/smtpd.conf" <<C
pki tern cert "$D/crt.pem"
pki tern key "$D/key.pem"
table creds file:$D/creds
table vdoms { example.test }
table vuser { "@" = tern }
table users { tern = "65534:65534:$D/mail" }
table bad { "reject@example.test" }
table busy { "defer@example.test" }
filter busy phase rcpt-to match rcpt-to <busy> reject "451 4.2.1 mailbox busy, try again"
smtp max-message-size $SIZE
smtp limit max-rcpt $NRCPT
listen on $BIND port $SMTP_PORT tls pki tern filter busy hostname $HOSTN
listen on $BIND port $SUB_PORT tls-require pki tern auth <creds> filter busy hostname $HOSTN
listen on $BIND port $SMTPS_PORT smtps pki tern auth <creds> filter busy hostname $HOSTN
action "box" maildir "$D/mail/tern" userbase <users> virtual <vuser>
match from any for rcpt-to <bad> reject
match from any for domain <vdoms> action "box"
match from auth for any action "box"
C
cat >"$D/run.sh" <<C
#!/bin/bash
set -e
mkdir -p /usr/libexec/opensmtpd /var/spool/smtpd
mount --bind "$D/spool" /var/spool/smtpd
mount --bind "$X/usr/libexec/opensmtpd" /usr/libexec/opensmtpd
mount -t tmpfs none /run -o mode=755
mkdir -p /run/opensmtpd /var/lib/opensmtpd/empty /var/empty
mount -t tmpfs none /run/opensmtpd -o mode=755
exec "$X/usr/sbin/smtpd" -dF -f "$D/smtpd.conf"
C
nsrun; spawn "$D/log" "${NSRUN[@]}" bash "$D/run.sh"
wait_port "$SMTP_PORT"; wait_port "$SMTPS_PORT"
std_env; emit "smtp_port=$SMTP_PORT" "submission_port=$SUB_PORT" "smtps_port=$SMTPS_PORT" "maildir=$D/mail/tern" "pid=$LASTPID" "log=$D/log"
