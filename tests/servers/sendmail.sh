#!/bin/bash
# sendmail.sh start|stop DIR - Sendmail 8.17 run from the cache folder, with a sendmail.cf of its own made by m4. SASL settings are looked
# for in /etc/sasl2 and it sleeps 60 s if the host's name has no dot, so it runs in mount and UTS namespaces of its own (root or CAP_SYS_ADMIN).
# smtp_port: STARTTLS offered, no AUTH; submission_port: AUTH demanded, offered only after STARTTLS; smtps_port: implicit TLS, AUTH.
# AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 from a sasldb. DSN, 8BITMIME, PIPELINING, ETRN, DELIVERBY; no SMTPUTF8,
# no CHUNKING. Any address in example.test lands in maildir (lines end in CRLF there); reject@ 550, defer@ 451 at RCPT; relaying is allowed to this host.
# TERN_SENDMAIL_EXTRA: more m4 lines (';' between), e.g. define(`confMAX_RCPTS_PER_MESSAGE',`5').
# unshare takes no SIGTERM while it waits: end its child, process 1 of the namespace, and all of it goes
stop() { local p; for p in $(cat "$D/pids" 2>/dev/null); do for p in $(cat "/proc/$p/task/$p/children" 2>/dev/null); do kill -9 "$p" 2>/dev/null || true; done; done; stop_pids; }
. "$(dirname "$0")/lib.sh" "$@"
if [ "$ACT" = stop ]; then stop; exit 0; fi
stop; begin; X=$CACHE/sendmail; SM=$X/usr/libexec/sendmail/sendmail; [ -x "$SM" ] || { echo "sendmail.sh: run install.sh" >&2; exit 69; }
mkdir -p "$D"/{queue,mail,sasl,etc,dev}; chmod 700 "$D/queue"; chown nobody:nogroup "$D/mail"
install -m 755 "$HERE/maildir_put.py" "$D" # nobody, who runs it, may not reach the checkout
install -m 600 "$KEY" "$D/etc/key.pem"; install -m 644 "$CRT" "$D/etc/crt.pem"; cat "$CERTS/inter.crt" "$CERTS/ca.crt" >"$D/etc/ca.pem"
printf '127.0.0.1 %s localhost\n' "$HOSTN" >"$D/etc/hosts"; printf 'hosts files\naliases files\n' >"$D/etc/switch"
for r in example.test "$HOSTN"; do printf '%s' "$PASSW" | saslpasswd2 -p -c -f "$D/sasl/db" -u "$r" tern; done; chmod 600 "$D/sasl/db"
cat >"$D/sasl/Sendmail.conf" <<C
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $D/sasl/db
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256
C
T=$'\t'
cat >"$D/etc/sendmail.mc" <<C
include(\`$X/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(\`tern tests')dnl
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`$HOSTN')dnl
define(\`QUEUE_DIR', \`$D/queue')dnl
define(\`STATUS_FILE', \`$D/etc/statistics')dnl
define(\`HELP_FILE', \`$D/etc/helpfile')dnl
define(\`ALIAS_FILE', \`')dnl
define(\`confCW_FILE', \`')dnl
define(\`confPID_FILE', \`$D/etc/pid')dnl
define(\`confSERVICE_SWITCH_FILE', \`$D/etc/switch')dnl
define(\`confDEF_USER_ID', \`nobody:nogroup')dnl
define(\`confDONT_BLAME_SENDMAIL', \`GroupWritableDirPathSafe,GroupWritableIncludeFileSafe,WorldWritableIncludeFile,GroupReadableSASLDBFile,GroupReadableKeyFile,TrustStickyBit')dnl
define(\`confMAX_MESSAGE_SIZE', \`$SIZE')dnl
define(\`confMAX_RCPTS_PER_MESSAGE', \`$NRCPT')dnl
define(\`confDELIVERY_MODE', \`interactive')dnl
define(\`confLOG_LEVEL', \`14')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confBAD_RCPT_THROTTLE', \`0')dnl
define(\`confCONNECTION_RATE_THROTTLE', \`0')dnl
define(\`confREFUSE_LA', \`1000')dnl
define(\`confQUEUE_LA', \`1000')dnl
define(\`confCACERT', \`$D/etc/ca.pem')dnl
define(\`confCACERT_PATH', \`$D/etc')dnl
define(\`confSERVER_CERT', \`$D/etc/crt.pem')dnl
define(\`confSERVER_KEY', \`$D/etc/key.pem')dnl
define(\`confAUTH_MECHANISMS', \`PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256')dnl
define(\`confAUTH_REALM', \`example.test')dnl
define(\`confAUTH_OPTIONS', \`p')dnl
TRUST_AUTH_MECH(\`PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`accept_unqualified_senders')dnl
FEATURE(\`no_default_msa')dnl
RELAY_DOMAIN(\`example.test')dnl
DAEMON_OPTIONS(\`Family=inet, Addr=$BIND, Port=$SMTP_PORT, Name=MTA, M=A')dnl
DAEMON_OPTIONS(\`Family=inet, Addr=$BIND, Port=$SUB_PORT, Name=MSA, M=a')dnl
DAEMON_OPTIONS(\`Family=inet, Addr=$BIND, Port=$SMTPS_PORT, Name=TLSMSA, M=as')dnl
$(echo "${TERN_SENDMAIL_EXTRA:-}" | tr ';' '\n')
MAILER(\`local')dnl
MAILER(\`smtp')dnl
MAILER_DEFINITIONS
Mtern, P=/usr/bin/python3, F=lsDFMPqn8m9, S=0, R=0, L=0, E=\r\n, U=nobody:nogroup, T=DNS/RFC822/X-Unix, A=python3 $D/maildir_put.py $D/mail/tern \$u
LOCAL_RULE_0
R\$* < @ example.test . > \$*${T}\$#tern \$@ example.test \$: \$1 < @ example.test . >
R\$* < @ example.test > \$*${T}\$#tern \$@ example.test \$: \$1 < @ example.test . >
LOCAL_RULESETS
SLocal_check_rcpt
R<\$*>${T}\$1
Rreject @ \$*${T}\$#error \$@ 5.1.1 \$: "550 no such mailbox here"
Rdefer @ \$*${T}\$#error \$@ 4.2.1 \$: "451 mailbox busy, try again"
Rfull @ \$*${T}\$#error \$@ 5.2.2 \$: "552 mailbox full"
C
m4 -D_CF_DIR_="$X/usr/share/sendmail/cf/" "$D/etc/sendmail.mc" >"$D/etc/sendmail.cf" 2>"$D/m4.err" || { cat "$D/m4.err" >&2; exit 70; }
cp "$X/etc/mail/helpfile" "$D/etc/helpfile"; : >"$D/etc/statistics"; mkdir -p /etc/sasl2
cat >"$D/run.sh" <<C
#!/bin/bash
set -e
mount --bind "$D/sasl" /etc/sasl2
mount --bind "$D/etc/hosts" /etc/hosts
hostname "$HOSTN"
mount -t tmpfs none "$D/dev"
for f in null zero random urandom log; do : >"$D/dev/\$f"; done
for f in null zero random urandom; do mount --bind /dev/\$f "$D/dev/\$f"; done
mount --bind "$D/syslog" "$D/dev/log"
mount --rbind "$D/dev" /dev
exec "$SM" -bD -q1m -C "$D/etc/sendmail.cf" -X "$D/traffic"
C
# there is no syslog on the test machine: a socket of our own collects what sendmail logs
spawn "$D/out" /usr/bin/python3 -c 'import os,socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); os.chmod(sys.argv[1],0o666)
f=open(sys.argv[2],"ab",0)
while True: f.write(s.recv(65536).rstrip(b"\0\n")+b"\n")' "$D/syslog" "$D/log"; wait_path "$D/syslog"
nsrun; spawn "$D/out" "${NSRUN[@]}" -u -p --fork --kill-child bash "$D/run.sh"
wait_port "$SMTP_PORT"; wait_port "$SUB_PORT"; wait_port "$SMTPS_PORT"
std_env; emit "smtp_port=$SMTP_PORT" "submission_port=$SUB_PORT" "smtps_port=$SMTPS_PORT" "maildir=$D/mail/tern" "pid=$LASTPID" "log=$D/log"
