#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=1500
# Every page of an installation that has nothing yet, then of one that has
# something in every table, with and without the content security policy.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

for name in $(compgen -e TOLLGATE_); do
  [[ $name == TOLLGATE_BUILD_DIR ]] || unset "$name"
done
dir=$(mktemp -d /var/tmp/tollgate-states.XXXXXX) || exit 1
STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
. tools/lib/stack.sh
finish() {
  stack_stop >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
{ chmod a+rx "$dir" && stack_init "$dir" && stack_start; } >&2 \
  || { echo 'Bail out! no stack'; exit 1; }
key=$(stack_tollgate operator add --name states --json | jq -er .key) \
  || { echo 'Bail out! no operator'; exit 1; }
TOLLGATE_OPERATOR_KEY=$key TOLLGATE_URL=$STACK_URL TOLLGATE_STACK_DIR=$STACK_DIR \
  TOLLGATE_DB_SOCKET=$STACK_DB_SOCKET TOLLGATE_DB_NAME=$STACK_DB_NAME \
  TOLLGATE_BUILD_DIR=$STACK_BUILD TOLLGATE_CONFIG=$STACK_CONF \
  node tests/browser/states.mjs
