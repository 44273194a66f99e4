#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# MariaDB is stopped for 30 seconds under load, and comes back: what is known
# goes on, what is not known gets 503, nothing is lost or counted twice.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
. tests/fault/lib.sh
down_s=${FAULT_DOWN_S:-30}

answers_since() {
  tail -n +"$(($1 + 1))" "$FAULT_DIR/closed.ids" | awk '$2 == 200' | wc -l
}

fault_start TOLLGATE_JOURNAL_FILE_BYTES=1048576
fault_load closed false "$FAULT_MODEL" --clients 8 --duration 600
closed=$FAULT_LOAD
fault_load stream true paced --mode stream --clients 8 --duration 600
stream=$FAULT_LOAD
# Every worker has met the key before.
stack_wait 30 'some answers' test -s "$FAULT_DIR/closed.ids"
sleep 3
before=$(wc -l <"$FAULT_DIR/closed.ids")
diag 'stopping MariaDB'
stack_db_stop
sleep 1
begin=$(wc -l <"$FAULT_DIR/closed.ids")
sleep "$down_s"
ok 'known keys are served all the time' test "$(answers_since "$begin")" -gt 100
# The key's checksum must be right for it to be looked up at all.
is 'health is well' "$(curl -s -m 5 -o /dev/null -w '%{http_code}' \
  "$TOLLGATE_URL/healthz")" 200
is 'ready, for there is room in the journal' "$(curl -s -m 5 -o /dev/null \
  -w '%{http_code}' "$TOLLGATE_URL/readyz")" 200
diag 'starting MariaDB'
ok 'MariaDB comes back' stack_db_start
sleep 3
kill -INT "$closed" "$stream" 2>/dev/null
wait "$closed" "$stream"
diag "answers: $before before, $(fault_answered closed) in all"
is 'no request failed' \
  "$(awk '$2 != 200' "$FAULT_DIR/closed.ids" "$FAULT_DIR/stream.ids" | wc -l)" 0
fault_verdict closed stream
outages=$(grep '"event":"flush","error"' "$FAULT_DIR/log/worker.log")
diag "$outages"
is 'the worker logged the outage once a process at most' \
  "$(wc -l <<<"$outages")" 1
tap_done
