#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Limits and revocation over several worker processes, and without memcached
# or database: what they promise to whoever waits for an answer.
# CHECKLIST S2, S5, S34, R20.
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
# ask KEY [MODEL]: the status of one request.
ask() {
  curl -sS -o "$dir/answer" -D "$dir/head" -w '%{http_code}' \
    -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
    -d "$(body "${2:-sim-ok}")" "$url/v1/chat/completions"
}
# ask_many N KEY [MODEL]: the statuses of N requests, as many at a time as
# there are threads, counted.
ask_many() {
  # shellcheck disable=SC2016 # for the inner shell
  seq "$1" | key=$2 body=$(body "${3:-sim-ok}") xargs -P $((threads * 4)) -I{} sh -c \
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
for model in sim-ok sim-two sim-delay:1000; do
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

# --- revocation --------------------------------------------------------------

read -r id victim < <(new_key --per-minute 0)
is 'before its revoke a key works in all processes' \
  "$(ask_many 40 "$victim")" '40 200 '
t key revoke "$id" >/dev/null
is 'after the answer to its revoke it works in none (S5)' \
  "$(ask_many 40 "$victim")" '40 401 '
ask "$victim" >/dev/null
cp "$dir/answer" "$dir/revoked"
ask "tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0ClVGK" >/dev/null
without_id() { jq -S 'del(.error.request_id)' "$1"; }
is 'revoked and unknown keys get the same answer (S2)' \
  "$(without_id "$dir/answer")" "$(without_id "$dir/revoked")"
ask 'tg_nonsense' >/dev/null
is 'and so does what is no key' \
  "$(without_id "$dir/answer")" "$(without_id "$dir/revoked")"

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

for mode in open closed; do
  sed -i '/ON_FAILURE/d' "$STACK_CONF"
  echo "TOLLGATE_LIMITS_ON_FAILURE=$mode" >>"$STACK_CONF"
  stack_workers | xargs kill -HUP
  sleep 0.5
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
