#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# tools/quickstart as a newcomer uses it, and used wrongly.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
. tools/lib/stack.sh

build=${TOLLGATE_BUILD_DIR:-$PWD/build}
top=$(mktemp -d /var/tmp/tollgate-quick.XXXXXX)
chmod 755 "$top"
dir=$top/var
trap 'tools/quickstart stop --dir "$dir" >/dev/null 2>&1; rm -rf "$top"' EXIT

quickstart() {
  tools/quickstart --no-build --build "$build" --dir "$dir" "$@" 2>&1
}

# value NAME: from the env file that it wrote.
value() (
  . "$dir/env"
  printf '%s\n' "${!1-}"
)

# The pids of this stack, sorted.
pids() {
  local file
  for file in "$dir"/run/{mariadb,memcached,sim,models,web}.pid; do
    cat "$file" 2>/dev/null
  done | sort -n | paste -sd ' '
}

nothing_runs() {
  local pid
  for pid in /proc/[0-9]*; do
    ! { tr '\0' ' ' <"$pid/cmdline"; } 2>/dev/null | grep -qF "$dir/" \
      || return 1
  done
}

asked() {
  curl -sS -o /dev/null -w '%{http_code}' -X POST \
    "$(value TOLLGATE_URL)/generate" -H 'Content-Type: application/json' \
    -H "X-API-Key: $(value TOLLGATE_API_KEY)" \
    -d '{"text": "again", "model_id": 1, "max_length": 5}'
}

for line in '--web nginx' '--port x' '--dir' '--frobnicate' '--port 70000'; do
  # shellcheck disable=SC2086
  out=$(quickstart $line)
  is "quickstart $line is refused" $? 1
  like "quickstart $line says why" "$out" 'quickstart: '
done
out=$(tools/quickstart stop --dir "$top/none" 2>&1)
is 'there is nothing to stop in a folder that is not there' $? 1

# A port that another program has.
port=$(stack_port_free)
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr =>
  "127.0.0.1:$ARGV[0]", Listen => 1) or die; sleep 60' "$port" &
squatter=$!
stack_wait 10 'the squatter' stack_port_used "$port"
out=$(quickstart --port "$port")
is 'a port in use is refused' $? 1
like 'and named' "$out" "port $port is in use"
kill "$squatter"
wait "$squatter" 2>/dev/null

out=$(quickstart --port 0)
is 'quickstart succeeds' $? 0 || diag "$out"
like 'it prints what model 1 answered' "$out" \
  'model 1  [^[:space:]].*[1-9][0-9]* tokens, 0(\.0+)? USD'
like 'it prints what model 2 answered, and its cost' "$out" \
  'model 2  [^[:space:]].*[1-9][0-9]* tokens, 0\.[0-9]*[1-9] USD'
like 'it says that model 1 runs here' "$out" 'gpt2-mini, runs on this host'
like 'it says that a simulator answers for model 2' "$out" 'Model 2 .*simulator'
like 'it prints the dashboard' "$out" "$(value TOLLGATE_URL)/dashboard/"
like 'and the sign-in' "$out" "$(value TOLLGATE_DASHBOARD_EMAIL)"
for name in TOLLGATE_URL TOLLGATE_OPERATOR_KEY TOLLGATE_API_KEY \
  TOLLGATE_CUSTOMER_ID TOLLGATE_DASHBOARD_EMAIL TOLLGATE_DASHBOARD_PASSWORD \
  TOLLGATE_DB_SOCKET TOLLGATE_DB_NAME TOLLGATE_MEMCACHED_SOCKET \
  TOLLGATE_JOURNAL_DIR TOLLGATE_BUILD_DIR TOLLGATE_CONFIG; do
  ok "env holds $name" test -n "$(value "$name")"
done
is 'env is for its owner alone' "$(stat -c %a "$dir/env")" 600
ok 'the database is where env says' test -S "$(value TOLLGATE_DB_SOCKET)"
ok 'and memcached' test -S "$(value TOLLGATE_MEMCACHED_SOCKET)"
ok 'and the journal' test -d "$(value TOLLGATE_JOURNAL_DIR)"
like 'the page behind the address answers' "$(curl -sS -o /dev/null -w \
  '%{http_code}' "$(value TOLLGATE_URL)/dashboard/1")" '^(200|30[23])$'

before=$(pids) env_before=$(cat "$dir/env")
out=$(quickstart)
is 'a second run succeeds' $? 0 || diag "$out"
is 'and starts nothing again' "$(pids)" "$before"
is 'and makes nothing new' "$(cat "$dir/env")" "$env_before"

# As if earlier runs had been broken off: things are there that no note says
# were made, and one thing is missing.
counts() {
  mariadb --no-defaults -u root -S "$(value TOLLGATE_DB_SOCKET)" -N -B \
    "$(value TOLLGATE_DB_NAME)" -e 'SELECT
      (SELECT COUNT(*) FROM providers), (SELECT COUNT(*) FROM models),
      (SELECT COUNT(*) FROM price_versions), (SELECT COUNT(*) FROM customers)'
}
customer=$(value TOLLGATE_CUSTOMER_ID) counts_before=$(counts)
rm "$dir/etc/models"
sed -i '/^TOLLGATE_CUSTOMER_ID=/d; /^TOLLGATE_API_KEY=/d' "$dir/env"
mariadb --no-defaults -u root -S "$(value TOLLGATE_DB_SOCKET)" \
  "$(value TOLLGATE_DB_NAME)" -e 'DELETE FROM price_versions WHERE model_id = 2'
out=$(quickstart)
is 'a run that was broken off goes on' $? 0 || diag "$out"
is 'with the customer that was there' "$(value TOLLGATE_CUSTOMER_ID)" "$customer"
is 'makes what is missing and nothing twice' "$(counts)" "$counts_before"
is 'and has a key that works' "$(asked)" 200

out=$(tools/quickstart stop --dir "$dir" 2>&1)
is 'stop succeeds' $? 0 || diag "$out"
ok 'and nothing of it runs any more' nothing_runs
out=$(quickstart --web apache)
is 'it starts again from its data, behind another web server' $? 0 \
  || diag "$out"
is 'with the key that it had' "$(asked)" 200
weights=$dir/share/models/gpt2-mini/model.safetensors
weights_before=$(stat -c '%i %y' "$weights")
out=$(quickstart --web lighttpd)
is 'and changes the web server while it runs' $? 0 || diag "$out"
is 'with the key that it had' "$(asked)" 200
is 'without a touch on the weights that the model server has mapped' \
  "$(stat -c '%i %y' "$weights")" "$weights_before"
tools/quickstart stop --dir "$dir" >/dev/null 2>&1

# An ordinary user, where this account can become one.
dir=$top/user
if ((EUID == 0)) && runuser -u nobody -- test -x tools/quickstart \
  -a -x "$build/src/daemon/tollgate.fcgi"; then
  install -d -o nobody "$dir"
  out=$(runuser -u nobody -- tools/quickstart --no-build --build "$build" \
    --dir "$dir" --port 0 --web apache 2>&1)
  is 'an ordinary user can start it, Apache too' $? 0 || diag "$out"
  out=$(runuser -u nobody -- tools/quickstart stop --dir "$dir" 2>&1)
  is 'and stop it' $? 0 || diag "$out"
else
  skip 'an ordinary user can start it' 'this folder is not open to others'
fi
tap_done
