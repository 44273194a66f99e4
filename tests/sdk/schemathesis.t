#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=1200
# doc/openapi.yaml against a running stack, by schemathesis: requests made
# from the description, right and wrong ones, must be answered as it says.
# CHECKLIST S1, S32, S35. SCHEMATHESIS_EXAMPLES and _SEED change what is tried.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

for name in $(compgen -e TOLLGATE_); do
  [[ $name == TOLLGATE_BUILD_DIR ]] || unset "$name"
done
command -v lighttpd >/dev/null || PATH=$PATH:/usr/sbin
command -v lighttpd >/dev/null || skip_all 'no lighttpd on this machine'
STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}

# --- schemathesis: pinned, with its hashes, beside the build -----------------

venv=$STACK_BUILD/python/schemathesis
pins=tests/sdk/schemathesis.txt
if ! cmp -s "$pins" "$venv/pins"; then
  rm -rf "$venv"
  log=$(/usr/bin/python3 -m venv "$venv" \
    && "$venv/bin/pip" install --quiet --disable-pip-version-check \
      --require-hashes --only-binary :all: -r "$pins" 2>&1) \
    || { diag "$log"; skip_all 'schemathesis could not be had from PyPI'; }
  cp "$pins" "$venv/pins"
fi

# --- a stack of its own: what is tried here leaves nothing as it was ---------

dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-schema.XXXXXX")
STACK_PROCESSES=2 STACK_THREADS=16
# Nothing may be refused for being asked often: limits have tests of their own.
STACK_CONFIG='TOLLGATE_LIMITS_FAILED_KEYS_PER_MINUTE=1000000
TOLLGATE_LIMITS_REQUESTS_PER_MINUTE=1000000'
. tools/lib/stack.sh
finish() {
  stack_stop >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
{ stack_init "$dir" && stack_start; } >&2 \
  || { echo 'Bail out! no stack'; exit 1; }

t() {
  stack_tollgate "$@" --json
}

t provider add --name sim --kind openai \
  --base-url "unix:$STACK_SIM_SOCKET" >/dev/null
t provider add --name claude --kind anthropic \
  --base-url "unix:$STACK_SIM_SOCKET" >/dev/null
t model add --name sim --provider sim >/dev/null
t model add --name claude --provider claude --default-max-output 64 >/dev/null
for model in sim claude; do
  t price set --model $model --input 1 --output 2 >/dev/null
done
key=$(t operator add --name schemathesis | jq -er .key) \
  || { echo 'Bail out! no operator'; exit 1; }
# The numbers of those whose key asks are not hit by chance: one that is
# revoked sees nothing but 401, until the next is made.
for table in customers users api_keys; do
  echo "ALTER TABLE $table AUTO_INCREMENT = 700001;"
done | stack_sql "$STACK_DB_NAME"

# run ROLE CREDENTIAL: all checks and phases, the same requests each time.
run() {
  local log=$dir/$1.log status
  (
    export TOLLGATE_URL=$STACK_URL TOLLGATE_OPERATOR_KEY=$key
    export SCHEMATHESIS_ROLE=$1 SCHEMATHESIS_HOOKS=schemathesis_hooks
    export PYTHONPATH=$PWD/tests/sdk PYTHONDONTWRITEBYTECODE=1
    description=$PWD/doc/openapi.yaml
    cd "$dir" && exec "$venv/bin/schemathesis" run "$description" \
      --url "$STACK_URL" --checks all --mode all --no-color --no-shrink \
      --generation-database none --seed "${SCHEMATHESIS_SEED:-1}" \
      --max-examples "${SCHEMATHESIS_EXAMPLES:-5}"
  ) >"$log" 2>&1
  status=$?
  grep -E 'generated|Tested:' "$log" | while read -r line; do diag "$line"; done
  if ! is "schemathesis with $2: nothing found" "$status" 0; then
    sed -n '/= FAILURES =/,/= WARNINGS =/p;/= ERRORS =/,$p' "$log" \
      | cut -c 1-400 | sed 's/^/# /'
  fi
}
run owner "a customer's key"
run operator "an operator's key"

# No failure of ours was only hidden behind a clean answer (S32).
is "workers' log: no error" \
  "$(jq -c 'select(.level == "error")' "$dir/log/worker.log" | head -n 3)" ''
# All is settled when nobody asks any more.
for ((i = 0; i < 100; i++)); do
  t reconcile >"$dir/reconcile" 2>&1 && break
  sleep 0.1
done
ok 'afterwards reconcile is clean' t reconcile
tap_done
