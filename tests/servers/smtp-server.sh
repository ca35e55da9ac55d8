#!/bin/bash
# smtp-server.sh start|stop DIR - nodemailer's smtp-server (npm): smtp_port (STARTTLS offered, AUTH optional), submission_port
# (STARTTLS then AUTH), smtps_port (implicit TLS, AUTH), lmtp_port (LMTP mode). AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2 (token=).
# A refused XOAUTH2 token gets the base64 JSON error challenge (334) first, as the big providers do. PIPELINING, 8BITMIME, SMTPUTF8.
# Mail is stored in maildir exactly as received (dots unstuffed), envelope beside it. reject@ 550, defer@ 451; "X-Tern: reject" 554 at DATA.
. "$(dirname "$0")/lib.sh" "$@"
if [ "$ACT" = stop ]; then stop; exit 0; fi
begin; [ -d "$CACHE/npm/smtp-server/node_modules/smtp-server" ] || { echo "smtp-server.sh: run install.sh" >&2; exit 69; }
TOKEN=ya29.tern-test-token
NODE_PATH=$CACHE/npm/smtp-server/node_modules spawn "$D/log" node "$HERE/smtp_server.js" "{\"size\":$SIZE,\"rcpts\":$NRCPT,\"bind\":\"$BIND\",\"smtp\":$SMTP_PORT,\"submission\":$SUB_PORT,\"smtps\":$SMTPS_PORT,\"lmtp\":$LMTP_PORT,\"maildir\":\"$D/mail\",\"cert\":\"$CRT\",\"key\":\"$KEY\",\"user\":\"$USERN\",\"password\":\"$PASSW\",\"token\":\"$TOKEN\",\"hostname\":\"$HOSTN\"}"
for p in "$SMTP_PORT" "$SUB_PORT" "$SMTPS_PORT" "$LMTP_PORT"; do wait_port "$p"; done
std_env; emit "smtp_port=$SMTP_PORT" "submission_port=$SUB_PORT" "smtps_port=$SMTPS_PORT" "lmtp_port=$LMTP_PORT" "maildir=$D/mail" "token=$TOKEN" "pid=$LASTPID" "log=$D/log"
