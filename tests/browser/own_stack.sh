# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For suites that need an installation with nothing in it but what they make:
# own_stack NAME [BEFORE] runs NAME.mjs against a stack of its own, without a
# customer. BEFORE, a function, is called with the stack's folder in $dir before
# anything is there, and may set STACK_CONFIG.

. tests/support/tap.sh

own_stack() {
  local name=$1 before=${2:-true} variable key
  for variable in $(compgen -e TOLLGATE_); do
    [[ $variable == TOLLGATE_BUILD_DIR ]] || unset "$variable"
  done
  dir=$(mktemp -d "/var/tmp/tollgate-$name.XXXXXX") || exit 1
  # shellcheck disable=SC2034
  STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
  . tools/lib/stack.sh
  trap own_stack_finish EXIT
  { chmod a+rx "$dir" && "$before" && stack_init "$dir" && stack_start; } >&2 \
    || { echo 'Bail out! no stack'; exit 1; }
  key=$(stack_tollgate operator add --name "$name" --json | jq -er .key) \
    || { echo 'Bail out! no operator'; exit 1; }
  TOLLGATE_OPERATOR_KEY=$key TOLLGATE_URL=$STACK_URL TOLLGATE_STACK_DIR=$STACK_DIR \
    TOLLGATE_DB_SOCKET=$STACK_DB_SOCKET TOLLGATE_DB_NAME=$STACK_DB_NAME \
    TOLLGATE_BUILD_DIR=$STACK_BUILD TOLLGATE_CONFIG=$STACK_CONF \
    node "tests/browser/$name.mjs"
}

own_stack_finish() {
  stack_stop >/dev/null 2>&1
  rm -rf "$dir"
}
