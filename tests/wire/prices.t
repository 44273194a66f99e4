#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=240
# Prices by API, by command and from a list; whom a change reaches; usage that
# is rated anew and pruned, on a stack of its own.  CHECKLIST B17, B18.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tools/lib/stack.sh

dir=$(mktemp -d /var/tmp/tollgate-prices.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
cat >"$dir/local.conf" <<'CONF'
TOLLGATE_LIMITS_REQUESTS_PER_MINUTE=0
CONF
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  >"$dir/quickstart.log" 2>&1 \
  || { sed 's/^/# /' "$dir/quickstart.log"; echo 'Bail out! no stack'; exit 1; }
set -a
. "$dir/env"
set +a
export TOLLGATE_STACK_DIR=$dir TOLLGATE_BUILD_DIR=$build STACK_BUILD=$build
node tests/wire/prices.mjs
