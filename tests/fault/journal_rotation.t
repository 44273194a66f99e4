#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=240
# A stream is open while its worker's journal goes through several files; then
# the worker is killed. The stream's row says what was delivered.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
STACK_PROCESSES=1
. tests/fault/lib.sh

files() {
  find "$TOLLGATE_JOURNAL_DIR" -name '*.tgj' | wc -l
}

# Shared with the flusher, the last file grows too; so count by number.
last_file() {
  fault_tollgate journal show --json | jq 'map(.last_file) | max'
}

has_files() {
  (($(last_file) >= $1))
}

fault_start TOLLGATE_JOURNAL_FILE_BYTES=262144 TOLLGATE_THREADS=32
fault_model slow sim-pace:200:1000
fault_load slow true slow --mode stream --clients 1 --requests 1 \
  --timeout-ms 600000
slow=$FAULT_LOAD
sleep 3
fault_load closed false "$FAULT_MODEL" --clients 4 --duration 600
closed=$FAULT_LOAD
ok 'the journal went through several files' \
  stack_wait 120 'files' has_files 5
kill -INT "$closed"
wait "$closed"
stack_workers | xargs kill -KILL
wait "$slow"
fault_verdict closed
read -r rows tokens cost <<<"$(fault_sql "SELECT COUNT(*),
  SUM(completion_tokens), SUM(cost_in_usd) > 0 FROM usage_records
  WHERE request_status = 'interrupted'")"
diag "interrupted: $rows rows, $tokens output tokens"
is 'the stream has its one interrupted row' "$rows" 1
ok 'which says what was delivered' test "$tokens" -ge 10
is 'and costs something' "$cost" 1
tap_done
