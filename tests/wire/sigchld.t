#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=120
# A worker and a command whose parent ignores SIGCHLD, which they inherit: an
# e-mail's command is still seen to end.
set -u
umask 022
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

command -v mariadbd >/dev/null || PATH=$PATH:/usr/sbin
command -v mariadbd >/dev/null || skip_all 'no mariadbd on this machine'
dir=$(mktemp -d /var/tmp/tollgate-sigchld.XXXXXX) || exit 1
STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
for name in $(compgen -e TOLLGATE_); do unset "$name"; done
. tools/lib/stack.sh
finish() {
  stack_end worker
  stack_db_stop >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
printf '#!/bin/sh\ncat >/dev/null\n' >"$dir/sendmail"
chmod 755 "$dir/sendmail"
cat >"$dir/local.conf" <<CONF
TOLLGATE_LISTEN_SOCKET=$dir/run/worker.sock
TOLLGATE_MAIL_SENDMAIL=$dir/sendmail
TOLLGATE_MAIL_FROM=tollgate@example.com
CONF
{
  stack_init "$dir" && stack_stage && stack_config_write && stack_db_start \
    && stack_migrate && mkdir -p "$STACK_JOURNAL"
} >&2 || { echo 'Bail out! no servers'; exit 1; }
[[ $STACK_USER == root ]] || chown "$STACK_USER:" "$STACK_JOURNAL"

stack_tollgate customer add --name A --email a@example.com >/dev/null
stack_tollgate notice test 1 >/dev/null
like 'a command says that its e-mail was sent' "$(stack_as \
  env --ignore-signal=CHLD TOLLGATE_CONFIG="$STACK_CONF" \
  "$STACK_DIR/bin/tollgate" notice send --json)" '"sent":1'

is_sent() {
  [[ $(stack_tollgate notice list --json | jq -r '.[0].state') == sent ]]
}
stack_tollgate notice test 1 >/dev/null
stack_spawn worker env --ignore-signal=CHLD \
  "$STACK_DIR/bin/tollgate.fcgi" --config "$STACK_CONF" >&2
# Less than an e-mail's command may take.
ok 'a worker does' stack_wait 40 'the e-mail to be sent' is_sent
tap_done
