#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=180
# Every command of `tollgate`: its --json is one JSON document, its manual page
# and its completion know it. A command without a row here fails the test.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

command -v mariadbd >/dev/null || PATH=$PATH:/usr/sbin
command -v mariadbd >/dev/null || skip_all 'no mariadbd on this machine'
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-commands.XXXXXX")
STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
for name in $(compgen -e TOLLGATE_); do unset "$name"; done
# The stack wants a worker to stage; nothing here starts one.
STACK_WORKER=$STACK_BUILD/src/admin/tollgate
. tools/lib/stack.sh
finish() {
  stack_db_stop >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
{
  stack_init "$dir" && stack_stage && stack_config_write && stack_db_start \
    && stack_migrate && mkdir -p "$STACK_JOURNAL"
} >&2 || { echo 'Bail out! no servers'; exit 1; }
[[ $STACK_USER == root ]] || chown "$STACK_USER:" "$STACK_JOURNAL"

# --- each command, in an order in which they can follow each other -----------

cat >"$dir/prices.json" <<'JSON'
{"gpt-x": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}
JSON
printf 'aGk= 0\n' >"$dir/ranks"
for n in {0..255}; do
  printf '%b' "\\x$(printf %02x "$n")" | base64 | tr '\n' ' '
  echo "$n"
done >"$dir/ranks"
echo 'Hello' >"$dir/text"
chmod -R a+rX "$dir"/{prices.json,ranks,text}
month=$(date -u -d '-3 months' +%Y-%m)

rows="
config
operator add --name ada
operator list
operator revoke 1
tier add --name gold --per-minute 600
tier list
tier show gold
tier set gold --per-minute 1200
customer add --name Ada --email ada@example.com
customer list --state active
customer show 1
customer set 1 --per-minute 120
customer credit 1 --amount 25
customer credits 1
customer webhook-secret 1
budget set --customer 1 --amount 10
budget list
budget remove --customer 1
notice list
notice test 1
notice send
budget release 0123456789abcdef0123456789abcdef
customer suspend 1
customer resume 1
user add --customer 1 --email bob@example.com --role developer
user list --role developer
user show bob@example.com
user set bob@example.com --role viewer
user password bob@example.com
user invite bob@example.com
user reset bob@example.com
user factor-remove bob@example.com
tier assign gold --user bob@example.com
project add --customer 1 --name p
project list --customer 1
project show 1
project set 1 --name q
project archive 1
agent add --customer 1 --name p
agent list --customer 1
agent show 1
agent set 1 --name q
agent archive 1
connector add --customer 1 --name p
connector list --customer 1
connector show 1
connector set 1 --name q
connector archive 1
provider add --name sim --kind openai --base-url https://api.example.com
provider list
provider show sim
provider set sim --base-url http://127.0.0.1:9
provider reseal
model add --name gpt-x --provider sim
provider test sim --model gpt-x
model list
model show gpt-x
model set gpt-x --max-output 4096
model disable gpt-x
model enable gpt-x
price set --model gpt-x --input 1 --output 2
price import $dir/prices.json
price list --model gpt-x
key add --customer 1 --name k
key list
key show 1
key set 1 --expires 2099-01-01
key toggle 1
key rotate 1 --grace 60
key revoke 1
key revoke-all --customer 1
usage add --user ada@example.com --model gpt-x --input 1000 --output 10
usage list
usage report --by customer
usage prune --before $month
usage rerate --from $month-01 --to $month-02
audit list
tokens build --encoding mine --split gpt2 --ranks $dir/ranks
tokens count --encoding mine $dir/text
journal show
duties --once
reconcile
migrate --check
doctor
model archive gpt-x
provider archive sim
user archive bob@example.com
customer close 1
tier archive gold
"
# The first runs until it is told to end, and answers nothing; the second's
# answer is one document a line.
others='model serve
customer export'

while read -r row; do
  [[ -n $row ]] || continue
  # shellcheck disable=SC2086 # words
  stack_tollgate $row --json >"$dir/out" 2>"$dir/err" </dev/null
  code=$?
  # doctor and duties may find what this bare host lacks: a document all the same.
  [[ $row == doctor && $code == 1 ]] && code=0
  # There is no such provider to answer.
  [[ $row == 'provider test '* && $code == 1 ]] && code=0
  documents=$(jq -s length "$dir/out" 2>/dev/null || echo 'not JSON')
  is "$row --json" "$code, documents: $documents" '0, documents: 1' \
    || diag "$(cat "$dir/err" "$dir/out")"
done <<<"$rows"

names=$(grep -o '^COMMAND([^"]*"[^"]*"' src/admin/commands.def | cut -d '"' -f 2)
is 'every command has a row' "$(while read -r name; do
  grep -qE "^$name( |\$)" <<<"$rows"$'\n'"$others" || echo "$name"
done <<<"$names")" ''

# --- what is made of --help ---------------------------------------------------

pages=(tollgate.1 tollgate-gpt2.1 tollgate.conf.5 tollgate.fcgi.8)
for page in "${pages[@]}"; do
  is "$page: mandoc has nothing to say" \
    "$(mandoc -Tlint -W warning "$STACK_BUILD/doc/$page" 2>&1)" ''
done
is 'tollgate(1): has every command' "$(while read -r name; do
  grep -qF -- ".Ss ${name//-/\\-}" "$STACK_BUILD/doc/tollgate.1" || echo "$name"
done <<<"$names")" ''
is 'tollgate.conf(5): has every setting' \
  "$(grep -c '^\.It Ev' "$STACK_BUILD/doc/tollgate.conf.5")" \
  "$(stack_tollgate config --json | jq length)"

# complete WORD...: what bash offers for the last of them.
complete_words() {
  bash --norc -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _tollgate; printf "%s\n" "${COMPREPLY[@]}"' - \
    "$STACK_BUILD/doc/completion/tollgate" "$@" | sort | tr '\n' ' '
}
is 'completion: groups' "$(complete_words tollgate cu)" 'customer '
is "completion: a group's commands" "$(complete_words tollgate tier a)" \
  'add archive assign '
is "completion: a command's options" "$(complete_words tollgate key rotate --g)" \
  '--grace '
is 'completion: no option where a value stands' \
  "$(complete_words tollgate key add --name --)" ' '
is 'completion: every command ends in options' "$(while read -r name; do
  # shellcheck disable=SC2086 # words
  [[ $(complete_words tollgate $name --js) == '--json ' ]] || echo "$name"
done <<<"$names")" ''
if command -v zsh >/dev/null; then
  ok 'completion: zsh reads it' zsh -n "$STACK_BUILD/doc/completion/_tollgate"
else
  skip 'completion: zsh reads it' 'no zsh on this machine'
fi
tap_done
