#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Workers are killed at random under load, the flusher's among them:
# FAULT_KILLS times (10).
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
. tests/fault/lib.sh
kills=${FAULT_KILLS:-10}

# Who flushes is whoever holds the lock.
flusher_pid() {
  local pid
  for pid in $(stack_workers); do
    if find "/proc/$pid/fd" -lname '*/flusher.lock' 2>/dev/null | grep -q .
    then
      printf '%d\n' "$pid"
    fi
  done | head -n 1
}

a_worker() {
  stack_workers | shuf -n 1
}

has_workers() {
  (($(stack_workers | wc -l) >= STACK_PROCESSES))
}

fault_start TOLLGATE_JOURNAL_FILE_BYTES=262144 TOLLGATE_FLUSH_INTERVAL_MS=50
fault_load closed false "$FAULT_MODEL" --clients 4 --duration 3600
closed=$FAULT_LOAD
fault_load stream true paced --mode stream --clients 16 --duration 3600
stream=$FAULT_LOAD
killed=0 flushers=0
for ((i = 0; i < kills; i++)); do
  sleep "0.$((RANDOM % 8 + 2))"
  if ((i % 3 == 0)); then
    pid=$(flusher_pid)
    [[ -n $pid ]] && flushers=$((flushers + 1))
  else
    pid=$(a_worker)
  fi
  [[ -n $pid ]] && kill -KILL "$pid" && killed=$((killed + 1))
  stack_wait 30 'workers to come back' has_workers || break
done
ok 'the load lasted to the end' kill -0 "$closed" "$stream"
sleep 1
kill -INT "$closed" "$stream" 2>/dev/null
wait "$closed" "$stream"
diag "$killed workers killed, $flushers of them the flusher's"
ok 'most kills hit a worker' test "$killed" -ge $((kills * 8 / 10))
ok 'the flusher was among them' test "$flushers" -ge 1
ok 'requests were answered' test "$(fault_answered closed)" -gt "$kills"
ok 'streams were answered' test "$(fault_answered stream)" -gt 0
diag "interrupted rows: $(fault_sql "SELECT COUNT(*), SUM(completion_tokens)
  FROM usage_records WHERE request_status = 'interrupted'")"
fault_verdict closed stream
tap_done
