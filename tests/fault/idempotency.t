#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Idempotency-Key when workers are killed, when a request outlives its deadline,
# when they stop, and when the database is away. CHECKLIST B5.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
. tests/fault/lib.sh

# post NAME KEY MODEL [IDEMPOTENCY-KEY]: status; head and body in NAME.*
post() {
  curl -sS -m 60 -o "$FAULT_DIR/$1.body" -D "$FAULT_DIR/$1.head" \
    -w '%{http_code}' "$TOLLGATE_URL/v1/chat/completions" \
    -H "Authorization: Bearer $2" -H 'Content-Type: application/json' \
    ${4:+-H "Idempotency-Key: $4"} \
    -d "{\"model\": \"$3\", \"messages\": [
      {\"role\": \"user\", \"content\": \"hello\"}]}" 2>/dev/null
}
head_of() {
  sed -n "s/^$2: *\([^\r]*\).*/\1/Ip" "$FAULT_DIR/$1.head"
}
running() {
  fault_sql 'SELECT COUNT(*) FROM idempotency_keys WHERE status = 0'
}
is_running() {
  [[ $(running) == 1 ]]
}
rows() { # of the customer's requests by that model
  fault_sql "SELECT request_status FROM usage_records
    WHERE model_requested = '$1' ORDER BY usage_id" | paste -sd ' '
}

# A claim's deadline is what a test says, not what a busy machine makes of it.
deadline() { # SQL
  fault_sql "UPDATE idempotency_keys SET expires_at = $1 WHERE status = 0"
}
answers_at_once() { # MODEL: from the next start of a worker on
  fault_tollgate model set "$1" --provider lawgent --upstream-name sim-fixed \
    >/dev/null
}

fault_start
fault_model slow sim-delay:50000
fault_model lost sim-delay:50000
fault_model later sim-delay:20000
key=$(curl -sS "$TOLLGATE_URL/api/keys" -H "X-API-Key: $TOLLGATE_OPERATOR_KEY" \
  -H 'Content-Type: application/json' -d "{\"name\": \"idem\",
    \"customer_id\": $TOLLGATE_CUSTOMER_ID, \"idempotency\": true}" \
  | jq -er .key) || exit 1

# ---- killed ----
post killed "$key" slow one >"$FAULT_DIR/killed" &
stack_wait 30 'the claim' is_running
deadline 'NOW(6) + INTERVAL 1 HOUR' # so it is the flusher who ends it
is 'while it runs: 409' "$(post again "$key" slow one)" 409
is 'it says so' "$(jq -r .error.code "$FAULT_DIR/again.body")" \
  idempotency_request_in_progress
answers_at_once slow
for pid in $(stack_workers); do
  kill -KILL "$pid"
done
wait %1 2>/dev/null
like 'the client got nothing' "$(cat "$FAULT_DIR/killed")" '^(000|5..)$'
is_free() { # an error while workers come back is no answer
  [[ $(post killed "$key" slow one) == 200 ]]
}
ok 'the retry runs anew before the deadline' stack_wait 60 'the retry' is_free
is 'it is the first one now' "$(head_of killed idempotency-replayed)" ''
is 'and kept' "$(post killed "$key" slow one)" 200
is 'as a replay' "$(head_of killed idempotency-replayed)" true
ok 'it is all flushed' fault_wait_flushed
is 'two rows, the first one interrupted' "$(rows slow)" 'interrupted ok'
is 'which cost nothing' "$(fault_sql "SELECT cost_in_usd + 0
  FROM usage_records WHERE request_status = 'interrupted'")" 0.000000000000

# ---- killed where no flusher can tell: the deadline ----
post lost "$key" lost two >"$FAULT_DIR/lost" &
stack_wait 30 'the claim' is_running
fault_sql "UPDATE idempotency_keys SET request_id = '' WHERE status = 0"
deadline 'NOW(6) + INTERVAL 1 HOUR'
answers_at_once lost
for pid in $(stack_workers); do
  kill -KILL "$pid"
done
wait %1 2>/dev/null
lost_is() {
  [[ $(post lost "$key" lost two) == "$1" ]]
}
ok 'before the deadline: 409' stack_wait 60 'workers to come back' lost_is 409
ok 'it is all read' fault_wait_flushed
ok 'and still 409' lost_is 409
deadline 'NOW(6)'
ok 'the retry runs anew at the deadline' stack_wait 60 'the retry' lost_is 200

# ---- past its deadline, alive ----
post first "$key" later three >"$FAULT_DIR/first" &
stack_wait 30 'the claim' is_running
deadline 'NOW(6)'
is 'past the deadline: a new request' "$(post second "$key" later three)" 200
wait %1
is 'and the first one is answered' "$(cat "$FAULT_DIR/first")" 200
is 'the second one is kept' "$(post third "$key" later three)" 200
is 'and given again' "$(head_of third x-tollgate-original-request-id)" \
  "$(head_of second x-request-id)"
ok 'it is all flushed' fault_wait_flushed
is 'each has its row' "$(rows later)" 'ok ok'

# ---- workers that stop ----
post stopped "$key" later four >"$FAULT_DIR/stopped" &
stack_wait 30 'the claim' is_running
for pid in $(stack_workers); do
  kill -TERM "$pid" 2>/dev/null
  sleep 0.2
  kill -TERM "$pid" 2>/dev/null # at once
done
wait %1
is 'a worker that stops lets its claims go' "$(running)" 0

# ---- the database is away ----
has_workers() {
  (($(stack_workers | wc -l) >= STACK_PROCESSES))
}
stack_wait 60 'workers to come back' has_workers
for ((i = 0; i < 40; i++)); do # every worker has met the key
  post warm "$key" "$FAULT_MODEL" >/dev/null &
done
wait
is 'an answer' "$(post before "$key" "$FAULT_MODEL" five)" 200
stack_db_stop
is 'without the database: 503' "$(post down "$key" "$FAULT_MODEL" five)" 503
is 'which names the header' "$(jq -r '.error | .param, .code' \
  "$FAULT_DIR/down.body" | paste -sd ' ')" 'idempotency-key database_unavailable'
is 'and may be tried again' "$(head_of down retry-after)" 1
is 'without the header: 200' "$(post other "$key" "$FAULT_MODEL")" 200
stack_db_start
is_back() {
  [[ $(post down "$key" "$FAULT_MODEL" five) == 200 ]]
}
ok 'with it: 200' stack_wait 30 'the database' is_back
is 'the first answer' "$(head_of down x-tollgate-original-request-id)" \
  "$(head_of before x-request-id)"

fault_verdict
tap_done
