# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A stack of its own for a fault test, load on it, and the two questions that
# every such test ends with: has each answered request its one row, and does
# reconcile find nothing?  Sourced by tests/fault/*.t after cd to the top.

. tests/support/tap.sh
. tools/lib/stack.sh

FAULT_MODEL=${FAULT_MODEL:-lawgent-thinking} # priced, answers at once
FAULT_FLUSHED_S=300 # loaded machines, long runs; the product promises 500 ms

# fault_start [CONFIGURATION LINE...]
fault_start() {
  FAULT_DIR=$(mktemp -d /var/tmp/tollgate-fault.XXXXXX) || exit 1
  chmod a+rx "$FAULT_DIR"
  trap fault_stop EXIT
  FAULT_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
  FAULT_BUILD=$(cd "$FAULT_BUILD" && pwd) || exit 1
  printf '%s\n' TOLLGATE_LIMITS_REQUESTS_PER_MINUTE=0 "$@" \
    >"$FAULT_DIR/local.conf"
  export STACK_PROCESSES=${STACK_PROCESSES:-4}
  if ! tools/quickstart --no-build --build "$FAULT_BUILD" --dir "$FAULT_DIR" \
    --port 0 >"$FAULT_DIR/quickstart.log" 2>&1; then
    sed 's/^/# /' "$FAULT_DIR/quickstart.log"
    echo 'Bail out! no stack'
    exit 1
  fi
  STACK_BUILD=$FAULT_BUILD
  stack_init "$FAULT_DIR"
  STACK_WORKER_NAME=tollgate.fcgi
  set -a
  . "$FAULT_DIR/env"
  set +a
  # 100 events, one each 20 ms.
  fault_model paced sim-pace:20:100
}

# fault_model NAME UPSTREAM_NAME: a priced model, and a key for all models;
# returns when every worker is sure to know it.
fault_model() {
  fault_tollgate model add --name "$1" --provider lawgent \
    --upstream-name "$2" --context-length 4096 >/dev/null
  fault_tollgate price set --model "$1" --input 2 --output 10 >/dev/null
  fault_key
  stack_wait 30 "model $1" fault_has_model "$1"
}

# Twenty times in a row: each worker has very likely been asked.
fault_has_model() {
  local i
  for ((i = 0; i < 20; i++)); do
    curl -sS -m 5 "$TOLLGATE_URL/v1/models" \
      -H "Authorization: Bearer $FAULT_KEY" | grep -qF "\"$1\"" || return 1
  done
}

fault_tollgate() {
  stack_tollgate "$@" 2>>"$FAULT_DIR/log/command.log"
}

# A key for every model that there is now.
fault_key() {
  FAULT_KEY=$(curl -sS "$TOLLGATE_URL/api/keys" \
    -H "X-API-Key: $TOLLGATE_OPERATOR_KEY" \
    -H 'Content-Type: application/json' \
    -d "{\"customer_id\": $TOLLGATE_CUSTOMER_ID, \"name\": \"fault\"}" \
    | jq -er .key) || {
    echo 'Bail out! no key'
    exit 1
  }
}

fault_stop() {
  local job
  for job in $(jobs -p); do
    kill "$job" 2>/dev/null
  done
  tools/quickstart stop --dir "$FAULT_DIR" >/dev/null 2>&1
  if [[ -n ${FAULT_KEEP:-} ]]; then
    diag "kept: $FAULT_DIR"
  else
    rm -rf "$FAULT_DIR"
  fi
}

fault_sql() {
  stack_sql -N -B "$STACK_DB_NAME" -e "$1"
}

# fault_load NAME STREAM MODEL OPTION...: in the background; what clients saw
# goes to NAME.ids, the summary to NAME.json.  Sets FAULT_LOAD to its pid.
fault_load() {
  local name=$1 stream=$2 model=$3
  shift 3
  "$FAULT_BUILD/tests/support/http_load" --record "$FAULT_DIR/$name.ids" \
    --header "Authorization: Bearer $FAULT_KEY" \
    --header 'Content-Type: application/json' \
    --data "{\"model\": \"$model\", \"stream\": $stream,
      \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}" \
    "$@" "$TOLLGATE_URL/v1/chat/completions" >"$FAULT_DIR/$name.json" \
    2>"$FAULT_DIR/$name.err" &
  FAULT_LOAD=$!
}

# Requests of NAME.ids that the client saw an answer of (200).
fault_answered() {
  awk '$2 == 200 { n++ } END { print n + 0 }' "$FAULT_DIR/$1.ids"
}

# fault_post MODEL: one request; prints its status.
fault_post() {
  curl -sS -m 20 -o "$FAULT_DIR/answer" -w '%{http_code}' \
    "$TOLLGATE_URL/v1/chat/completions" \
    -H "Authorization: Bearer $FAULT_KEY" \
    -H 'Content-Type: application/json' \
    -d "{\"model\": \"$1\", \"messages\": [
      {\"role\": \"user\", \"content\": \"hello\"}]}" 2>/dev/null
}

fault_is_flushed() {
  fault_tollgate reconcile --json >"$FAULT_DIR/reconcile.json"
  jq -e '.clean and .pending_requests == 0' "$FAULT_DIR/reconcile.json"
}

# Series of workers that are gone are closed, too: nothing is open any more.
fault_is_closed() {
  [[ $(fault_sql 'SELECT COUNT(*) FROM journal_offsets WHERE closed = 0') \
    -le $(stack_workers | wc -l) ]]
}

fault_wait_flushed() {
  stack_wait "$FAULT_FLUSHED_S" 'dead series to be closed' fault_is_closed
  stack_wait "$FAULT_FLUSHED_S" 'the journals to be flushed' fault_is_flushed
}

# Answers of NAME.ids without exactly one row; a whole one's row says "ok".
fault_wrong_rows() {
  fault_sql 'SELECT LOWER(HEX(request_id)), request_status FROM usage_records' \
    >"$FAULT_DIR/rows"
  awk -v whole="${2:-ok}" 'NR == FNR { n[$1]++; status[$1] = $2; next }
    $2 == 200 {
      id = $1
      gsub("-", "", id)
      if (n[id] != 1 || (whole != "any" && $3 == "complete" && \
        status[id] != whole)) {
        wrong++
        print $0, n[id] + 0, status[id] >"/dev/stderr"
      }
    }
    END { print wrong + 0 }' "$FAULT_DIR/rows" "$FAULT_DIR/$1.ids" \
    2>"$FAULT_DIR/$1.wrong"
}

# fault_verdict NAME...: the two questions.
fault_verdict() {
  local name
  ok 'everything is flushed and reconcile finds nothing' fault_wait_flushed \
    || { fault_tollgate reconcile | head -n 40 | sed 's/^/#   /'; }
  for name in "$@"; do
    is "$name: each of $(fault_answered "$name") answers has its one row" \
      "$(fault_wrong_rows "$name")" 0 \
      || head -n 5 "$FAULT_DIR/$name.wrong" | sed 's/^/#   /'
  done
  is 'no request has two rows' "$(fault_sql 'SELECT COUNT(*) FROM (SELECT 1
    FROM usage_records GROUP BY request_id HAVING COUNT(*) > 1) AS twice')" 0
  is 'no record was set aside' \
    "$(fault_sql 'SELECT COUNT(*) FROM usage_rejected')" 0
}
