#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Workers are killed while they pass on streams of a provider that reports no
# usage: the rows' tokens are counted, for what was delivered.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
. tests/fault/lib.sh
n=6 # streams

fault_start TOLLGATE_FLUSH_INTERVAL_MS=50
dir=$FAULT_DIR/counted
mkdir -p "$dir"
# The 256 bytes and some of the simulator's words.
node -e 'const tokens = Array.from({ length: 256 }, (_, i) => Buffer.of(i));
  for (const w of ["er", "am", "amber", " b", "ir", "ch", "ar", "el", "us", "user"])
    tokens.push(Buffer.from(w));
  tokens.forEach((t, i) => console.log(`${t.toString("base64")} ${i}`));' >"$dir/ranks"
"$FAULT_BUILD/src/admin/tollgate" tokens build --encoding small --split o200k \
  --ranks "$dir/ranks" >/dev/null
fault_model silent sim-no-usage+pace:20:1000
fault_tollgate model set silent --tokenizer small >/dev/null

count() {
  "$FAULT_BUILD/src/admin/tollgate" tokens count --encoding small --json "$@" \
    | jq -r '.tokens // .[0].tokens'
}

body='{"model": "silent", "stream": true, "messages": [
  {"role": "user", "content": "count\tall of it"}]}'
printf '%s' "$body" >"$dir/body"
prompt=$(count --request chat "$dir/body")
# In force when a stream's progress is counted; a second will do.
sleep 1.5
for ((i = 0; i < n; i++)); do
  curl -sN -m 60 -D "$dir/head.$i" -o "$dir/stream.$i" \
    "$TOLLGATE_URL/v1/chat/completions" -H "Authorization: Bearer $FAULT_KEY" \
    -H 'Content-Type: application/json' -d "@$dir/body" &
done
has_begun() {
  (($(cat "$dir"/stream.* | grep -c '^data:') > n * 150))
}
stack_wait 60 'the streams to run for three seconds' has_begun
for pid in $(stack_workers); do
  kill -KILL "$pid"
done
wait
has_rows() {
  (($(fault_sql 'SELECT COUNT(*) FROM usage_records
    WHERE request_status = "interrupted"') == n))
}
stack_wait "$FAULT_FLUSHED_S" 'the rows' has_rows
ok 'everything is flushed and reconcile finds nothing' fault_wait_flushed

# What the client has of each stream, and where its last event but 80 ends:
# progress is written every 0.9 s, that is 45 events.
for ((i = 0; i < n; i++)); do
  id=$(tr -d '\r' <"$dir/head.$i" | awk 'tolower($1) == "x-request-id:" { print $2 }')
  read -r status source in out < <(fault_sql "SELECT request_status, usage_source,
    prompt_tokens, completion_tokens FROM usage_records
    WHERE request_id = UNHEX(REPLACE('$id', '-', ''))")
  is "stream $i: interrupted, counted, its prompt's tokens" \
    "${status-} ${source-} ${in-}" "interrupted counted $prompt"
  sed -n 's/^data: {/{/p' "$dir/stream.$i" >"$dir/events"
  jq -j '.choices[].delta.content // empty' "$dir/events" >"$dir/all"
  head -n -80 "$dir/events" | jq -j '.choices[].delta.content // empty' >"$dir/old"
  most=$(count "$dir/all") least=$(count "$dir/old")
  diag "stream $i: ${out-} tokens; $least to $most were delivered"
  ok "stream $i: its tokens are those of what was delivered" \
    test "${out:-0}" -ge "$least" -a "${out:-0}" -le "$((most + 40))"
  # Not an estimate: some beginning of the text has just as many.
  first=1 last=$(wc -l <"$dir/events") got=''
  while ((first <= last)) && [[ $got != "${out-}" ]]; do
    k=$(((first + last) / 2))
    head -n "$k" "$dir/events" | jq -j '.choices[].delta.content // empty' \
      >"$dir/part"
    got=$(count "$dir/part")
    if ((got < ${out:-0})); then first=$((k + 1)); else last=$((k - 1)); fi
  done
  is "stream $i: as many as its first $k events have" "$got" "${out-}"
done
tap_done
