#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none
# Notices by e-mail (a command in sendmail's place that keeps what it gets) and
# by webhook (a real HTTPS server): once each, signed, tried again, given up;
# what a webhook may not point to. CHECKLIST S3, S11, S15, S31.
set -u
umask 022 # certificate and mailbox are for the workers' account
cd "$(dirname "$0")/../.." || exit 1
. tools/lib/stack.sh

dir=$(mktemp -d /var/tmp/tollgate-notices.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
bail() {
  sed 's/^/# /' "$1"
  echo "Bail out! $2"
  exit 1
}

mkdir -m 1777 "$dir/mail"
# What it is called with and what it reads, one file a message; a file named
# `refuse` makes it fail.
cat >"$dir/sendmail" <<SCRIPT
#!/bin/sh
if [ -e "$dir/mail/refuse" ]; then
  echo 'mailbox is full' >&2
  exit 75
fi
file=\$(mktemp "$dir/mail/new.XXXXXX") || exit 1
{ for arg; do printf '%s\n' "\$arg"; done; echo ---; env; echo ---; cat; } >"\$file"
chmod a+r "\$file"
mv "\$file" "$dir/mail/message.\${file##*.}"
SCRIPT
chmod 755 "$dir/sendmail"

openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
  -subj '/CN=receiver' -addext 'subjectAltName=IP:127.0.0.1,DNS:rebound.localhost' \
  -keyout "$dir/key.pem" -out "$dir/cert.pem" >"$dir/openssl.log" 2>&1 \
  || bail "$dir/openssl.log" 'no certificate'
cat >"$dir/local.conf" <<CONF
TOLLGATE_MAIL_SENDMAIL=$dir/sendmail -i
TOLLGATE_MAIL_FROM=tollgate@example.com
TOLLGATE_NOTICES_RETRY_S=1
TOLLGATE_NOTICES_RETRY_MAX_S=1
TOLLGATE_NOTICES_ATTEMPTS=4
TOLLGATE_WEBHOOKS_ALLOWED_NETWORKS=127.0.0.1/32
TOLLGATE_WEBHOOKS_CA_FILE=$dir/cert.pem
CONF
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  >"$dir/quickstart.log" 2>&1 || bail "$dir/quickstart.log" 'no stack'
set -a
. "$dir/env"
set +a
export TOLLGATE_STACK_DIR=$dir TOLLGATE_BUILD_DIR=$build
node tests/wire/notices.mjs
