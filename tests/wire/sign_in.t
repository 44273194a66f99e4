#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Signing in and what belongs to it, behind Apache, whose mod_auth_basic says
# who somebody is at /login/remote; e-mail goes to a command in sendmail's
# place. CHECKLIST S3, S25-S27, S29-S31, S33.
set -u
umask 022 # the mailbox is for the workers' account
cd "$(dirname "$0")/../.." || exit 1

dir=$(mktemp -d /var/tmp/tollgate-sign-in.XXXXXX) || exit 1
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
cat >"$dir/sendmail" <<SCRIPT
#!/bin/sh
file=\$(mktemp "$dir/mail/new.XXXXXX") || exit 1
{ for arg; do printf '%s\n' "\$arg"; done; echo ---; cat; } >"\$file"
chmod a+r "\$file"
mv "\$file" "$dir/mail/message.\${file##*.}"
SCRIPT
chmod 755 "$dir/sendmail"
cat >"$dir/local.conf" <<CONF
TOLLGATE_MAIL_SENDMAIL=$dir/sendmail -i
TOLLGATE_MAIL_FROM=tollgate@example.com
TOLLGATE_PUBLIC_URL=https://ai.example.com
TOLLGATE_AUTH_REMOTE_USER=on
CONF
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  --web apache >"$dir/quickstart.log" 2>&1 \
  || bail "$dir/quickstart.log" 'no stack'

# As doc/sign-in.md says: one address, not all of them.
modules=/usr/lib/apache2/modules
# The third is "josé" in UTF-8, the fourth the same in Latin-1.
hash=$(openssl passwd -apr1 secret)
printf '%b:%s\n' remote@example.com "$hash" nobody@example.com "$hash" \
  'jos\0303\0251@example.com' "$hash" 'jos\0351@example.com' "$hash" \
  >"$dir/etc/people"
cat >>"$dir/etc/web.conf" <<CONF
LoadModule auth_basic_module "$modules/mod_auth_basic.so"
LoadModule authn_file_module "$modules/mod_authn_file.so"
LoadModule authz_user_module "$modules/mod_authz_user.so"
<Location "/login/remote">
	AuthType Basic
	AuthName "Tollgate"
	AuthUserFile "$dir/etc/people"
	Require valid-user
</Location>
CONF
set -a
. "$dir/env"
set +a
kill -USR1 "$(cat "$dir/run/apache.pid")"
for _ in {1..100}; do
  code=$(curl -s -o /dev/null -w '%{http_code}' "$TOLLGATE_URL/login/remote")
  [[ $code == 401 ]] && break
  sleep 0.1
done
[[ $code == 401 ]] || bail "$dir/log/apache.log" "Apache asks nobody: $code"

export TOLLGATE_STACK_DIR=$dir TOLLGATE_BUILD_DIR=$build
node tests/wire/sign_in.mjs
