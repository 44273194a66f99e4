#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=240
# tollgate-gpt2 itself, with checkpoints of random weights: what it says on
# its socket, clients that leave, a full queue, its end.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

build=${TOLLGATE_BUILD_DIR:-$PWD/build}
program=$build/src/gpt2d/tollgate-gpt2
random=$build/tests/support/gpt2_random
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-gpt2d.XXXXXX")
sock=$dir/s
log=$dir/log
pid=''
# shellcheck disable=SC2317
finish() {
  local p
  for p in $pid $(jobs -p); do kill -KILL "$p" 2>/dev/null; done
  rm -rf "$dir"
}
trap finish EXIT
for p in "$program" "$random"; do
  [[ -x $p ]] || { echo "Bail out! not built: $p"; exit 1; }
done
# These models are too small for more than one thread.
export OPENBLAS_NUM_THREADS=1
# What AddressSanitizer keeps of freed memory would look like a leak.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1

"$random" --n-pos 64 --sigma 0.2 "$dir/small" || exit 1
# Never ends by itself and gets slower: seconds for its whole context.
"$random" --n-pos 16384 --n-embd 64 --no-eos "$dir/endless" || exit 1

until_true() {
  local i
  for ((i = 0; i < 400; i++)); do
    ! "$@" || return 0
    sleep 0.05
  done
  return 1
}

# start MODEL ARG...: on $sock, with one thread.
start() {
  local model=$1
  shift
  "$program" --model "$dir/$model" --socket "$sock" --threads 1 \
    --log-level debug "$@" 2>"$log" &
  pid=$!
  until_true test -S "$sock"
}

# stop: SIGTERM, and its exit code in $code.
stop() {
  kill -TERM "$pid"
  wait "$pid"
  code=$?
  pid=''
}

get() { curl -sS --max-time 60 --unix-socket "$sock" "http://x$1"; }
post_args() {
  args=(-sS --max-time 100 --unix-socket "$sock" "http://x$1"
    -H 'Content-Type: application/json' --data-binary "$2" "${@:3}")
}
post() {
  local -a args
  post_args "$@"
  curl "${args[@]}"
}
complete() { post /v1/completions "$@"; }
# In the background: the job is curl itself, so that it can be killed.
begin() {
  local -a args
  post_args /v1/completions "$@"
  exec curl "${args[@]}"
}
leave() {
  kill "$1"
  wait "$1" 2>/dev/null
}
status_of() { complete "$1" -o "$dir/body" -w '%{http_code}'; }
health_is() { [[ $(get /healthz | jq -c '[.waiting, .running]') == "$1" ]]; }
events() { sed -n 's/^data: {/{/p'; }

# --- the command line ---------------------------------------------------------

like '--help names the options' "$("$program" --help)" '--max-batch N'
like '--version' "$("$program" --version)" '^tollgate-gpt2 [0-9]'
"$program" --model "$dir/small" 2>"$log"
is 'without a place to listen: exit code 2' $? 2
"$program" --model "$dir/nothing" --socket "$sock" 2>"$log"
is 'no such folder: exit code 1' $? 1
is 'in one line' "$(wc -l <"$log")" 1
"$program" --model "$dir/small" --listen 0.0.0.0:0 2>"$log"
is 'an address of other hosts: exit code 1' $? 1
cp -r "$dir/small" "$dir/broken"
head -c 1000 "$dir/small/model.safetensors" >"$dir/broken/model.safetensors"
"$program" --model "$dir/broken" --socket "$sock" --preload 2>"$log"
is 'a damaged checkpoint with --preload: exit code 1' $? 1
is 'in one line, too' "$(wc -l <"$log")" 1
ok 'and no socket' test ! -e "$sock"
"$program" --model "$dir/broken" --socket "$sock" 2>"$log"
is 'a damaged checkpoint without it: exit code 1' $? 1

# --- answers ------------------------------------------------------------------

start small
is 'the socket is for owner and group' "$(stat -c %a "$sock")" 660
is 'healthz before the first request' "$(get /healthz)" \
  '{"status":"ok","model":"small","loaded":false,"waiting":0,"running":0}'
greedy='{"prompt":"the","temperature":0,"max_tokens":9,"seed":1'
whole=$(complete "$greedy}")
is 'usage' "$(jq -c '.usage' <<<"$whole")" \
  '{"prompt_tokens":2,"completion_tokens":9,"total_tokens":11}'
is 'it was cut by its length' "$(jq -r '.choices[0].finish_reason' <<<"$whole")" \
  length
like 'its id' "$(jq -r .id <<<"$whole")" '^cmpl-[0-9a-f]{24}$'
text=$(jq -j '.choices[0].text' <<<"$whole" | base64 -w 0)
is 'the weights are loaded now' "$(get /healthz | jq .loaded)" true
is 'the same again' \
  "$(complete "$greedy}" | jq -j '.choices[0].text' | base64 -w 0)" "$text"
stream=$(complete "$greedy,\"stream\":true}")
is 'the same as a stream' \
  "$(events <<<"$stream" | jq -j '.choices[].text' | base64 -w 0)" "$text"
is 'which says how it ended' \
  "$(events <<<"$stream" | jq -r '.choices[].finish_reason | values')" length
is 'and that it did' "$(tail -n 1 <<<"$stream")" 'data: [DONE]'
is 'the same by --generate' "$("$program" --model "$dir/small" --threads 1 \
  --generate the --temperature 0 --max-tokens 9 | head -c -1 | base64 -w 0)" \
  "$text"
is 'max_length counts the prompt' \
  "$(complete '{"prompt":"the","max_length":5,"temperature":0}' \
    | jq .usage.completion_tokens)" 3
is 'n choices' "$(complete '{"prompt":"the","n":3,"max_tokens":2}' \
  | jq -c '[.choices[].index]')" '[0,1,2]'
is 'logprobs: one a token' "$(complete "$greedy,\"logprobs\":2}" | jq -c \
  '.choices[0].logprobs | [.tokens, .token_logprobs, .top_logprobs,
    .text_offset | length]')" '[9,9,9,9]'
sampled='{"prompt":"the","max_tokens":40,"seed":2'
# The first of its characters, from the third on, that is a letter.
read -r stop before < <(complete "$sampled}" | jq -r '.choices[0].text
  | explode | . as $all | .[2:] | map(select(. > 96 and . < 123))[0]
  | "\([.] | implode) \(. as $c | $all | index($c))"')
is 'stop strings are not told' "$(complete "$sampled,\"stop\":\"$stop\"}" \
  | jq -c '.choices[0] | [(.text | length), .finish_reason]')" \
  "[$before,\"stop\"]"
is 'nor are their tokens: each begins in the text' "$(complete \
  "$sampled,\"stop\":\"$stop\",\"logprobs\":0}" | jq '.choices[0]
  | (.logprobs.text_offset | max) - 3 < (.text | length)')" true
is 'tokens as a prompt' "$(complete '{"prompt":[1,2,3],"max_tokens":1}' \
  | jq .usage.prompt_tokens)" 3
is 'an empty prompt' "$(complete '{"prompt":"","max_tokens":1}' \
  | jq .usage.prompt_tokens)" 1
is 'beyond the context: cut there' \
  "$(complete '{"prompt":[1,2],"max_tokens":999,"temperature":0}' \
    | jq -c '[.usage.total_tokens <= 64, .choices[0].finish_reason]' \
    | sed 's/stop/length/')" '[true,"length"]'

messages='"messages":[{"role":"user","content":"Hi"}],"max_tokens":4'
is 'a chat' "$(post /v1/chat/completions "{$messages}" \
  | jq -c '[.object, .choices[0].message.role]')" \
  '["chat.completion","assistant"]'
stream=$(post /v1/chat/completions \
  "{$messages,\"stream\":true,\"stream_options\":{\"include_usage\":true}}")
is 'a chat stream begins with the role' \
  "$(events <<<"$stream" | head -n 1 | jq -c '.choices[0].delta')" \
  '{"role":"assistant","content":""}'
like 'and ends with its usage' \
  "$(events <<<"$stream" | tail -n 1 | jq -c '[.choices, .usage]')" \
  '^\[\[\],\{"prompt_tokens":[0-9]+,"completion_tokens":[0-4],'
is 'models' "$(get /v1/models | jq -c '[.object, .data[0].id]')" \
  '["list","small"]'

# --- refusals -----------------------------------------------------------------

refused() {
  is "$1: status" "$(status_of "$2")" "$3"
  is "$1: code" "$(jq -r '.error | "\(.code) \(.param)"' "$dir/body")" "$4"
}
refused 'temperature' '{"prompt":"x","temperature":3}' 400 \
  'invalid_parameter temperature'
refused 'another model' '{"prompt":"x","model":"y"}' 404 'model_not_found model'
refused 'a full context' \
  "{\"prompt\":\"$(printf 'x%.0s' {1..64})\"}" 400 \
  'context_length_exceeded prompt'
refused 'max_length below the prompt' '{"prompt":"xyz","max_length":3}' 400 \
  'invalid_parameter max_length'
refused 'no JSON' '{' 400 'invalid_json null'
refused 'echo' '{"prompt":"x","echo":true}' 400 'unsupported_parameter echo'
is 'no such path' "$(get /v1/x | jq -r .error.code)" not_found
is 'no such method' "$(curl -sS --unix-socket "$sock" -X PUT -d x \
  -o /dev/null -w '%{http_code}' http://x/v1/models)" 405
is 'no JSON by its type' "$(curl -sS --unix-socket "$sock" -d '{}' \
  -o /dev/null -w '%{http_code}' http://x/v1/completions)" 415
head -c 1048577 /dev/zero >"$dir/large"
is 'more than 1 MiB' "$(status_of "@$dir/large")" 413
ok 'no prompt is in the log' test -z "$(grep xyz "$log")"

# --- many streams -------------------------------------------------------------

resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }
n_threads=$(ls "/proc/$pid/task" | wc -l)
round() {
  rm -f "$dir"/out.*
  curl -sS --no-progress-meter --max-time 100 --unix-socket "$sock" \
    --parallel --parallel-immediate --parallel-max 200 \
    -H 'Content-Type: application/json' -o "$dir/out.#1" \
    -d '{"prompt":"the","max_tokens":40,"stream":true}' \
    'http://x/v1/completions?[1-200]'
  grep -l '^data: \[DONE\]' "$dir"/out.* | wc -l
}
# How many run at the same moment is the machine's affair, and with it how much
# malloc keeps: two rounds fill that, and the others may add 10 KiB a stream.
is '200 streams at once: all end' "$(round)" 200
is 'and again' "$(round)" 200
before_kb=$(resident_kb)
for n in 3 4 5 6; do is "round $n" "$(round)" 200; done
ok 'memory stays flat' test $(($(resident_kb) - before_kb)) -lt 8000
is 'no thread more' "$(ls "/proc/$pid/task" | wc -l)" "$n_threads"
stop
is 'SIGTERM when nothing runs: exit code 0' $code 0
ok 'its socket is gone' test ! -e "$sock"

# --- clients that leave, and a full queue ---------------------------------------

start endless --max-batch 1 --queue 1 --preload
is 'loaded before it listens' "$(get /healthz | jq .loaded)" true
is 'an answer that could get too large is not begun' \
  "$(post /v1/chat/completions '{"messages":[{"role":"user","content":"x"}],
    "logprobs":true,"top_logprobs":20}' | jq -r '.error | .code, .param' \
    | paste -sd' ')" 'invalid_parameter max_tokens'
endless='{"prompt":"the","max_tokens":16000,"temperature":0,"stream":true}'
whole='{"prompt":"the","max_tokens":16000,"temperature":0}'

begin "$endless" >"$dir/first" &
first=$!
until_true health_is '[0,1]'
begin "$whole" >/dev/null &
second=$!
ok 'one runs, one waits' until_true health_is '[1,1]'
is 'the third: 503' "$(complete "$endless" -D "$dir/head" -o "$dir/body" \
  -w '%{http_code}')" 503
like 'with Retry-After' "$(<"$dir/head")" 'Retry-After: [0-9]+'
is 'and the error' "$(jq -r .error.code "$dir/body")" overloaded
leave "$second"
ok 'who leaves while waiting is forgotten' until_true health_is '[0,1]'
leave "$first"
ok 'who leaves a stream frees its place' until_true health_is '[0,0]'
unlike 'it had not ended' "$(tail -c 100 "$dir/first")" DONE
begin "$whole" >"$dir/first" &
first=$!
until_true health_is '[0,1]'
leave "$first"
ok 'who leaves before the answer frees it, too' until_true health_is '[0,0]'
ok 'it had not come' test ! -s "$dir/first"

# A client that never reads costs its own answer, not the others'.
mkfifo "$dir/unread"
exec 9<>"$dir/unread"
begin "${endless/16000/6000}" -N >"$dir/unread" &
first=$!
until_true health_is '[0,1]'
is 'behind a client that does not read the next one is answered' \
  "$(complete '{"prompt":"x","max_tokens":1}' \
    | jq .usage.completion_tokens)" 1
ok 'while it has not got its own' kill -0 "$first"
leave "$first"
exec 9>&-
stop

# --- the end --------------------------------------------------------------------

start endless --preload
begin "${endless/16000/1500}" >"$dir/first" &
first=$!
until_true health_is '[0,1]'
kill -TERM "$pid"
ok 'SIGTERM: nobody new' until_true test ! -e "$sock"
wait "$first"
is 'what runs ends' "$(tail -n 2 "$dir/first")" 'data: [DONE]'
wait "$pid"
is 'then it does: exit code 0' $? 0
pid=''

start endless --preload
begin "$endless" -N >"$dir/first" 2>/dev/null &
first=$!
until_true health_is '[0,1]'
kill -TERM "$pid"
until_true test ! -e "$sock"
kill -TERM "$pid"
wait "$pid"
is 'SIGTERM twice: exit code 0' $? 0
pid=''
wait "$first"
like 'what ran is cut with an error' "$(tail -n 2 "$dir/first")" \
  '^data: \{"error":.*"code":"shutting_down"'

start endless --preload --drain-seconds 1
begin "$endless" -N >"$dir/first" 2>/dev/null &
first=$!
until_true health_is '[0,1]'
stop
is 'a drain that takes too long: exit code 0' $code 0
wait "$first"
like 'and a cut' "$(tail -n 2 "$dir/first")" '"code":"shutting_down"'

# --- sockets --------------------------------------------------------------------

start small
"$program" --model "$dir/small" --socket "$sock" 2>"$dir/second"
is 'a second one on the same socket: exit code 1' $? 1
like 'which says why' "$(<"$dir/second")" 'another process listens'
kill -KILL "$pid"
wait "$pid" 2>/dev/null
ok 'a killed one leaves its socket' test -S "$sock"
: >"$log"
"$program" --model "$dir/small" --socket "$sock" --threads 1 2>"$log" &
pid=$!
ok 'the next one takes its place' until_true grep -q '"started"' "$log"
is 'and answers' "$(get /healthz | jq -r .status)" ok
stop

: >"$log"
"$program" --model "$dir/endless" --listen 127.0.0.1:0 --threads 1 \
  --model-name mini 2>"$log" &
pid=$!
until_true grep -q '"started"' "$log"
port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$log")
tcp() { curl -sS --max-time 60 "http://127.0.0.1:$port$1" "${@:2}"; }
is 'over TCP' "$(tcp /v1/models | jq -r '.data[0].id')" mini
host_status() {
  tcp /v1/models -H "Host: $1" -o "$dir/body" -w '%{http_code}'
}
is 'a name of this host' "$(host_status "localhost:$port")" 200
is 'a name that may be any site'"'"'s: 403' "$(host_status "x.example:$port")" 403
is 'in the shape of errors' "$(jq -r .error.code "$dir/body")" forbidden
tcp_health_is() { [[ $(tcp /healthz | jq -c '[.waiting, .running]') == "$1" ]]; }
(exec curl -sS -N "http://127.0.0.1:$port/v1/completions" \
  -H 'Content-Type: application/json' -d "$endless") >/dev/null &
first=$!
until_true tcp_health_is '[0,1]'
leave "$first"
ok 'over TCP, too, a client that leaves is noticed' \
  until_true tcp_health_is '[0,0]'
stop

# --- a load that fails ------------------------------------------------------------

# Changed behind its back: what it finds at its start it refuses there.
cp "$dir/small/model.safetensors" "$dir/broken/model.safetensors"
start broken
head -c 1000 "$dir/small/model.safetensors" >"$dir/broken/part"
mv "$dir/broken/part" "$dir/broken/model.safetensors"
refused 'weights that are damaged' '{"prompt":"x"}' 503 'model_unavailable null'
ok 'it says why, not where' test -z "$(grep -F "$dir" "$dir/body")"
is 'healthz says so' "$(get /healthz | jq -r .status)" failed
cp "$dir/small/model.safetensors" "$dir/broken/model.safetensors"
is 'the next request tries again' "$(status_of '{"prompt":"x"}')" 200
is 'and healthz is well' "$(get /healthz | jq -r .status)" ok
stop
is 'no record is a warning but that one' "$(grep -c '"level":"error"' "$log")" 1

tap_done
