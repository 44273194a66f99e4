#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none
# The upstream simulator and the load tool keep their word: other tests and
# the benchmark believe them.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

build=${TOLLGATE_BUILD_DIR:-$PWD/build}
sim=$build/tests/support/upstream_sim
load=$build/tests/support/http_load
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-sim.XXXXXX")
sim_pid=''
trap '[[ -z $sim_pid ]] || kill "$sim_pid" 2>/dev/null; rm -rf "$dir"' EXIT
[[ -x $sim && -x $load ]] || { echo "Bail out! not built: $sim"; exit 1; }

start_sim() {
  local i
  rm -f "$dir/addr"
  "$sim" --listen 127.0.0.1:0 --listen "unix:$dir/sim.sock" --threads 2 \
    --max-body 1048576 --ready-file "$dir/addr" >"$dir/sim.log" 2>&1 &
  sim_pid=$!
  for ((i = 0; i < 200; i++)); do
    [[ ! -s $dir/addr ]] || break
    sleep 0.05
  done
  at=http://$(head -n 1 "$dir/addr") || return 1
}

# body MODEL [MORE]: a chat body; MORE is added before the closing brace.
body() {
  printf '{"model":"%s","messages":[{"role":"user","content":"%s"}]%s}' \
    "$1" 'one two  three' "${2:-}"
}

# chat MODEL [MORE [CURL ARG...]]
chat() {
  local data
  data=$(body "$1" "${2:-}")
  shift $(($# < 2 ? $# : 2))
  curl -sN --max-time 10 "$at/v1/chat/completions" -d "$data" "$@"
}

streamed=',"stream":true,"stream_options":{"include_usage":true}'

# The JSON of each event, [DONE] left out; any line end.
events() {
  tr -d '\r' | sed -n 's/^data: \{0,1\}//p' | grep -v '^\[DONE\]$'
}

content() {
  events | jq -rj '.choices[]? | select(.index == 0) | .delta.content // ""'
}

stat_of() {
  curl -s "$at/__sim/stats" | jq -r ".$1"
}

status_of() {
  chat "$1" '' -o /dev/null -w '%{http_code}'
}

# raw TEXT: sends it as it stands, prints what comes back.
raw() {
  # shellcheck disable=SC2059
  printf "$1" | timeout 5 curl -sN --max-time 2 "telnet://${at#http://}" \
    2>/dev/null | tr -d '\r'
}

start_sim || { echo 'Bail out! the simulator did not start'; exit 1; }

# --- a proper answer ---------------------------------------------------------

answer=$(chat any-name)
is 'chat: usage is exact' "$(jq -c .usage <<<"$answer")" \
  '{"prompt_tokens":3,"completion_tokens":16,"total_tokens":19}'
is 'chat: sixteen words' \
  "$(jq -r '.choices[0].message.content' <<<"$answer" | wc -w)" 16
is 'chat: stops' "$(jq -r '.choices[0].finish_reason' <<<"$answer")" stop
is 'chat: max_tokens cuts it' \
  "$(chat sim-fixed:9 ',"max_tokens":4' \
    | jq -c '[.usage.completion_tokens, .choices[0].finish_reason]')" \
  '[4,"length"]'
is 'chat: n choices are all counted' \
  "$(chat sim-fixed:5 ',"n":3' \
    | jq -c '[.usage.completion_tokens, (.choices | length)]')" '[15,3]'
is 'stream: says the same as the whole answer' \
  "$(chat sim-fixed "$streamed" | content)" \
  "$(chat sim-fixed | jq -r '.choices[0].message.content')"
is 'stream: usage comes last, without choices' \
  "$(chat sim-fixed "$streamed" | events | tail -n 1 \
    | jq -c '[.choices, .usage.completion_tokens]')" '[[],16]'
is 'stream: the other chunks carry a null usage' \
  "$(chat sim-fixed "$streamed" | events | sed '$d' \
    | jq -s -c 'map(has("usage") and .usage == null) | all')" true
is 'stream: no usage unless asked for' \
  "$(chat sim-fixed ',"stream":true' | events \
    | jq -s 'map(has("usage")) | any')" false
is 'completion: text' \
  "$(curl -s "$at/v1/completions" -d '{"model":"m","prompt":["a b","c"]}' \
    | jq -c '[.object, .usage.prompt_tokens, (.choices[0].text | length > 0)]')" \
  '["text_completion",3,true]'
is 'embedding: a row for each input, and both encodings say the same' \
  "$(for format in float base64; do
    curl -s "$at/v1/embeddings" -d '{"model":"m","input":["a b","c"],
      "encoding_format":"'$format'"}' \
      | node -e 'const j = JSON.parse(require("fs").readFileSync(0));
        console.log(JSON.stringify(j.data.map(r =>
          typeof r.embedding === "string"
          ? [...new Float32Array(new Uint8Array(Buffer.from(r.embedding,
            "base64")).buffer)] : r.embedding)))'
  done | sort -u | wc -l)" 1
like 'models: the words' "$(curl -s "$at/v1/models")" '"id":"sim-pace"'
is 'the header outranks the model' \
  "$(chat sim-500 '' -H 'x-sim: sim-fixed:2' | jq .usage.completion_tokens)" 2
is 'unix socket' "$(curl -s --unix-socket "$dir/sim.sock" http://x/healthz)" \
  '{"status":"ok"}'

# --- misbehaviour ------------------------------------------------------------

for code in 400 401 403 404 429 500 502 503; do
  is "sim-$code: status" "$(status_of "sim-$code")" "$code"
done
is 'an unknown word: 404' "$(status_of sim-nonsense)" 404
like 'sim-429: Retry-After' "$(chat sim-429:7 '' -i | tr -d '\r')" \
  'Retry-After: 7'
is 'sim-400: names a param' "$(chat sim-400 | jq -r .error.param)" temperature
for word in split crlf cr comments fields no-space multiline; do
  case $word in
  cr) got=$(chat sim-cr "$streamed" | tr '\r' '\n' | content) ;;
  multiline) got=$(chat sim-multiline "$streamed" | sed -n 's/^data: //p' \
    | paste -sd '' | sed 's/\[DONE\]$//' \
    | jq -rj '.choices[0]?.delta.content // ""') ;;
  *) got=$(chat "sim-$word" "$streamed" | content) ;;
  esac
  is "sim-$word: the words arrive" "$(wc -w <<<"$got")" 16
done
is 'sim-split: a chunk for each byte' \
  "$(chat sim-split+fixed:1 "$streamed" --raw | tr -d '\r' | head -n 2 \
    | paste -sd ' ')" '1 d'
is 'sim-gzip: unpacks to the answer' \
  "$(chat sim-gzip '' --compressed | jq .usage.total_tokens)" 19
is 'sim-gzip: streamed as well' \
  "$(chat sim-gzip "$streamed" --compressed | content | wc -w)" 16
is 'sim-details: the parts' \
  "$(chat sim-details:100:20:30:5 | jq -c '[.usage.prompt_tokens,
    .usage.prompt_tokens_details.cached_tokens, .usage.completion_tokens,
    .usage.completion_tokens_details.reasoning_tokens]')" '[100,20,30,5]'
is 'sim-no-usage: none' "$(chat sim-no-usage | jq 'has("usage")')" false
is 'sim-usage-negative' "$(chat sim-usage-negative \
  | jq .usage.total_tokens)" -19
is 'sim-usage-dup: two events' "$(chat sim-usage-dup "$streamed" | events \
  | jq -c 'select(.usage != null)' | wc -l)" 2
is 'sim-bad-utf8: not UTF-8' \
  "$(chat sim-bad-utf8 | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1; echo $?)" 1
is 'sim-garbage: not JSON' \
  "$(chat sim-garbage | jq . >/dev/null 2>&1; echo $(($? > 0)))" 1
is 'sim-huge: one event' "$(chat sim-huge:200000+fixed:1 "$streamed" \
  | content | wc -c)" 200000
is 'sim-no-done: no [DONE]' "$(chat sim-no-done "$streamed" \
  | grep -c DONE)" 0
is 'sim-error-mid: an error event' \
  "$(chat sim-error-mid:2 "$streamed" | events | tail -n 1 \
    | jq -r .error.code)" internal_error
is 'sim-finish: the reason' "$(chat sim-finish:content_filter \
  | jq -r '.choices[0].finish_reason')" content_filter
is 'sim-over: beyond the limit' "$(chat sim-over:9 ',"max_tokens":2' \
  | jq .usage.completion_tokens)" 9
is 'sim-close: cut off' \
  "$(chat sim-close:2 "$streamed" -o /dev/null; echo $?)" 18
is 'sim-close:0: no answer' "$(chat sim-close:0; echo $?)" 52
is 'sim-reset: reset' "$(chat sim-reset:2 "$streamed" -o /dev/null; echo $?)" 56
is 'sim-close-bytes: so many' "$(chat sim-close-bytes:30 | wc -c)" 30
is 'sim-hang: nothing' \
  "$(chat sim-hang '' --max-time 0.3; echo $?)" 28
is 'sim-hang-mid: two words' \
  "$(chat sim-hang-mid:2 "$streamed" --max-time 0.5 | content | wc -w)" 2
is 'the leaving was seen' "$(stat_of aborted_connections)" 2
is 'sim-delay' "$(chat sim-delay:300 '' -o /dev/null -w '%{time_total}' \
  | awk '{ print ($1 >= 0.3 && $1 < 2) }')" 1
is 'sim-drip: byte by byte' "$(chat sim-drip:0 | jq .usage.total_tokens)" 19

# --- what it tells of itself -------------------------------------------------

data=$(body sim-fixed ',"x":"  \u00e9 {}"')
curl -s -o /dev/null "$at/v1/chat/completions?a=b" -H 'X-Odd:  kept ' \
  --data-binary "$data"
last=$(curl -s "$at/__sim/last" | tr -d '\r')
is 'last: the request line' "$(head -n 1 <<<"$last")" \
  'POST /v1/chat/completions?a=b HTTP/1.1'
is 'last: a header as it came' "$(grep '^X-Odd' <<<"$last")" 'X-Odd:  kept '
is 'last: the body' "$(tail -n 1 <<<"$last")" "$data"
curl -s -o /dev/null -X POST "$at/__sim/reset"
chat x >/dev/null
is 'stats: one request since reset' "$(stat_of inference_requests)" 1
is 'stats: bytes of the body' "$(stat_of last_body_bytes)" \
  "$(body x | tr -d '\n' | wc -c)"

# --- bad requests ------------------------------------------------------------

for bad in 'X\r\n\r\n' 'GET / HTTP/9.9\r\n\r\n' 'GET /\r\n\r\n' \
  'GET / HTTP/1.1\r\nno colon\r\n\r\n' \
  'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n' \
  'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n' \
  'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n' \
  'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'; do
  like "400: ${bad:0:60}" "$(raw "$bad")" '^HTTP/1.1 400'
done
is '413: a body beyond the limit' "$(head -c 1048577 /dev/zero \
  | curl -s -o /dev/null -w '%{http_code}' -H 'Expect:' \
    --data-binary @- "$at/v1/completions")" 413
is '400: not JSON' "$(curl -s -o /dev/null -w '%{http_code}' \
  "$at/v1/completions" -d '{"model":}')" 400
is 'a chunked upload' "$(body x | curl -s -H 'Transfer-Encoding: chunked' \
  "$at/v1/chat/completions" --data-binary @- | jq .usage.total_tokens)" 19
for ((i = 0; i < 40; i++)); do
  head -c 3000 /dev/urandom | timeout 2 curl -s --max-time 0.2 \
    "telnet://${at#http://}" >/dev/null 2>&1
done
ok 'noise does not end it' kill -0 "$sim_pid"

# --- http_load ---------------------------------------------------------------

result=$("$load" --clients 4 --requests 100 --marks --record "$dir/record" \
  --data "$(body sim-fixed)" "$at/v1/chat/completions")
is 'load: a hundred answers' \
  "$(jq -c '[.completed, .failed, .statuses]' <<<"$result")" \
  '[100,0,{"200":100}]'
is 'load: each answer is recorded once' \
  "$(awk '$2 == 200 && $3 == "complete" { print $1, $4 }' "$dir/record" \
    | sort -u | wc -l)" 100
is 'load: a kept connection for each client' "$(jq .connects <<<"$result")" 4
result=$("$load" --mode stream --clients 20 --stall-ms 2000 \
  --data "$(body sim-pace:5:20 "$streamed")" "$at/v1/chat/completions")
is 'load: streams are followed to [DONE]' \
  "$(jq -c '[.completed, .done, .stalled, .content_events]' <<<"$result")" \
  '[20,20,0,400]'
result=$("$load" --mode stream --clients 3 --stall-ms 50 \
  --data "$(body sim-pace:150:3 "$streamed")" "$at/v1/chat/completions")
is 'load: a gap is a stall' "$(jq .stalled <<<"$result")" 3
result=$("$load" --mode stream --clients 3 --record "$dir/record" \
  --data "$(body sim-close:2 "$streamed")" "$at/v1/chat/completions")
is 'load: a stream without its end has failed' \
  "$(jq -c '[.completed, .failed]' <<<"$result")" '[0,3]'
is 'load: and is recorded as partial' \
  "$(grep -c ' 200 partial ' "$dir/record")" 3

# --- the document ------------------------------------------------------------

# shellcheck disable=SC2016
is 'README.md holds the text of --help' \
  "$(sed -n '/^```text$/,/^```$/{//d;p}' tests/support/README.md)" \
  "$("$sim" --help)"

kill "$sim_pid"
wait "$sim_pid"
is 'SIGTERM ends it with status 0' $? 0
sim_pid=''
tap_done
