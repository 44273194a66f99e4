#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=180
# The tollgate command against a database and a memcached of its own; no
# worker runs.  CHECKLIST S3, S4, S13, S28, S31, R7.
# shellcheck disable=SC2016,SC2154 # jq's $ are jq's; dir is command.sh's
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
. tests/support/command.sh

# --- words -------------------------------------------------------------------

t --help
is 'help: exit code' "$code" 0
commands=$(sed -n 's/^  \([a-z]\+\( [a-z]\+\)\?\)   *[A-Z].*/\1/p' "$dir/out")
ok 'help: lists the commands' test "$(wc -l <<<"$commands")" -ge 30
bad_help=''
while read -r name; do
  # shellcheck disable=SC2086 # the name is one or two words
  t $name --help
  [[ $code == 0 && $out == *"Usage: tollgate $name"* \
    && $out == *Examples:*"tollgate $name"* ]] || bad_help+=" [$name]"
  # shellcheck disable=SC2086
  t $name --no-such-option
  [[ $code == 2 && $err == *'unknown option --no-such-option'* && -z $out ]] \
    || bad_help+=" [$name: unknown option]"
done <<<"$commands"
is 'help: every command has usage and an example, refuses unknown options' \
  "$bad_help" ''
for words in '' 'nonsense' 'key' 'key nonsense' 'key add' 'key add --name' \
  'key add --name a --name b' 'key toggle' 'key toggle 1 2' \
  'key add --customer 1 --name x --json=1' 'key add --nam x' \
  'customer list extra' 'config --set x'; do
  # shellcheck disable=SC2086
  t $words
  is "usage: '$words' is 2" "$code" 2
done
t key add --customer=1 --name=x --per-minute=-5
is 'usage: a negative number is 2' "$code" 2

# --- configuration -----------------------------------------------------------

t config
like 'config: text names a setting' "$out" '#TOLLGATE_LIMITS_REQUESTS_PER_MINUTE=60'
unlike 'config: no secret is printed' "$out" \
  "$(sed -n 's/^TOLLGATE_AUTH_PEPPER=//p' "$dir/tollgate.conf")"
t config --json
is 'config: JSON has the default and the bounds' "$(j '.[]
  | select(.name == "limits.requests_per_minute")
  | "\(.variable) \(.default) \(.min) \(.max) \(.unit)"')" \
  'TOLLGATE_LIMITS_REQUESTS_PER_MINUTE 60 0 1000000000 requests'
is 'config: JSON hides secrets' \
  "$(j '[.[] | select(.secret and .is_set) | .value] | unique[]')" '***'
is 'config: no secret has a default (S13)' \
  "$(j '[.[] | select(.secret) | .default] | unique[]')" ''
t config --new-secrets
is 'config: new secrets are 64 hex digits' \
  "$(grep -cE '^TOLLGATE_(AUTH_PEPPER|SEAL_KEY)=[0-9a-f]{64}$' "$dir/out")" 2
first=$out
t config --new-secrets
ok 'config: and others the next time' test "$out" != "$first"
t config --set limits.requests_per_minute=many
is 'config: a bad value is 1' "$code" 1
like 'config: and is named' "$err" 'limits.requests_per_minute'
t --config /nowhere config
is 'config: a named file must exist' "$code" 1

# --- tables ------------------------------------------------------------------

t customer list
is 'before migrate: commands fail' "$code" 1
t doctor
is 'before migrate: doctor fails' "$code" 1
ok 'migrate' stack_migrate
t migrate --check --json
is 'migrate: check finds nothing missing' "$code" 0
is 'a new database lets nobody in: no user, no key, no customer (S13)' \
  "$(sql 'SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM
    operator_keys) + (SELECT COUNT(*) FROM api_keys) +
    (SELECT COUNT(*) FROM customers)')" 0
t doctor --json
is 'doctor: nothing is broken' "$code" 0 || diag "$out"
is 'doctor: durability (R7)' \
  "$(j '.[] | select(.check == "database durability") | .status')" ok
is 'doctor: memcached' "$(j '.[] | select(.check == "memcached") | .status')" ok
sql 'SET GLOBAL innodb_flush_log_at_trx_commit = 2'
t doctor --json
is 'doctor: warns of a setting that loses commits (R7)' \
  "$(j '.[] | select(.check == "database durability") | .status')" warn
sql 'SET GLOBAL innodb_flush_log_at_trx_commit = 1'

# --- operators' keys ---------------------------------------------------------

t operator add --name ada --json
operator=$(j .key)
like 'operator add: the key' "$operator" \
  '^tga_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}$'
t operator add --name bob --expires 2100-01-01
like 'operator add: text says that it is shown once' "$out" 'shown this once'
t operator list --json
is 'operator list: both, without their keys (S4)' \
  "$(j '[.[].name] | join(",")')" ada,bob
unlike 'operator list: no secret' "$out" "${operator:15:20}"
t operator revoke 2 --json
is 'operator revoke' "$(j '.is_active == false')" true
t operator list --json
is 'operator list: revoked' "$(j '.[1].is_active == false')" true
t operator revoke 99
is 'operator revoke: unknown is 1' "$code" 1
t operator revoke x
is 'operator revoke: no number is 2' "$code" 2

# --- customers ---------------------------------------------------------------

t customer add --name 'Ada Ltd' --email ada@example.com --company 'Ada & Co' \
  --markup 1.25 --json
is 'customer add' "$(j '"\(.id) \(.email) \(.company) \(.markup)"')" \
  '1 ada@example.com Ada & Co 1.25'
t customer add --name Again --email ADA@example.com
is 'customer add: an e-mail is taken once' "$code" 1
like 'customer add: and says so' "$err" 'e-mail already'
t customer add --name Bad --email nonsense
ok 'customer add: a bad address is refused' test "$code" != 0
t customer add --name Bad --email b@example.com --markup 1.0000001
is 'customer add: a markup has 6 decimals' "$code" 2
t customer add --name Bad --email b@example.com --webhook-url http://192.0.2.1/
is 'customer add: where notices must not go is refused' "$code" 1
t customer add --name Bob --email bob@example.com --billing prepaid \
  --webhook-url https://hooks.example.com/tollgate
is 'customer add: text' "$code" 0
bob=$(sql "SELECT customer_id FROM customers WHERE name = 'Bob'")
t customer show "$bob" --json
is 'customer add: how it pays, and where it is told' "$(j '"\(.billing) \(.webhook_url)"')" \
  'prepaid https://hooks.example.com/tollgate'
t customer list --json
is 'customer list' "$(j '[.[].name] | join(",")')" 'Ada Ltd,Bob'
t customer show "$bob" --json
is 'customer show by id' "$(j .email)" bob@example.com
is 'customer show: as the API shows it' "$(j '"\(.state) \(.balance_usd) \(has("budget"))"')" 'active 0 true'
t customer show bob@example.com --json
is 'customer show by e-mail' "$(j .id)" "$bob"
# names WHAT LIST [OPTION...]: the names (or, of users, e-mails) that a list has.
names() {
  local what=$1 expected=$2
  shift 2
  t "$@" --json
  is "$*: $what" "$code: $(j '[.[] | .email // .name] | join(",")')" "0: $expected"
}
names 'that one' bob@example.com customer list --email bob@example.com
names 'that one' ada@example.com customer list --name 'Ada Ltd'
names 'nobody has none' '' customer list --company Nowhere
names 'all' ada@example.com,bob@example.com customer list --state active
names 'none' '' customer list --state closed
names 'all since' ada@example.com,bob@example.com customer list --created-from 2020-01-01
names 'none before' '' customer list --created-before 2020-01-01
t customer list --state gone
is 'customer list: a state that is not there is 2' "$code" 2
t customer show 77
is 'customer show: unknown is 1' "$code" 1
t customer set "$bob" --per-minute 5 --markup 2 --json
is 'customer set: limits' "$(j '"\(.rate_limit_per_minute) \(.markup)"')" '5 2'
t customer set "$bob" --per-minute none --suspend --json
is 'customer set: none and suspend' \
  "$(j '"\(.rate_limit_per_minute) \(.is_active)"')" 'null false'
t customer set "$bob" --resume --json
is 'customer set: resume' "$(j .is_active)" true

# --- users -------------------------------------------------------------------

t user add --customer 1 --email ada@example.com --role owner --json
password=$(j .password)
is 'user add: the owner that is there gets a password' \
  "$(j '"\(.id) \(.role) \(.has_password)"')" '1 owner true'
ok 'user add: a drawn password has 20 characters' test "${#password}" = 20
is 'user add: Argon2id with 64 MiB (S28)' \
  "$(sql 'SELECT password_hash FROM users WHERE user_id = 1' | cut -c 1-30)" \
  '$argon2id$v=19$m=65536,t=2,p=1'
t user add --customer 1 --email eve@example.com --role developer \
  --password 'a long enough phrase' --json
is 'user add: a new one' "$(j .role)" developer
is 'user add: a given password is not printed' "$(j 'has("password")|not')" true
tin 'another long phrase' user add --customer 1 --email joe@example.com \
  --role viewer --password -
is 'user add: a password from standard input' "$code" 0
t user add --customer 1 --email tim@example.com --role viewer --tier premium \
  --password 'yet another phrase' --json
is 'user add: with a tier' "$(j .rate_limit_tier)" premium
t user set tim@example.com --tier none
t user archive tim@example.com
t user add --customer 1 --email tom@example.com --role viewer --tier none-such \
  --password 'yet another phrase'
is 'user add: an unknown tier is 1' "$code" 1
t user add --customer 1 --email ada@example.com --role owner --tier premium
is 'user add: a tier for who is there is 1' "$code" 1
t user add --customer 1 --email short@example.com --role developer --password abc
ok 'user add: a short password is refused' test "$code" != 0
t user add --customer "$bob" --email eve@example.com --role developer
is 'user add: an e-mail of another customer is refused' "$code" 1
t user add --email ops@example.com --role operator --json
is 'user add: an operator has no customer' "$(j '.customer_id == null')" true
t user add --customer 1 --email ops2@example.com --role operator
is 'user add: an operator with a customer is 2' "$code" 2
t user add --email x@example.com --role developer
is 'user add: a developer without a customer is 2' "$code" 2
t user add --customer 1 --email x@example.com --role king
is 'user add: an unknown role is 2' "$code" 2
t user list --customer ada@example.com --json
is 'user list' "$(j '[.[].email] | join(",")')" \
  'ada@example.com,eve@example.com,joe@example.com'
names 'everybody' ada@example.com,bob@example.com,eve@example.com,joe@example.com,ops@example.com \
  user list
names 'operators' ops@example.com user list --role operator
names 'of a customer' eve@example.com user list --customer 1 --role developer
names 'that one' joe@example.com user list --email joe@example.com
t user list --role king
is 'user list: an unknown role is 2' "$code" 2
t user show eve@example.com --json
is 'user show: as the API shows it' "$(j '"\(.role) \(.customer_id) \(has("password"))"')" \
  'developer 1 false'
t user show nobody@example.com
is 'user show: unknown is 1' "$code" 1
before=$(sql "SELECT password_hash FROM users WHERE email = 'eve@example.com'")
t user password eve@example.com
like 'user password: drawn and printed' "$out" 'password'
ok 'user password: changed' test "$before" != \
  "$(sql "SELECT password_hash FROM users WHERE email = 'eve@example.com'")"

# --- providers, models, prices -----------------------------------------------

tin 'sk-upstream-secret' provider add --name openai --kind openai \
  --base-url https://api.example.com --api-key - --json
is 'provider add' "$(j '"\(.id) \(.kind) \(.has_api_key)"')" '1 openai true'
t provider add --name gpt2 --kind local --base-url unix:/run/gpt2.sock
is 'provider add: local' "$code" 0
t provider add --name gpt2 --kind local --base-url unix:/run/gpt2.sock
is 'provider add: a name is taken once' "$code" 1
t provider add --name bad --kind openai --base-url ftp://x
ok 'provider add: a bad address is refused' test "$code" != 0
t provider add --name bad --kind teapot --base-url https://x.example
is 'provider add: an unknown kind is 2' "$code" 2
is 'provider: the credential is sealed (S3)' "$(sql "SELECT COUNT(*) FROM
  providers WHERE LENGTH(api_key) = 18 + 40 AND api_key NOT LIKE '%upstream%'")" 1
t provider set openai --on-client-close drain --drain 5 --json
is 'provider set keeps the credential' \
  "$(j '"\(.on_client_close) \(.drain_s) \(.has_api_key)"')" 'drain 5 true'
t provider set openai --api-key= --json
is 'provider set: an empty credential removes it' "$(j '.has_api_key|not')" true
t provider set gpt2 --disable --json
is 'provider set: disable' "$(j '.is_enabled|not')" true
t provider set gpt2 --enable
t provider list --json
is 'provider list' "$(j '[.[].name] | join(",")')" openai,gpt2
names 'that one' gpt2 provider list --name gpt2
names 'of that kind' openai provider list --kind openai
t provider list --kind teapot
is 'provider list: an unknown kind is 2' "$code" 2
t provider show openai --json
is 'provider show: as the API shows it' "$(j '"\(.id) \(.kind) \(.has_api_key) \(has("api_key"))"')" \
  '1 openai false false'
t provider show nobody
is 'provider show: unknown is 1' "$code" 1
t model add --name small --provider openai --upstream-name gpt-4o-mini \
  --context-length 128000 --description 'Small & quick' --json
is 'model add' "$(j '"\(.id) \(.provider) \(.upstream_name) \(.is_enabled)"')" \
  '1 openai gpt-4o-mini true'
t model add --name gpt2 --provider gpt2 --disabled --json
is 'model add: disabled; its name is also the upstream one' \
  "$(j '"\(.upstream_name) \(.is_enabled)"')" 'gpt2 false'
t model add --name other --provider nobody
is 'model add: an unknown provider is 1' "$code" 1
t model add --name small --provider openai
is 'model add: a name is taken once' "$code" 1
is 'model add: and nothing is left behind' \
  "$(sql 'SELECT COUNT(*) FROM deployments')" 2
t model enable 2 --json
is 'model enable by number' "$(j .is_enabled)" true
t model disable gpt2 --json
is 'model disable by name' "$(j '.is_enabled|not')" true
t model set small --max-output 4096 --context-length none --json
is 'model set' "$(j '"\(.max_output) \(.context_length)"')" '4096 null'
t model set small --provider gpt2 --upstream-name elsewhere --json
is 'model set: served elsewhere' "$(j '"\(.provider) \(.upstream_name)"')" \
  'gpt2 elsewhere'
t model list --json
is 'model list' "$(j '[.[] | "\(.name)@\(.provider)"] | join(",")')" \
  small@gpt2,gpt2@gpt2
names 'that one' gpt2 model list --name gpt2
names 'served' small model list --enabled
names 'not served' gpt2 model list --disabled
names 'served there' small,gpt2 model list --provider gpt2
names 'served nowhere else' '' model list --provider openai
t model show small --json
is 'model show' "$(j '"\(.provider) \(.max_output) \(.default_top_p)"')" \
  'gpt2 4096 null'
t model set small --default-temperature 0.7 --default-top-p 1 --json
is 'model set: sampling defaults' \
  "$(j '"\(.default_temperature) \(.default_top_p)"')" '0.7 1'
t model set small --default-temperature none --json
is 'model set: none sets back' "$(j '.default_temperature == null')" true
t model set small --max-output 10 --default-max-output 11
is 'model set: settings at odds are refused' "$code" 1
like 'model set: and named' "$err" "'default_max_output'"
t model add --name nowhere
is 'model add: without a place is 2' "$code" 2
t model add --name local --local gpt2
is 'model add: a folder that is not there is refused' "$code" 1
like 'model add: in words' "$err" "'model_path' names no folder"
tin 'sk-model-secret' model add --name legal --upstream-name legal-2 \
  --external https://api.example.com/v1/completions --api-key - --json
is 'model add: external' "$(j '"\(.provider) \(.upstream_name)"')" \
  'legal legal-2'
is 'model add: its credential is sealed' "$(sql "SELECT COUNT(*) FROM
  providers WHERE LENGTH(api_key) = 15 + 40 AND api_key NOT LIKE '%model%'")" 1
t model archive legal --json
is 'model archive' "$(j '.is_enabled|not')" true
is 'model archive: its credential is gone' "$(sql "SELECT COUNT(*) FROM
  providers WHERE api_key IS NOT NULL AND name = 'legal'")" 0
t model archive legal
is 'model archive: twice is 1' "$code" 1
t price set --model small --input 0.15 --cached-input 0.075 --output 0.60 \
  --request 0.001 --note 'list of 2026-11' --json
is 'price set: per token, exact' \
  "$(j '"\(.input|tojson) \(.note)"' | sed 's/1\.5e-07/0.00000015/')" \
  '0.00000015 list of 2026-11'
is 'price set: what is left out follows' "$(sql 'SELECT token_in_usd,
  token_in_cached_context_usd, token_out_reasoning_usd,
  long_context_token_out_usd, request_usd FROM price_versions' | tr '\t' ' ')" \
  '0.000000150000 0.000000075000 0.000000600000 0.000000600000 0.001000000000'
t price set --model gpt2 --input 0 --output 0
is 'price set: free is an explicit 0' "$code" 0
t price set --model gpt2 --input 0
is 'price set: output must be said' "$code" 2
t price set --model small --input 0.0000001 --output 1
is 'price set: below a pico-dollar is 2' "$code" 2
t price set --model small --input -1 --output 1
is 'price set: negative is 2' "$code" 2
t price set --model small --input 5e-13 --output 1 --per-token
is 'price set: half a pico-dollar is 2' "$code" 2
t price set --model small --per-token --input 0.000000000001 --output 0.5 \
  --long-input 1 --from 2100-01-01
is 'price set: per token, from a time on' "$code" 0
t price list --json
is 'price list: of all models' "$(j '[.[].model_id] | unique | length > 0')" true
t price list --model small --json
is 'price list: the newest first' "$(j '[.[].effective_from[0:4]] | .[0]')" 2100
is 'price list: long context follows its own input' \
  "$(j '.[0].long_cached_input')" 1
is 'price list: one version is in force, what is to come is not' \
  "$(j '[.[] | .is_in_force] | join(" ")')" 'false true'

# --- usage -------------------------------------------------------------------

t usage add --user ada@example.com --model small --input 1000 \
  --cached-input 200 --output 800 --reasoning 100 --json
is 'usage add: exact, at the price of its time' "$code $(j '[.prompt_tokens,
  .completion_tokens, .source, .api_key_id, .price_version_id > 0] | join(" ")')" \
  '0 1200 900 api  true'
cost=$(j .cost_in_usd) request=$(j .request_id)
t usage add --user ada@example.com --model small --input 5 --at 2001-01-01
is 'usage add: too long ago is 2' "$code" 2
t usage add --user ada@example.com --model small --input -5
is 'usage add: a negative counter is 2' "$code" 2
t usage add --user ada@example.com --model small --agent 4000000000
is 'usage add: an unknown agent is 1' "$code" 1
t usage list --from 1970-01-01 --model small --source api --json
is 'usage list: JSON, a row a line' "$(j '[.request_id, .cost_in_usd] | join(" ")')" \
  "$request $cost"
t usage list
is 'usage list: CSV: a head and a row' "$(wc -l <<<"$out") ${out%%,*}" '2 id'
t usage list --request "$request" --json
is 'usage list: of one request' "$(j .request_id)" "$request"
t usage list --status timeout --json
is 'usage list: nothing' "$code$out" 0
t usage list --request 019abc12-3456-7890-abcd-ef0123456789
is 'usage list: an unknown request is 1' "$code" 1
t usage list --request x
is 'usage list: what is no id is 2' "$code" 2
t usage list --source nowhere
is 'usage list: an unknown source is 2' "$code" 2
t usage report --by model,status --json
is 'usage report: JSON: what was added' "$(j '.[] | [.requests, .request_status,
  .token_in_cached_context_count, .cost_in_usd] | join(" ")')" "1 ok 200 $cost"
t usage report --by day --csv
like 'usage report: CSV: RFC 4180 lines' "$out" '^day,requests,refusals,.*'$'\r'
t usage report --by user --customer ada@example.com
like 'usage report: a table for people' "$out" 'user_id +requests'
t usage report --by user,user
is 'usage report: the same twice is 2' "$code" 2
t usage report --from 2026-02-01 --to 2026-01-01
is 'usage report: from behind to is 2' "$code" 2
t usage add --user ada@example.com --model small --input 7 --idempotency-key once
is 'usage add: with a key' "$code" 0
once=$out
t usage add --user ada@example.com --model small --input 7 --idempotency-key once
is 'usage add: the same key and options add nothing, which is said' "$code $out" \
  "0 $once"$'\n'"It was there already; nothing was added."
t usage add --user ada@example.com --model small --input 8 --idempotency-key once
is 'usage add: the same key with other options is 1' "$code" 1
like 'and says why' "$err" 'was used with another'
t usage add --user ada@example.com --model small --input 8 --idempotency-key 'a b'
is 'usage add: a key with a space is 2' "$code" 2
is 'usage add: one row of them all' "$(sql 'SELECT COUNT(*) FROM usage_records
  WHERE token_in_count = 7 OR token_in_count = 8')" 1
t reconcile --database-only
is 'usage: the books are right' "$code" 0

# --- tiers and keys ----------------------------------------------------------

t tier add --name gold --per-minute 600 --json
is 'tier add' "$(j '"\(.rate_limit_per_minute) \(.rate_limit_per_hour)"')" \
  '600 null'
t tier set gold --per-hour 5000 --json
is 'tier set keeps the rest' \
  "$(j '"\(.rate_limit_per_minute) \(.rate_limit_per_hour)"')" '600 5000'
t tier set gold --limit 'key.tokens.minute=90000, key.concurrent=4' --json
is 'tier set: other limits' "$(j .limits)" \
  key.tokens.minute=90000,key.concurrent=4
t tier set gold --limit key.concurrent=none --json
is 'tier set: none takes one away, the rest stays' "$(j .limits)" \
  key.tokens.minute=90000
t tier set gold --limit key.tokens.week=1
is 'tier set: a limit that is not there is 2' "$code" 2
t tier set gold --limit key_model.requests.minute=1
is 'tier set: what has an option of its own is 2' "$code" 2
like 'and says which' "$err" 'is --per-minute'
t tier list
like 'tier list: text is a table' "$out" 'name +rate_limit_per_minute'
t tier list --json
is 'tier list: free, standard and premium come with the tables' \
  "$(j '[.[].name] | join(" ")')" 'free standard premium gold'
t tier assign gold --user ada@example.com --json
is 'tier assign: a user' "$(j '"\(.tier) \(.user)"')" 'gold ada@example.com'
names 'that one' gold tier list --name gold
t tier assign gold --role developer --json
is 'tier assign: a role' "$(j '"\(.tier) \(.role)"')" 'gold developer'
is 'tier assign: both are stored' "$(sql "SELECT COUNT(*) FROM role_tiers r
  JOIN users u USING (rate_limit_tier) WHERE r.role = 'developer'
  AND u.email = 'ada@example.com'")" 1
t tier show gold --json
is 'tier show: as the API shows it' "$(j '"\(.name) \(.roles | join(","))"')" 'gold developer'
t tier show silver
is 'tier show: unknown is 1' "$code" 1
t tier assign none --role developer
t tier assign none --user ada@example.com
is 'tier assign: none takes it away' "$(sql 'SELECT COUNT(*) + (SELECT
  COUNT(*) FROM users WHERE rate_limit_tier IS NOT NULL) FROM role_tiers')" 0
t doctor --set limits.others=key.tokens.day=7,key.concurrent=3 --json
like 'doctor: which limits are in force' "$(j '.[] |
  select(.check == "limits by default") | .detail')" \
  'key.tokens.day=7,key_model.requests.minute=60,key.concurrent=3'
t doctor --set limits.others=key.tokens.week=7 --json
is 'doctor: a limit that is not there' \
  "$(j '.[] | select(.check == "limits by default") | .status')" FAIL
t tier assign gold
is 'tier assign: to nobody is 2' "$code" 2
t tier assign silver --role developer
is 'tier assign: an unknown tier is 1' "$code" 1
t customer set 1 --limit customer.requests.day=1000 --json
is 'customer set: other limits' "$(j .limits)" customer.requests.day=1000
t customer list --json
is 'customer list: other limits' "$(j '[.[].limits] | join("/")')" \
  customer.requests.day=1000/
t customer show 1 --json
is 'customer show: other limits' "$(j .limits)" customer.requests.day=1000
t key add --customer ada@example.com --name production --tier gold --json
key=$(j .key)
like 'key add: the key' "$key" '^tg_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}$'
is 'key add: the database has a digest only (S3)' "$(sql "SELECT COUNT(*) FROM
  api_keys WHERE LENGTH(api_key_secret) = 32 AND
  INSTR(api_key_secret, '${key:14:10}') = 0")" 1
t key add --customer 1 --name batch --models 'gpt2, 1' --per-minute 7 \
  --expires 2100-01-01 --scopes infer,usage:read --user eve@example.com --json
is 'key add: with everything' "$code" 0
is 'key add: its models' "$(sql 'SELECT GROUP_CONCAT(model_id ORDER BY 1)
  FROM api_key_models WHERE api_key_id = 2')" 1,2
t key add --customer 1 --name limited --limit key.requests.day=9,sliding=1
is 'key add: other limits' "$(sql 'SELECT GROUP_CONCAT(CONCAT(metric, "=",
  amount) ORDER BY 1) FROM rate_limits WHERE api_key_id = 3')" \
  key.requests.day=9,sliding=1
t key add --customer 1 --name x --models nothing
is 'key add: an unknown model is 1' "$code" 1
t key add --customer 1 --name x --scopes everything
is 'key add: a scope that is not there is 2' "$code" 2
t key add --customer 1 --name x --expires 2001-01-01
is 'key add: the past is 2' "$code" 2
t key add --customer "$bob" --name x --user eve@example.com
is "key add: another customer's user is refused" "$code" 1
t key list --customer 1 --json
is 'key list' "$(j '[.[] | "\(.name) \(.rate_limit_per_minute)"] |
  sort | join(",")')" 'batch 7,limited null,production null'
is 'key list: other limits' "$(j '[.[].limits] | sort | join("/")')" \
  //key.requests.day=9,sliding=1
unlike 'key list: no secret (S4)' "$out" "${key:14:32}"
generation() {
  sql 'SELECT COALESCE(SUM(generation), 0) FROM key_generations WHERE slot < 1024'
}
before=$(generation)
t key toggle 1 --json
is 'key toggle: off' "$(j '.is_active|not')" true
t key toggle 1 --off --json
is 'key toggle: off stays off' "$(j '.is_active|not')" true
t key toggle "${key:3:10}" --on --json
is 'key toggle: on, by public id' "$(j .is_active)" true
t key revoke 1 --json
is 'key revoke' "$(j '.is_active|not')" true
t key toggle 1
is 'key toggle: not after a revoke' "$code" 1
ok 'key changes: the generation moved (S5)' test "$(generation)" -gt "$before"
t key revoke 99
is 'key revoke: unknown is 1' "$code" 1

# --- tenancy -----------------------------------------------------------------

for noun in project agent connector; do
  t "$noun" add --customer ada@example.com --name first --json
  is "$noun add" "$(j '"\(.customer_id) \(.name) \(.archived_at)"')" '1 first null'
  t "$noun" add --customer 1 --name first
  is "$noun add: a name is taken once" "$code" 1
  t "$noun" set 1 --name second --json
  is "$noun set" "$(j .name)" second
  t "$noun" show 1 --json
  is "$noun show" "$(j '"\(.id) \(.name)"')" '1 second'
  t "$noun" show 99
  is "$noun show: unknown is 1" "$code" 1
  t "$noun" archive 1 --json
  is "$noun archive" "$(j '.archived_at != null')" true
  t "$noun" list --json
  is "$noun list: without archived ones" "$(j length)" 0
  t "$noun" list --archived --customer 1 --json
  is "$noun list: with them" "$(j '.[0].name')" second
  t "$noun" archive 99
  is "$noun archive: unknown is 1" "$code" 1
  t "$noun" set x --name y
  is "$noun set: no number is 2" "$code" 2
done
t user set eve@example.com --role billing --tier gold --json
is 'user set' "$(j '"\(.role) \(.rate_limit_tier)"')" 'billing gold'
t user set ada@example.com --role viewer
is 'user set: the only owner stays one' "$code" 1
t user set eve@example.com --role operator
is 'user set: nobody becomes an operator' "$code" 1
t user archive joe@example.com --json
is 'user archive' "$(j '.archived_at != null')" true
names 'archived ones only if asked for' '' user list --email joe@example.com
names 'archived ones' joe@example.com user list --email joe@example.com --archived
is 'user list: says which are archived' "$(j '.[0].archived_at != null')" true
t user show "$(j '.[0].id')" --json
is 'user show: by number' "$(j .email)" joe@example.com
t project add --customer 1 --name live --json
live=$(j .id)
t key add --customer 1 --name bound --project "$live" \
  --ips '192.0.2.0/24,2001:db8::/32' --scopes infer,manage --json
bound=$(j .id)
first_text=$(j .key)
t key show "$bound" --json
is 'key show' "$(j '"\(.allowed_ips | join(" ")) \(.scopes | join(" "))"')" \
  '192.0.2.0/24 2001:db8::/32 infer manage'
t key add --customer 1 --name x --ips 192.0.2.1/24
is 'key add: what is no range is refused' "$code" 1
t key add --customer 1 --name x --project 99
is 'key add: an unknown project is 1' "$code" 1
t key set "$bound" --ips none --expires 2100-01-01 --name renamed --json
is 'key set' "$(j '"\(.allowed_ips) \(.expires_at) \(.name)"')" \
  'null 2100-01-01T00:00:00Z renamed'
t key rotate "$bound" --grace 60 --json
is 'key rotate: the same key, another secret' \
  "$(j ".id == $bound and .key != \"$first_text\"")" true
is 'key rotate: both digests are there' "$(sql "SELECT previous_secret IS NOT
  NULL AND previous_secret <> api_key_secret FROM api_keys WHERE
  api_key_id = $bound")" 1
t key rotate "$bound" --json
is 'key rotate: without grace none is left' "$(sql "SELECT previous_secret IS
  NULL FROM api_keys WHERE api_key_id = $bound")" 1
t key list --project "$live" --json
is 'key list: of a project' "$(j '[.[].name] | join(",")')" renamed
t key list --state revoked --json
is 'key list: by state' "$(j '[.[].name] | join(",")')" production
t key list --customer 1 --model 2 --user eve@example.com --json
is 'key list: by model and user' "$(j '[.[].name] | join(",")')" batch
sql "UPDATE api_keys SET expires_at = NOW() + INTERVAL 3 DAY WHERE name = 'batch'"
t key list --expiring --json
is 'key list: those that expire soon' "$(j '[.[].name] | join(",")')" batch
t key revoke-all
is 'key revoke-all: of whom is 2' "$code" 2
t key revoke-all --customer 1 --keys 1
is 'key revoke-all: of whom and which is 2' "$code" 2
t key revoke-all --keys 1,x
is 'key revoke-all: no number is 2' "$code" 2
t key add --customer 1 --name one --json
one=$(j .id)
t budget set --key "$one" --amount 5 --period month --kind hard
t key show "$one" --json
is 'key show: its budget' "$(j '"\(.budget.amount_usd) \(.budget.period)"')" '5 month'
t key add --customer 1 --name two --json
two=$(j .id)
t key revoke-all --keys "$one,4000000000"
is 'key revoke-all: an unknown one is 1' "$code" 1
is 'key revoke-all: and none is revoked' "$(sql "SELECT COUNT(*) FROM api_keys WHERE
  api_key_id IN ($one, $two) AND revoked_at IS NOT NULL")" 0
t key revoke-all --keys "$one,$two" --json
is 'key revoke-all: these' "$(j .revoked)" 2
t audit list --object api_key --id "$two" --json
is 'key revoke-all: what was before and after' \
  "$(j '.[0] | "\(.action) \(.detail.before.revoked_at) \(.detail.after.revoked_at != null)"')" \
  'key.revoke null true'
t key revoke-all --project "$live" --json
is 'key revoke-all' "$(j .revoked)" 1
t key rotate "$bound"
is 'key rotate: not after a revoke' "$code" 1
t customer suspend "$bob" --json
is 'customer suspend' "$(j .state)" suspended
t customer resume "$bob" --json
is 'customer resume' "$(j .state)" active
t customer close "$bob" --json
is 'customer close' "$(j .state)" closed
t customer resume "$bob"
is 'customer close: is for good' "$code" 1
names 'closed ones' bob@example.com customer list --state closed
t customer list --json
is 'customer list: says which are closed' "$(j '[.[] | "\(.state) \(.closed_at != null)"] | join(",")')" \
  'active false,closed true'
is 'customer close: its ledger stays' "$(sql "SELECT COUNT(*) FROM
  ledger_accounts WHERE customer_id = $bob")" 3
t tier archive gold --json
is 'tier archive' "$(j '.archived_at != null')" true
names 'archived ones only if asked for' '' tier list --name gold
names 'archived ones' gold tier list --name gold --archived
is 'tier list: says which are archived' "$(j '.[0].archived_at != null')" true
t tier show "$(j '.[0].id')" --json
is 'tier show: an archived one by its number' "$(j '"\(.name) \(.archived_at != null)"')" 'gold true'
names 'archived ones only if asked for' '' model list --name legal
names 'archived ones' legal model list --name legal --archived
is 'model list: where an archived one was served' "$(j '.[0].provider')" legal
t model show legal --json
is 'model show: where an archived one was served' \
  "$(j '"\(.provider) \(.upstream_name) \(.has_api_key)"')" 'legal legal-2 false'
t notice test 1
t notice test 1
t notice list --kind notice.test --json
is 'notice list' "$(j '[.[] | "\(.kind) \(.customer_id) \(.webhook_id | startswith("ntc_"))"] | join(",")')" \
  'notice.test 1 true,notice.test 1 true'
t notice list --kind notice.test --limit 1 --json
is 'notice list: the newest so many' "$(j '"\(length) \(.[0].id)"')" "1 $(sql 'SELECT MAX(notice_id) FROM notices')"
t notice list --from 2100-01-01 --json
is 'notice list: made since' "$(j length)" 0
t notice list --kind notice.test --before 2100-01-01 --json
is 'notice list: made before' "$(j length)" 2
t key add --customer 1 --name x --tier gold
is 'tier archive: nobody gets it' "$code" 1
t provider archive gpt2
is 'provider archive: not while a model is served there' "$code" 1
t audit list --object api_key --id "$bound" --json
is 'audit list: the newest first' "$(j '[.[].action] | join(" ")')" \
  'key.revoke key.rotate key.rotate key.set key.add'
t audit list --actor command --succeeded --limit 5 --json
is 'audit list: by whom, and what succeeded' "$(j '[.[] | "\(.actor) \(.is_success)"] | unique | join(",")')" 'command true'
t audit list --actor anonymous --json
is 'audit list: nobody else did anything' "$(j length)" 0
sql "INSERT INTO audit_log (actor, action, is_success)
  SELECT 'system', 'many.rows', 1 FROM seq_1_to_10500"
t audit list --action many.rows --limit 20000 --json
is 'audit list: of many pages, each row once' "$(j '[.[].id] | unique | length')" 10500
t audit list --action many.rows --limit 1500 --json
is 'audit list: not more than asked for' "$(j length)" 1500
is 'audit list: where a command ran' "$(sql "SELECT COUNT(*) FROM audit_log WHERE
  actor = 'command' AND COALESCE(JSON_VALUE(detail, '\$.host'), '') <> '$(uname -n)'")" 0
t audit list --actor nobody
is 'audit list: an unknown actor is 2' "$code" 2
t audit list --object api_key --id "$bound" --json
is 'audit list: what was before and after, and by whom' \
  "$(j '.[3].detail | "\(.before.name) \(.after.name) \(.account != null)"')" \
  'bound renamed true'
unlike 'audit list: no secret' "$out" "${first_text:14:20}"

# --- books, audit, an outage -------------------------------------------------

t usage add --user ada@example.com --model small --input 5 --latency-ms 70 \
  --first-token-ms 30 --usage-source estimated --json
is 'usage add: how long the first token took, and where the numbers come from' \
  "$(j '"\(.latency_ms) \(.time_to_first_token_ms) \(.usage_source)"')" '70 30 estimated'
# More than are printed at once.
sql "INSERT INTO rate_limit_tiers (name) SELECT CONCAT('many', seq) FROM seq_1_to_2500"
t tier list --json
is 'tier list: of several pages is one document' \
  "$(j '[.[].name | select(startswith("many"))] | "\(length) \(.[0]) \(.[2499])"')" '2500 many1 many2500'
t tier list
is 'tier list: of several pages is one table' \
  "$(grep -c '  many' <<<"$out") $(grep -c 'rate_limit_per_minute' <<<"$out")" '2500 1'
sql "DELETE FROM rate_limit_tiers WHERE name LIKE 'many%'"
t reconcile --database-only
is 'reconcile: an empty database agrees' "$code" 0
mkdir -p "$dir/journals"
chmod 755 "$dir/journals"
t journal show --dir "$dir/journals"
ok 'journal show: an empty folder is no crash' test "$code" -lt 2
is 'audit: each change is there, with the account (S31)' "$(sql "SELECT
  COUNT(DISTINCT action) FROM audit_log WHERE actor = 'command' AND
  JSON_VALUE(detail, '\$.account') IS NOT NULL")" 34
# Public ids are at random, so "tg" and the like may stand in one.
secrets="phrase|upstream-secret|model-secret|tga?_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}"
is 'audit: how a secret would be found' "$(sql "SELECT
  '$key' REGEXP '$secrets', '$operator' REGEXP '$secrets'")" "1	1"
is 'audit: no secrets' "$(sql "SELECT COUNT(*) FROM audit_log WHERE
  detail REGEXP '$secrets'")" 0
stack_cache_stop
t doctor --json
is 'doctor: without memcached it fails' \
  "$code $(j '.[] | select(.check == "memcached") | .status')" '1 FAIL'
stack_db_stop
t customer list
is 'without a database: 1' "$code" 1
like 'without a database: says so' "$err" 'ERR_DB_DOWN'
t doctor --json
is 'doctor: without a database it fails, and goes on' \
  "$(j '[.[] | select(.status == "FAIL") | .check] | join(",")')" \
  database,memcached
tap_done
