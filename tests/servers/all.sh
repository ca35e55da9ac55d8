#!/bin/bash
# all.sh start|stop DIR [SERVER...] - starts (or stops) every server under DIR, or the ones named, and prints one table.
# Exit status 1 if one failed; its output is in DIR/SERVER.out.
set -u; here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] && { [ "$1" = start ] || [ "$1" = stop ]; } || { echo "usage: $0 start|stop DIR [SERVER...]" >&2; exit 64; }
act=$1; mkdir -p "$2"; top=$(cd "$2" && pwd); shift 2; bad=0
[ $# -gt 0 ] || set -- postfix exim sendmail opensmtpd dovecot aiosmtpd smtp-server haraka
[ "$act" = stop ] || "$here/certs.sh" "${TERN_CERTS:-$top/certs}" >/dev/null
printf '%-12s %-7s %6s %6s %10s %6s %6s  %s\n' server state ms smtp submission smtps lmtp other
for s; do
  t=$(date +%s%N); if "$here/$s.sh" "$act" "$top" >"$top/$s.out" 2>&1; then st=$act; else st=FAILED; bad=1; fi
  v() { sed -n "s/^$1=//p" "$top/$s/env" 2>/dev/null | head -1; }
  other=; for k in grey_port; do [ -z "$(v $k)" ] || other+="$k=$(v $k) "; done
  printf '%-12s %-7s %6d %6s %10s %6s %6s  %s\n' "$s" "$st" $((($(date +%s%N) - t) / 1000000)) "$(v smtp_port)" "$(v submission_port)" "$(v smtps_port)" "$(v lmtp_port)" "$other"
done
exit $bad
