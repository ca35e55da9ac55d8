#!/bin/bash
# haraka.sh start|stop DIR - Haraka (npm), with one plugin (haraka_plugin.js) that knows the user and stores the mail.
# smtp_port: STARTTLS offered; submission_port: STARTTLS, AUTH demanded; smtps_port: implicit TLS, AUTH demanded. AUTH PLAIN LOGIN CRAM-MD5,
# offered only under TLS (on smtp_port too). PIPELINING, 8BITMIME, SMTPUTF8; no CHUNKING, no DSN. maildir holds the message as Haraka
# passes it on (its Received header on top), env/ the envelope. reject@ 550, defer@ 450 at RCPT; "X-Tern: reject" 554 at DATA.
. "$(dirname "$0")/lib.sh" "$@"
if [ "$ACT" = stop ]; then stop; exit 0; fi
begin; X=$CACHE/npm/Haraka/node_modules/Haraka; [ -d "$X" ] || { echo "haraka.sh: run install.sh" >&2; exit 69; }
C=$D/config; mkdir -p "$C" "$D"/{plugins,queue}; cp "$HERE/haraka_plugin.js" "$D/plugins/tern.js"
cp "$KEY" "$C/tls_key.pem"; cp "$CRT" "$C/tls_cert.pem"; echo "$HOSTN" >"$C/me"
printf 'tls\ntern\n' >"$C/plugins"; printf 'LOGINFO\n' >"$C/loglevel"
printf '[main]\nlevel=INFO\nformat=default\n' >"$C/log.ini"; echo '' >"$C/host_list"
printf 'listen=%s\nsmtps_port=%s\nnodes=0\n' "$BIND:$SMTP_PORT,$BIND:$SUB_PORT,$BIND:$SMTPS_PORT" "$SMTPS_PORT" >"$C/smtp.ini"
printf '[main]\nsmtputf8=true\n[max]\nbytes='"$SIZE"'\nline_length=2048\ndata_line_length=100000\n[headers]\nmax_lines=5000\nmax_received=100\nadd_received=true\n[message]\nhelo=hello\nclose=bye\n[uuid]\nbanner_chars=6\ndeny_chars=0\n[haproxy]\nhosts[]=\n' >"$C/connection.ini"
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out "$C/dhparams.pem" 2>/dev/null
printf 'dhparam=dhparams.pem\nkey=tls_key.pem\ncert=tls_cert.pem\n' >"$C/tls.ini"
echo "{\"user\":\"$USERN\",\"password\":\"$PASSW\",\"maildir\":\"$D/mail\",\"open\":$SMTP_PORT,\"rcpts\":$NRCPT}" >"$C/tern.json"
spawn "$D/log" node "$X/bin/haraka" -c "$D"
for p in "$SMTP_PORT" "$SUB_PORT" "$SMTPS_PORT"; do wait_port "$p"; done
std_env; emit "smtp_port=$SMTP_PORT" "submission_port=$SUB_PORT" "smtps_port=$SMTPS_PORT" "maildir=$D/mail" "pid=$LASTPID" "log=$D/log"
