#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Limits and revocation over several worker processes, and without memcached
# or database: what they promise to whoever waits for an answer.
# CHECKLIST S2, S5, S14, S34, R20.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

for name in $(compgen -e TOLLGATE_); do
  [[ $name == TOLLGATE_BUILD_DIR ]] || unset "$name"
done
command -v lighttpd >/dev/null || PATH=$PATH:/usr/sbin
command -v lighttpd >/dev/null || skip_all 'no lighttpd on this machine'
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-limits.XXXXXX")
STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
threads=8
STACK_PROCESSES=4 STACK_THREADS=$threads
# Keys are asked for again at each use, so that an outage shows at once.
STACK_CONFIG='TOLLGATE_AUTH_CACHE_S=1'
. tools/lib/stack.sh
finish() {
  stack_stop >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
{ stack_init "$dir" && stack_start; } >&2 \
  || { echo 'Bail out! no stack'; exit 1; }
url=$STACK_URL

t() {
  stack_tollgate "$@" --json
}
body() {
  printf '{"model":"%s","messages":[{"role":"user","content":"hi"}]}' "$1"
}
# ask KEY [MODEL [CURL_OPTION...]]: the status of one request.
ask() {
  curl -sS -o "$dir/answer" -D "$dir/head" -w '%{http_code}' \
    -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
    -d "$(body "${2:-sim-ok}")" "${@:3}" "$url/v1/chat/completions"
}
# ask_many N KEY [MODEL [BODY]]: the statuses of N requests, as many at a time
# as there are threads, counted.
ask_many() {
  # shellcheck disable=SC2016 # for the inner shell
  seq "$1" | key=$2 body=${4:-$(body "${3:-sim-ok}")} xargs -P $((threads * 4)) -I{} sh -c \
    'curl -sS -o /dev/null -w "%{http_code}\n" -H "X-API-Key: $key" \
      -H "Content-Type: application/json" -d "$body" "$0"' \
    "$url/v1/chat/completions" | sort | uniq -c | sed 's/^ *//' | tr '\n' ' '
}
new_key() {
  t key add --customer 1 --name k "$@" | jq -er '"\(.id) \(.key)"'
}
# until_true SECONDS CMD...: waits for CMD to succeed.
until_true() {
  local n
  for ((n = $1 * 20; n > 0; n--)); do
    "${@:2}" && return 0
    sleep 0.05
  done
  return 1
}
header() {
  sed -n "s/^$1: //Ip" "$dir/head" | tr -d '\r'
}

t provider add --name sim --kind openai --base-url "unix:$STACK_SIM_SOCKET" \
  >/dev/null
for model in sim-ok sim-two sim-three sim-delay:1000; do
  t model add --name $model --provider sim \
    --upstream-name "${model/#sim-[ot]*/sim}" >/dev/null
  t price set --model $model --input 1 --output 2 >/dev/null
done
t customer add --name A --email a@example.com >/dev/null
read -r _ key < <(new_key --per-minute 0)
served() { [[ $(ask "$key") == 200 ]]; }
ok 'a request is served' until_true 10 served || diag "$(cat "$dir/answer")"

# --- exactly the limit -------------------------------------------------------

# By the hour, so that no minute's end comes between; an hour's end is met
# by waiting for it.
(( $(date +%-M%S) < 5930 )) || sleep 35
read -r _ limited < <(new_key --per-minute 0 --per-hour 50)
is 'four processes grant exactly the limit (S34)' \
  "$(ask_many 120 "$limited")" '50 200 70 429 '
from=$(date +%s)
is 'and refuse further' "$(ask "$limited")" 429
to=$(date +%s) retry=$(header retry-after)
# The hour's end minus Retry-After, rounded up, is when it was answered.
ok "Retry-After is the hour's end: $retry, asked from $from to $to" \
  test $(((7201 - retry - from % 3600) % 3600)) -le $((to - from + 1))
is 'x-ratelimit-limit-requests' "$(header x-ratelimit-limit-requests)" 50
is 'x-ratelimit-remaining-requests' "$(header x-ratelimit-remaining-requests)" 0
is 'the error has its code' "$(jq -r .error.code "$dir/answer")" \
  rate_limit_exceeded
is 'another model is apart' "$(ask "$limited" sim-two)" 200
is 'and tells what remains' "$(header x-ratelimit-remaining-requests)" 49

# --- every scope -------------------------------------------------------------

# By the day; its end is met by waiting for it.
[[ $(date -u +%H%M) != 235[5-9] ]] || sleep 300
limit_key() { new_key --per-minute 0 --limit "$@"; }

read -r _ one < <(limit_key key.requests.day=12)
is 'a limit of a key holds for all models together (S34)' \
  "$(ask_many 9 "$one") $(ask_many 9 "$one" sim-two)" '9 200  3 200 6 429 '
t customer add --name B --email b@example.com \
  --limit customer.requests.day=20 >/dev/null
customer_key() {
  t key add --customer b@example.com --name k --per-minute 0 "$@" | jq -er .key
}
one=$(customer_key) two=$(customer_key)
is 'a limit of a customer holds for all its keys (S34)' \
  "$(ask_many 15 "$one") $(ask_many 15 "$two")" '15 200  5 200 10 429 '
read -r _ one < <(limit_key model.requests.day=25)
two=$(customer_key --limit model.requests.day=25,customer.requests.day=0)
is 'a limit of a model holds for everybody' \
  "$(ask_many 20 "$one" sim-three) $(ask_many 20 "$two" sim-three)" \
  '20 200  5 200 15 429 '
read -r _ one < <(limit_key address.requests.day=10)
read -r _ two < <(limit_key address.requests.day=10)
is 'a limit of a client address holds for all its keys (S34)' \
  "$(ask_many 7 "$one") $(ask_many 7 "$two")" '7 200  3 200 4 429 '
is 'X-Forwarded-For of anybody is not believed (S14)' \
  "$(ask "$one" sim-ok -H 'X-Forwarded-For: 203.0.113.7')" 429

read -r _ one < <(limit_key key.tokens.day=1000)
chat() {
  jq -n --arg m "$1" --argjson n "$2" '{model: $m, max_tokens: $n,
    messages: [{role: "user", content: "hi"}]}'
}
is 'a limit of tokens: what may be used is taken on entry' \
  "$(ask_many 8 "$one" '' "$(chat sim-delay:1000 300)")" '3 200 5 429 '
is 'and corrected at the end' \
  "$(ask_many 3 "$one" '' "$(chat sim-delay:1000 300)")" '3 200 '
ask "$one" >/dev/null
is 'x-ratelimit-limit-tokens' "$(header x-ratelimit-limit-tokens)" 1000
like 'x-ratelimit-reset-tokens' "$(header x-ratelimit-reset-tokens)" '^[0-9]+s$'
left=$(header x-ratelimit-remaining-tokens)
ok "an answer without a limit of its own is held to what is left: $left" \
  test "$left" -ge 0 -a "$left" -lt 1000
ask_many 1 "$one" '' "$(chat sim-ok 5000)" >/dev/null
code=$(curl -sS -o "$dir/answer" -D "$dir/head" -w '%{http_code}' \
  -H "X-API-Key: $one" -H 'Content-Type: application/json' \
  -d "$(chat sim-ok 5000)" "$url/v1/chat/completions")
is 'more than a whole window grants is refused for good' \
  "$code $(jq -r .error.code "$dir/answer") $(header x-should-retry)" \
  '429 tokens_over_limit false'

read -r _ one < <(limit_key key.concurrent=3)
is 'requests at once: as many as the limit' \
  "$(ask_many 8 "$one" sim-delay:1000)" '3 200 5 429 '
is 'and again when they are over' \
  "$(ask_many 3 "$one" sim-delay:1000)" '3 200 '
is 'one after another they are not limited' \
  "$(for _ in 1 2 3 4 5; do ask "$one"; done)" 200200200200200

# --- tiers -------------------------------------------------------------------

is 'free, standard and premium are there' \
  "$(t tier list | jq -r '[.[].name] | join(" ")')" 'free standard premium'
t tier add --name of-role --limit key.requests.day=4 >/dev/null
t tier add --name of-user --limit key.requests.day=6 >/dev/null
t customer add --name C --email c@example.com >/dev/null
tier_key() { t key add --customer c@example.com --name k "$@" | jq -er .key; }
# Waits until the workers have noticed the change.
limit_is() {
  [[ $(ask "$1") == 200 && $(header x-ratelimit-limit-requests) == "$2" ]]
}
one=$(tier_key)
t tier assign of-role --role owner >/dev/null
ok "a role's tier is in force" until_true 3 limit_is "$one" 4
t tier assign of-user --user c@example.com >/dev/null
ok "a user's tier comes before it" until_true 3 limit_is "$one" 6
t tier set of-user --limit key.requests.day=7 >/dev/null
ok 'a tier that is changed is felt at once' until_true 3 limit_is "$one" 7
one=$(tier_key --limit key.requests.day=5)
ok "a key's own number comes first" limit_is "$one" 5
t tier assign none --role owner >/dev/null

# --- reported but not refused ------------------------------------------------

reloads() { grep -c '"event":"reloaded"' "$dir/log/worker.log"; }
reloads_are() { (($(reloads) >= $1)); }
reload() { # NAME=VALUE...: a line of the configuration in place of another
  local line before workers
  for line; do
    sed -i "/^${line%%=*}=/d" "$STACK_CONF"
    echo "$line" >>"$STACK_CONF"
  done
  before=$(reloads)
  mapfile -t workers < <(stack_workers)
  kill -HUP "${workers[@]}"
  until_true 10 reloads_are $((before + ${#workers[@]})) \
    || diag 'not all workers have read their configuration again'
}
reload TOLLGATE_LIMITS_SHADOW=on
is 'limits.shadow lets pass' "$(ask_many 20 "$limited")" '20 200 '
ask "$limited" >/dev/null
is 'and says what would have refused' "$(header x-tollgate-limit-shadow)" \
  key_model.requests.hour
is 'with one line of the log for all of them' \
  "$(grep -c '"limits.shadow"' "$dir/log/worker.log")" 1
counted() {
  [[ $(stack_sql tollgate -N -e "SELECT SUM(refusals) FROM usage_refusals
    WHERE reason = 'limit_shadow'") == 21 ]]
}
ok 'and counts them beside refusals' until_true 5 counted
is 'doctor warns that it is on' "$(t doctor |
  jq -r '.[] | select(.check == "limits by default") | .status')" warn
reload TOLLGATE_LIMITS_SHADOW=off
is 'off again: refused' "$(ask "$limited")" 429

# --- wrong keys --------------------------------------------------------------

reload TOLLGATE_LIMITS_FAILED_KEYS_PER_MINUTE=20 \
  TOLLGATE_TRUSTED_PROXIES=127.0.0.1
(( $(date +%-S) < 40 )) || sleep $((61 - $(date +%-S)))
wrong=tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0ClVGK
wrong_many() {
  # shellcheck disable=SC2016 # for the inner shell
  seq "$1" | xargs -P 8 -I{} sh -c 'curl -sS -o /dev/null \
    -w "%{http_code}\n" -H "X-API-Key: tg_nonsense" \
    -H "X-Forwarded-For: 192.0.2.1" "$0"' "$url/v1/models" |
    sort | uniq -c | sed 's/^ *//' | tr '\n' ' '
}
is 'wrong keys of an address: exactly as many as allowed' \
  "$(wrong_many 50)" '20 401 30 429 '
is 'then also one that would be looked up' \
  "$(ask $wrong sim-ok -H 'X-Forwarded-For: 192.0.2.1')" 429
ok 'with the time until the minute ends' test "$(header retry-after)" -le 60
is 'a key that is known works' \
  "$(ask "$key" sim-ok -H 'X-Forwarded-For: 192.0.2.1')" 200
is 'another address behind the trusted proxy is not concerned (S14)' \
  "$(ask $wrong sim-ok -H 'X-Forwarded-For: 192.0.2.2')" 401
reload TOLLGATE_LIMITS_FAILED_KEYS_PER_MINUTE=600

# --- revocation --------------------------------------------------------------

read -r id victim < <(new_key --per-minute 0)
is 'before its revoke a key works in all processes' \
  "$(ask_many 40 "$victim")" '40 200 '
t key revoke "$id" >/dev/null
is 'after the answer to its revoke it works in none (S5)' \
  "$(ask_many 40 "$victim")" '40 401 '
revoked=$victim
ask "$victim" >/dev/null
cp "$dir/answer" "$dir/revoked"
ask "tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0ClVGK" >/dev/null
ok 'revoked and unknown keys get the same answer (S2)' \
  cmp "$dir/answer" "$dir/revoked"
ask 'tg_nonsense' >/dev/null
ok 'and so does what is no key' cmp "$dir/answer" "$dir/revoked"

read -r id victim < <(new_key --per-minute 0)
ask_many 20 "$victim" >/dev/null
# As another host does it: the rows and the generation, not this host's map.
stack_sql tollgate -e "START TRANSACTION;
  UPDATE api_keys SET revoked_at = NOW(6) WHERE api_key_id = $id;
  INSERT INTO key_generations (slot, generation) VALUES ($id % 1024, 1)
    ON DUPLICATE KEY UPDATE generation = generation + 1; COMMIT"
# shellcheck disable=SC2317
is_felt() { [[ $(ask_many 40 "$victim") == '40 401 ' ]]; }
ok 'a revoke on another host is felt in all processes' until_true 10 is_felt

read -r id victim < <(new_key --per-minute 0)
is 'toggle: on' "$(ask "$victim")" 200
t key toggle "$id" >/dev/null
is 'toggle: off' "$(ask_many 20 "$victim")" '20 401 '
t key toggle "$id" >/dev/null
is 'toggle: on again' "$(ask_many 20 "$victim")" '20 200 '

# --- without memcached -------------------------------------------------------

limits_status() {
  t doctor | jq -r '.[] | select(.check == "limits") | .status'
}
read -r _ local_key < <(new_key --per-minute 0 --per-hour 30)
stack_cache_stop
is 'without memcached this host counts: exactly the limit (R20)' \
  "$(ask_many 80 "$local_key")" '30 200 50 429 '
is 'nor is a revoked key any good without it (S5)' \
  "$(ask_many 40 "$revoked")" '40 401 '
is 'doctor says so' "$(limits_status)" warn
read -r _ after < <(new_key --per-minute 0 --per-hour 30)
is 'and it switched once, all processes together' \
  "$(grep -c '"limits.memcached_down"' "$dir/log/worker.log")" 1
stack_cache_start >&2
is_up() { [[ $(limits_status) == ok ]]; }
ok 'memcached is back: noticed within 3 s' until_true 3 is_up
is 'the window it was lost in is not granted again' \
  "$(ask_many 20 "$local_key")" '20 429 '
is 'requests go on' "$(ask_many 10 "$after")" '10 200 '
is 'a revoked key does not, though memcached knows nothing any more (S5)' \
  "$(ask_many 40 "$revoked")" '40 401 '

for mode in open closed; do
  reload "TOLLGATE_LIMITS_ON_FAILURE=$mode"
  stack_cache_stop
  if [[ $mode == open ]]; then
    is 'on_failure=open lets everything pass' \
      "$(ask_many 40 "$local_key")" '40 200 '
  else
    is 'on_failure=closed lets nothing pass' \
      "$(ask_many 40 "$after")" '40 503 '
    ask "$after" >/dev/null
    is 'and says why' "$(jq -r .error.code "$dir/answer")" limits_unavailable
  fi
  stack_cache_start >&2
  until_true 3 is_up
done

# --- without the database ----------------------------------------------------

# Slow answers keep every thread of every process busy: all know the key.
served_by_all() { [[ $(ask_many 32 "$key" sim-delay:1000) == '32 200 ' ]]; }
ok 'before the outage' until_true 5 served_by_all
read -r _ unknown < <(new_key)
stack_db_stop
sleep 1.5 # longer than auth.cache_s
is 'database down: a known key goes on' "$(ask_many 60 "$key")" '60 200 '
is 'database down: an unknown one gets 503, not 401' "$(ask "$unknown")" 503
is 'database down: what is no key gets 401' "$(ask tg_nonsense)" 401
db_back() { stack_db_start >&2; }
ok 'the database comes back' db_back
knows() { [[ $(ask "$unknown") == 200 ]]; }
ok 'and the other key works within 5 s' until_true 5 knows
tap_done
