# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A private MariaDB for test programs: sourced by tests/db/*.t, which call
# `server_run test_name...`. Programs find the socket in TOLLGATE_TEST_SOCKET
# and stop and start the server with "$TOLLGATE_TEST_CTL" stop|start.

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

# server_run NAME...: one after another, each with a database of its own.
server_run() {
  local folder=${TOLLGATE_BUILD_DIR:-$TG_SRCDIR/build}/tests/db name

  for name; do
    [[ -x $folder/$name ]] || skip_all "not built: $folder/$name"
  done
  server_start
  export CMOCKA_MESSAGE_OUTPUT=TAP
  for name; do
    tap_program "$name" "$folder/$name"
  done
  tap_done
}
