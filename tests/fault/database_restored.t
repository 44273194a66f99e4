#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# The database is restored from a dump taken before the load, under load: the
# journals bring back what it no longer has, and nothing twice.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
. tests/fault/lib.sh

n_rows() {
  fault_sql 'SELECT COUNT(*) FROM usage_records'
}

has_rows() {
  (($(n_rows) >= $1))
}

usd() {
  fault_sql "SELECT SUM(balance_usd) FROM ledger_accounts
    WHERE kind = 'receivable'"
}

fault_start TOLLGATE_JOURNAL_FILE_BYTES=1048576
fault_load first false "$FAULT_MODEL" --clients 4 --requests 500
wait "$FAULT_LOAD"
ok 'rows before the dump' stack_wait 30 'rows' has_rows 500
mariadb-dump --no-defaults --socket="$STACK_DB_SOCKET" --user=root \
  --single-transaction --databases "$STACK_DB_NAME" >"$FAULT_DIR/dump.sql" \
  || exit 1
at_dump=$(n_rows)

fault_load second false "$FAULT_MODEL" --clients 8 --requests 5000
wait "$FAULT_LOAD"
fault_wait_flushed
full=$(n_rows)
full_usd=$(usd)
ok 'the load made rows after the dump' test "$full" -ge $((at_dump + 5000))

# Nobody may write while a dump is read, or it would find its tables in use:
# doc/install.md says how to keep Tollgate out.
restore() {
  stack_sql -e "ALTER USER 'tollgate'@'localhost' ACCOUNT LOCK"
  stack_db_stop
  stack_db_start
  stack_sql <"$FAULT_DIR/dump.sql"
  stack_sql -e "ALTER USER 'tollgate'@'localhost' ACCOUNT UNLOCK"
}

diag 'restoring while nothing is asked: no request tells the flusher of it'
restore
ok 'the journals heal it' stack_wait "$FAULT_FLUSHED_S" 'the rows' \
  has_rows "$full"
is 'not a row more' "$(n_rows)" "$full"
is 'the balances are those of before' "$(usd)" "$full_usd"
fault_verdict first second

diag 'restoring it again, under load'
fault_load third false "$FAULT_MODEL" --clients 8 --duration 600
third=$FAULT_LOAD
stack_wait 30 'some answers' test -s "$FAULT_DIR/third.ids"
sleep 2
restore
sleep 3
kill -INT "$third" 2>/dev/null
wait "$third"
is 'the load never noticed' \
  "$(awk '$2 != 200' "$FAULT_DIR/third.ids" | wc -l)" 0
ok 'the journals heal it again' stack_wait "$FAULT_FLUSHED_S" 'the rows' \
  has_rows "$full"
fault_verdict first second third
tap_done
