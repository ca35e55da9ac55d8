#!/bin/bash
# msmtp.sh - msmtp: a process and a connection a message.
[ "$1" = conn ] || { [ "$1" = reuse ] && [ "$6" = 1 ]; } || exit 3
args=(--file=/dev/null "--host=$2" "--port=$3" --from=a@example.com)
case $4 in
none) args+=(--tls=off) ;;
starttls) args+=(--tls=on --tls-starttls=on "--tls-trust-file=$PERF_CA") ;;
smtps) args+=(--tls=on --tls-starttls=off "--tls-trust-file=$PERF_CA") ;;
esac
if [ "$5" = 1 ]; then args+=(--auth=plain --user=user '--passwordeval=echo pass'); else args+=(--auth=off); fi
for ((i = 0; i < $6; i++)); do
  msmtp "${args[@]}" b@example.net <"$7" || exit 1
done
