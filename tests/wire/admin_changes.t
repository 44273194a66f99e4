#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=180
# Commands that change a row: two at once, all or nothing, what the audit log
# says of them.  CHECKLIST S31.
# shellcheck disable=SC2154 # dir, out, err, code are command.sh's
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
. tests/support/command.sh

ok 'migrate' stack_migrate
t customer add --name One --email one@example.com
t user add --customer 1 --email dev@example.com --role developer
tin 'sk-first' provider add --name up --kind openai \
  --base-url https://up.example.com --api-key -
t tier add --name gold --per-minute 600
t key add --customer 1 --name first
t operator add --name root
t model add --name small --provider up

# --- all or nothing ----------------------------------------------------------

# What every table says but the audit log, which must not be there.
everything() {
  sql "SELECT * FROM customers; SELECT * FROM users; SELECT * FROM api_keys;
    SELECT * FROM providers; SELECT * FROM rate_limit_tiers;
    SELECT * FROM rate_limits; SELECT * FROM role_tiers; SELECT * FROM sessions;
    SELECT * FROM key_generations; SELECT * FROM models;
    SELECT * FROM deployments; SELECT * FROM price_versions;
    SELECT * FROM operator_keys"
}
sql "CREATE TRIGGER full BEFORE INSERT ON audit_log FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the disk is full'"
while read -r command; do
  before=$(everything)
  # shellcheck disable=SC2086 # words
  t $command
  is "no audit log, no change: ${command%% --*}" \
    "$code $(everything | cmp - <(echo "$before") && echo same)" '1 same'
done <<'EOF'
customer add --name Two --email two@example.com --per-minute 5
customer set 1 --markup 3 --per-minute 5
customer suspend 1
user add --customer 1 --email new@example.com --role viewer
user add --customer 1 --email one@example.com --role owner
user password dev@example.com
user set dev@example.com --name Renamed
provider add --name other --kind local --base-url unix:/run/other.sock
provider set up --drain 7
provider set up --api-key sk-second
tier add --name silver --per-minute 60
tier set gold --per-minute 7
tier assign gold --user dev@example.com
tier assign gold --role viewer
key add --customer 1 --name second
key set 1 --name renamed
key toggle 1
key rotate 1
key revoke 1
operator add --name other
operator revoke 1
model add --name other --provider up
model set small --max-output 5
model disable small
model archive small
price set --model small --input 1 --output 2
EOF
sql 'DROP TRIGGER full'

# --- bounds ------------------------------------------------------------------

long=$(printf 'x%.0s' {1..300})
ips=$(printf '192.0.2.%d,' {1..64})2001:db8::/32
before=$(everything)
# refused WORDS ARG...: exit code 1, and the message has those words.
refused() {
  local words=$1
  shift
  t "$@"
  is "bounds: $1 $2: ${words%% *}" \
    "$code $([[ $err == *"$words"* && $err != *ERR_DB* ]] || echo "$err")" '1 '
}
refused 'name must be' key set 1 --name ''
refused 'name must be' key set 1 --name "$long"
refused 'name must not be blank' key set 1 --name ' '
refused 'name holds a control' key set 1 --name $'a\nb'
refused 'expires_at must be' key set 1 --expires 2020-01-01
refused 'allowed_ips holds more than 64' key set 1 --ips "$ips"
refused 'allowed_ips holds more than 64' key add --customer 1 --name x --ips "$ips"
refused 'name must be' user set dev@example.com --name ''
refused 'name must be' user add --customer 1 --email x@example.com \
  --role viewer --name "$long"
refused 'name must be' customer set 1 --name "$long"
refused 'company must be' customer set 1 --company "$long"
refused 'name must be' tier add --name "$long"
refused 'name must be' provider add --name "$long" --kind local \
  --base-url unix:/run/x.sock
for noun in project agent connector; do
  refused 'name must be' "$noun" add --customer 1 --name "$long"
done
ok 'bounds: nothing was changed' test "$(everything)" = "$before"
t key set 1 --per-minute 0 --json
is 'bounds: 0 of a limit is none' "$code $(j .rate_limit)" '0 0'
t key set 1 --per-minute none

# --- two at once -------------------------------------------------------------

# meanwhile SQL ARG...: runs the command while another transaction has done
# SQL; that one commits once the command waits for it.
meanwhile() {
  local change=$1 other in
  shift
  coproc OTHER { stack_sql tollgate --unbuffered; }
  other=$OTHER_PID in=${OTHER[1]}
  printf 'BEGIN; %s; SELECT "held";\n' "$change" >&"$in"
  read -r _ <&"${OTHER[0]}" # held
  stack_tollgate "$@" >"$dir/out" 2>"$dir/err" </dev/null &
  until [[ $(sql "SELECT COUNT(*) FROM information_schema.innodb_trx
    WHERE trx_state = 'LOCK WAIT'") == 1 ]]; do
    kill -0 $! 2>/dev/null || break
    sleep 0.15 # the table is a copy, made anew once nobody asked for 0.1 s
  done
  printf 'COMMIT;\n' >&"$in"
  exec {in}>&-
  wait $!
  code=$?
  wait "$other" 2>/dev/null
  out=$(<"$dir/out")
}
meanwhile "UPDATE customers SET name = 'Renamed', is_active = 0" \
  customer set 1 --markup 3
is 'customer set: keeps what another changed meanwhile' \
  "$(sql 'SELECT name, is_active, markup FROM customers' | tr '\t' ' ')" \
  'Renamed 0 3.000000'
meanwhile "UPDATE providers SET is_enabled = 0" provider set up --drain 7
is 'provider set: keeps what another changed meanwhile' \
  "$(sql 'SELECT is_enabled, drain_s FROM providers' | tr '\t' ' ')" '0 7'
meanwhile "UPDATE users SET name = 'Renamed' WHERE user_id = 2" \
  tier assign gold --user dev@example.com
is 'tier assign: keeps what another changed meanwhile' "$(sql 'SELECT u.name,
  t.name FROM users u JOIN rate_limit_tiers t ON t.tier_id = u.rate_limit_tier' \
  | tr '\t' ' ')" 'Renamed gold'

# --- the audit log -----------------------------------------------------------

# changes ACTION: before and after of its newest row.
changes() {
  t audit list --action "$1" --limit 1 --json
  jq -c '.[0] | "\(.object_id) \(.detail.before) \(.detail.after) " +
    "\(.detail.account != null)"' -r <<<"$out"
}
is 'audit: customer set' "$(changes customer.set)" '1 {} {} true'
t audit list --action customer.set --limit 1 --json
is 'audit: customer set, what customers may not see' \
  "$(j '.[0].detail.operator | tojson')" \
  '{"before":{"markup":1},"after":{"markup":3}}'
is 'audit: provider set' "$(changes provider.set)" \
  '1 {"drain_s":30} {"drain_s":7} true'
is 'audit: tier assign' "$(changes user.set)" \
  '2 {"rate_limit_tier":null} {"rate_limit_tier":"gold"} true'
t tier set gold --per-hour 9
like 'audit: tier set' "$(changes tier.set)" \
  '"rate_limit_per_hour":null.*"rate_limit_per_hour":9'
t key toggle 1
is 'audit: key toggle' "$(changes key.toggle)" \
  '1 {"is_active":true} {"is_active":false} true'
t key revoke 1
like 'audit: key revoke' "$(changes key.revoke)" \
  '^1 \{"revoked_at":null\} \{"revoked_at":"20[^"]*"\} true$'
like 'audit: key add' "$(changes key.add)" '^1 null \{.*"name":"first"'
like 'audit: user add' "$(changes user.add)" '^2 null \{.*"role":"developer"'
like 'audit: customer add' "$(changes customer.add)" '^1 null \{.*"name":"One"'

t operator revoke 1
like 'audit: operator add' "$(changes operator.add)" '^1 null \{.*"name":"root"'
like 'audit: operator revoke' "$(changes operator.revoke)" \
  '^1 \{"is_active":true,"revoked_at":null\} \{"is_active":false,"revoked_at":"20'

# What changes nothing leaves no line.
lines() { sql 'SELECT COUNT(*) FROM audit_log'; }
t key add --customer 1 --name idle --json
idle=$(j .id)
before=$(lines)
while read -r command; do
  # shellcheck disable=SC2086 # words
  t $command
  is "no change, no line: $command" "$code $(lines)" "0 $before"
done <<EOF
key toggle $idle --on
key set $idle --name idle
key revoke 1
operator revoke 1
customer set 1 --name Renamed
customer suspend 1
user set dev@example.com --name Renamed
provider set up --drain 7
tier set gold --per-hour 9
tier assign gold --user dev@example.com
tier assign none --role viewer
model set small --max-output none
model enable small
EOF

# --- sealing anew ------------------------------------------------------------

t provider set up --api-key sk-short
short=$(sql 'SELECT HEX(api_key) FROM providers')
t provider set up --api-key sk-a-longer-one
meanwhile "UPDATE providers SET api_key = UNHEX('$short')" provider reseal
is 'provider reseal: keeps a credential that was set meanwhile' \
  "$code $(sql "SELECT LENGTH(api_key), HEX(api_key) <> '$short' FROM providers" \
  | tr '\t' ' ')" "0 $((8 + 40)) 1"

tap_done
