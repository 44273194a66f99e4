#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# The local model's server is killed in the middle of streams: what was
# delivered is metered, to the token, and the next one serves.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
. tests/support/tap.sh
build=${TOLLGATE_BUILD_DIR:-$PWD/build} n=8 # streams: as many as it writes at once
dir=$(mktemp -d /var/tmp/tollgate-gpt2.XXXXXX) || exit 1
chmod a+rx "$dir"
finish() {
  [[ -z ${server-} ]] || kill -KILL "$server" 2>/dev/null
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  >"$dir/quickstart.log" 2>&1 \
  || { sed 's/^/# /' "$dir/quickstart.log"; echo 'Bail out! no stack'; exit 1; }
set -a
. "$dir/env"
set +a

wait_for() {
  local i
  for ((i = 0; i < 600; i++)); do
    "$@" && return 0
    sleep 0.05
  done
  return 1
}

count() {
  "$build/src/admin/tollgate" tokens count --file \
    "$dir/tokenizers/local-1.tokens" --json "$@" | jq -r '.tokens // .[0].tokens'
}

server_pid() {
  pgrep -f "tollgate-gpt2 --model $dir/" | head -n 1
}

sql() {
  mariadb --socket "$TOLLGATE_DB_SOCKET" -N -B "$TOLLGATE_DB_NAME" -e "$1"
}

# Half of them are chats.
kinds=(completions chat/completions)
printf '%s' '{"model":"gpt2-mini","prompt":"And it came to pass",
 "max_length":512,"temperature":1,"stream":true}' >"$dir/body.0"
printf '%s' '{"model":"gpt2-mini","messages":[
 {"role":"system","content":"Answer as the prophets did."},
 {"role":"user","content":"And it came to pass"},
 {"role":"assistant","content":" In those days"},
 {"role":"user","content":[{"type":"text","text":"And \"then\"?"}]}],
 "temperature":1,"stream":true}' >"$dir/body.1"

streams() {
  local i
  rm -f "$dir"/stream.*
  for ((i = 0; i < n; i++)); do
    curl -sN -m 60 -D "$dir/head.$i" -o "$dir/stream.$i" \
      "$TOLLGATE_URL/v1/${kinds[i % 2]}" -H "X-API-Key: $TOLLGATE_API_KEY" \
      -H 'Content-Type: application/json' -d "@$dir/body.$((i % 2))" &
  done
}

have_text() {
  local i
  for ((i = 0; i < n; i++)); do
    grep -Eqs '"(text|content)":"[^"]' "$dir/stream.$i" || return 1
  done
}

ok 'its tokenizer is there' wait_for test -s "$dir/tokenizers/local-1.tokens"
prompts=("$(count --request completion --local "$dir/body.0")"
  "$(count --request chat --local "$dir/body.1")")
for i in 0 1; do
  jq -c '.stream = false | del(.max_length) | .max_tokens = 1' "$dir/body.$i" >"$dir/short"
  is "${kinds[i]}: the server itself counts the prompt so" \
    "$(curl -s -m 60 "$TOLLGATE_URL/v1/${kinds[i]}" -d "@$dir/short" \
      -H "X-API-Key: $TOLLGATE_API_KEY" -H 'Content-Type: application/json' \
      | jq .usage.prompt_tokens)" "${prompts[i]}"
done

# Stopped first, so that nothing is sent while we look what has come. The model
# is quick: where all had ended, once more.
for ((try = 0; try < 10; try++)); do
  server=$(server_pid)
  streams
  wait_for have_text
  kill -STOP "$server"
  open=$(grep -L 'DONE' "$dir"/stream.* | wc -l)
  ((open > 0)) && break
  kill -CONT "$server"
  wait
done
ok 'streams are open' test "$open" -gt 0
# What is on its way has come when nothing more does.
before=''
while now=$(cat "$dir"/stream.* | wc -c); [[ $now != "$before" ]]; do
  before=$now
  sleep 0.3
done
kill -KILL "$server"
wait
server=''
ids() {
  for ((i = 0; i < n; i++)); do
    tr -d '\r' <"$dir/head.$i" | awk 'tolower($1) == "x-request-id:" { print $2 }'
  done
}
has_rows() {
  local list
  list=$(ids | tr -d - | sed "s/.*/UNHEX('&')/" | paste -sd,)
  [[ $(sql "SELECT COUNT(*) FROM usage_records WHERE request_id IN ($list)") == "$n" ]]
}
ok 'all have their rows' wait_for has_rows
i=0
for id in $(ids); do
  grep -q DONE "$dir/stream.$i" && { i=$((i + 1)); continue; }
  read -r status source in out < <(sql "SELECT request_status, usage_source,
    prompt_tokens, completion_tokens FROM usage_records
    WHERE request_id = UNHEX('${id//-/}')")
  sed -n 's/^data: {/{/p' "$dir/stream.$i" \
    | jq -j '.choices[]? | .text // .delta.content // empty' >"$dir/text"
  is "stream $i: cut, counted, its prompt and what was delivered" \
    "${status-} ${source-} ${in-} ${out-}" \
    "upstream_error counted ${prompts[i % 2]} $(count "$dir/text")"
  like "stream $i: its client was told" "$(tail -n 3 "$dir/stream.$i")" '"error"'
  i=$((i + 1))
done

answers() {
  curl -s -m 10 "$TOLLGATE_URL/generate" -H "X-API-Key: $TOLLGATE_API_KEY" \
    -H 'Content-Type: application/json' \
    -d '{"text":"Your prompt here","model_id":1,"max_length":20}' >"$dir/answer"
  jq -e .tokens_used "$dir/answer" >/dev/null
}
ok 'the next one serves' wait_for answers
ok 'nothing is missing or twice' env TOLLGATE_CONFIG="$TOLLGATE_CONFIG" \
  "$build/src/admin/tollgate" reconcile
tap_done
