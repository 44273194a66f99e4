#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Pepper and sealing key rotate while keys and providers go on working; doctor
# finds hosts that disagree. On a stack of its own. CHECKLIST S3, S13.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
. tools/lib/stack.sh

dir=$(mktemp -d /var/tmp/tollgate-secrets.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
export STACK_MODEL_SERVER=$PWD/tests/support/model_server STACK_BUILD=$build
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
start() {
  tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
    >"$dir/quickstart.log" 2>&1 && return
  sed 's/^/# /' "$dir/quickstart.log"
  echo 'Bail out! no stack'
  exit 1
}
start
set -a
. "$dir/env"
set +a
sql() {
  mariadb --no-defaults -u root -S "$TOLLGATE_DB_SOCKET" -N -B \
    "$TOLLGATE_DB_NAME" -e "$1"
}
# status KEY METHOD PATH [BODY]
status() {
  curl -s -o "$dir/answer" -w '%{http_code}' -X "$2" -H "X-API-Key: $1" \
    -H 'Content-Type: application/json' "$TOLLGATE_URL$3" ${4:+-d "$4"}
}
tollgate() { "$build/src/admin/tollgate" "$@" --json 2>"$dir/err"; }
finding() { # CHECK: its worst verdict
  tollgate doctor | jq -r --arg check "$1" \
    '[.[] | select(.check == $check) | .status] | unique | join(" ")'
}
set_secret() { # NAME VALUE
  sed -i "s/^$1=.*/$1=$2/" "$dir/etc/secrets"
}
secret() { sed -n "s/^$1=//p" "$dir/etc/secrets"; }
restart() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  start
  set -a
  . "$dir/env"
  set +a
}
pepper=$(secret TOLLGATE_AUTH_PEPPER)
seal=$(secret TOLLGATE_SEAL_KEY)
new_pepper=$(printf 'a1c3%.0s' {1..16})
new_seal=$(printf 'b2d4%.0s' {1..16})
generate='{"text":"a","model_id":2,"max_length":5}'

tollgate key add --customer 1 --name idle >"$dir/idle"
idle=$(jq -r .key "$dir/idle")
tollgate key add --customer 1 --name turned --scopes infer >"$dir/turned"
tollgate key rotate "$(jq -r .id "$dir/turned")" --grace 3600 >"$dir/turned2"
is 'before: an external model is served' \
  "$(status "$TOLLGATE_API_KEY" POST /generate "$generate")" 200
is 'doctor: one host, no complaint' "$(finding hosts)" ok
TOLLGATE_BUILD_DIR=$build node tests/wire/secrets.mjs before >"$dir/people"
is 'before: a person has recovery codes' "$(jq '.recovery | length' "$dir/people")" 10

set_secret TOLLGATE_AUTH_PEPPER "$new_pepper"
set_secret TOLLGATE_SEAL_KEY "$new_seal"
cat >"$dir/local.conf" <<CONF
TOLLGATE_AUTH_PEPPER_ID=2
TOLLGATE_AUTH_OTHER_PEPPER=$pepper
TOLLGATE_SEAL_KEY_ID=2
TOLLGATE_SEAL_OTHER_KEY=$seal
CONF
restart
is 'rotating: an old key works, its credential opens' \
  "$(status "$TOLLGATE_API_KEY" POST /generate "$generate")" 200
is "rotating: an operator's key works" \
  "$(status "$TOLLGATE_OPERATOR_KEY" GET /customers)" 200
for text in turned turned2; do
  is "rotating: both secrets of a rotated key work ($text)" \
    "$(status "$(jq -r .key "$dir/$text")" GET /v1/key)" 200
done
is 'rotating: a link and a recovery code of before work, a code once' \
  "$(TOLLGATE_BUILD_DIR=$build node tests/wire/secrets.mjs during <"$dir/people")" '303 303 400'
is 'rotating: keys that were used are written anew' "$(sql 'SELECT
  (SELECT COUNT(*) FROM api_keys WHERE pepper_id = 2 AND api_key_id = 1) +
  (SELECT COUNT(*) FROM api_keys WHERE pepper_id = 2
    AND previous_pepper_id = 2) +
  (SELECT COUNT(*) FROM operator_keys WHERE pepper_id = 2)')" 3
is 'rotating: those that were not wait' "$(sql "SELECT pepper_id FROM
  api_keys WHERE name = 'idle'")" 1
is 'rotating: doctor counts them' "$(finding pepper)" ok
tollgate key add --customer 1 --name new >"$dir/new"
is 'rotating: a new key has the new pepper' "$(sql "SELECT pepper_id FROM
  api_keys WHERE name = 'new'")" 2
is 'reseal: all credentials' "$(tollgate provider reseal | jq .resealed)" 1
is 'reseal: under the new number' "$(sql 'SELECT DISTINCT seal_key_id FROM
  providers WHERE api_key IS NOT NULL')" 2

cat >"$dir/local.conf" <<CONF
TOLLGATE_AUTH_PEPPER_ID=2
TOLLGATE_SEAL_KEY_ID=2
CONF
restart
is 'after: a key that was used works, its credential opens' \
  "$(status "$TOLLGATE_API_KEY" POST /generate "$generate")" 200
is 'after: one that was not is unknown' "$(status "$idle" GET /v1/key)" 401
is 'after: doctor says that it waits' "$(finding pepper)" warn

# Another host, as its row would be.
host() { # PEPPER_ID
  sql "INSERT INTO hosts (host, pepper_id, pepper_check, seal_check, seen_at)
    SELECT 'elsewhere', $1, REPEAT('x', 16), seal_check, NOW(6) FROM hosts
    LIMIT 1 ON DUPLICATE KEY UPDATE pepper_id = VALUES(pepper_id)"
}
host 2
is 'doctor: a host with another pepper of that number' "$(finding hosts)" \
  'FAIL ok'
like 'doctor: is named' "$(tollgate doctor)" 'elsewhere has another'
host 1
is 'doctor: a host in the middle of a rotation' "$(finding hosts)" 'ok warn'
sql "UPDATE hosts SET seen_at = NOW(6) - INTERVAL 2 DAY WHERE host = 'elsewhere'"
is 'doctor: a host that is gone' "$(finding hosts)" ok

# Expiry is told of by the workers, once.
id=$(jq -r .id "$dir/new")
sql "UPDATE api_keys SET expires_at = NOW(6) + INTERVAL 1 DAY
  WHERE api_key_id = $id"
restart
told() {
  sql "SELECT COUNT(*) FROM notices WHERE kind = 'key.expiring'
    AND cause LIKE '$id:%'"
}
for _ in {1..100}; do
  [[ $(told) != 0 ]] && break
  sleep 0.1
done
is 'expiry: a notice, once, by however many workers' "$(told)" 1
ok 'expiry: in the log' grep -q key_expires_soon "$dir/log/worker.log"
for name in "$pepper" "$seal" "$new_pepper" "$new_seal"; do
  ok 'no secret in the log' test "$(grep -c "$name" "$dir/log/worker.log")" = 0
done
tap_done
