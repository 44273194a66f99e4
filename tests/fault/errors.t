#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=240
# Every row of src/base/errors.def: provoked through a web server, its answer
# and its log line read. What no request can cause is named with the test
# that causes it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tools/lib/stack.sh

dir=$(mktemp -d /var/tmp/tollgate-errors.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
cat >"$dir/local.conf" <<'CONF'
TOLLGATE_BODY_TOTAL_BYTES=1048576
TOLLGATE_LIMITS_ON_FAILURE=closed
TOLLGATE_SHUTDOWN_DRAIN_MS=300
CONF
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  >"$dir/quickstart.log" 2>&1 \
  || { sed 's/^/# /' "$dir/quickstart.log"; echo 'Bail out! no stack'; exit 1; }
set -a
. "$dir/env"
set +a
export TOLLGATE_STACK_DIR=$dir TOLLGATE_BUILD_DIR=$build STACK_BUILD=$build
node tests/fault/errors.mjs
