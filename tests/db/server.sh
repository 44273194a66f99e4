# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A private MariaDB for one test program: sourced by tests/db/*.t, which call
# `server_run test_name`. The program finds the socket in TOLLGATE_TEST_SOCKET
# and stops and starts the server with "$TOLLGATE_TEST_CTL" stop|start.

TG_SRCDIR=${TG_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
export TG_SRCDIR

. "$TG_SRCDIR/tests/support/tap.sh"

server_start() {
  command -v mariadbd >/dev/null || skip_all 'no mariadbd on this machine'
  SERVER_DIR=$(mktemp -d /tmp/tg-db-XXXXXX) || exit 1
  . "$TG_SRCDIR/tools/lib/stack.sh"
  trap server_stop EXIT
  stack_init "$SERVER_DIR" || exit 1
  : >"$SERVER_DIR/etc/secrets"
  stack_db_start >&2 || exit 1
  server_ctl
  export TOLLGATE_TEST_SOCKET=$STACK_DB_SOCKET
  export TOLLGATE_TEST_CTL=$SERVER_DIR/ctl
}

# The program that stops and starts the same server again.
server_ctl() {
  cat >"$SERVER_DIR/ctl" <<CTL
#!/bin/bash
. "$TG_SRCDIR/tools/lib/stack.sh"
stack_init "$SERVER_DIR" && stack_db_\$1 >&2
CTL
  chmod 0700 "$SERVER_DIR/ctl"
}

server_stop() {
  stack_db_stop >&2
  rm -rf "$SERVER_DIR"
}

# server_run NAME [ARGUMENT...]: the program's TAP lines are ours.
server_run() {
  local program=${TOLLGATE_BUILD_DIR:-$TG_SRCDIR/build}/tests/db/$1

  [[ -x $program ]] || skip_all "not built: $program"
  server_start
  CMOCKA_MESSAGE_OUTPUT=TAP "$program" "${@:2}"
}
