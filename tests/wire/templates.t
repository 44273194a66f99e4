#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=120
# Templates for who writes them: read anew for each page, on a stack of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1

dir=$(mktemp -d /var/tmp/tollgate-templates.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
printf 'TOLLGATE_TEMPLATES_RELOAD=on\n' >"$dir/local.conf"
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  >"$dir/quickstart.log" 2>&1 \
  || { sed 's/^/# /' "$dir/quickstart.log"; echo 'Bail out! no stack'; exit 1; }
set -a
. "$dir/env"
set +a
export TOLLGATE_STACK_DIR=$dir TOLLGATE_BUILD_DIR=$build
node tests/wire/templates.mjs
