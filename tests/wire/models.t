#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Models by API and by command, and the supervisor of the local ones, on a
# stack of its own with a stand-in for the model server.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tools/lib/stack.sh

dir=$(mktemp -d /var/tmp/tollgate-models.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
export STACK_MODEL_SERVER=$PWD/tests/support/model_server
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  [[ -z ${MODELS_KEEP:-} ]] || { echo "# kept: $dir"; return; }
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
node tests/wire/models.mjs
