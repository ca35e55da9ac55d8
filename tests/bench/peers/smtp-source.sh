#!/bin/sh
# smtp-source.sh - Postfix's load generator: makes a message of its own of the same length; no TLS, no AUTH.
{ [ "$4" = none ] && [ "$5" = 0 ] && [ "$1" != resume ]; } || exit 3
keep=
[ "$1" != reuse ] || keep=-d
# shellcheck disable=SC2086
exec /usr/sbin/smtp-source -s 1 $keep -m "$6" -l "$(stat -c %s "$7")" -f a@example.com -t b@example.net "inet:$2:$3"
