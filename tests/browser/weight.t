#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# What a first visit of each page transfers. On a stack of its own: pages list
# what all customers may use, and other suites leave models behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d /var/tmp/tollgate-weight.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
tools/quickstart --dir "$dir" --port 0 --build "$build" --no-build >"$dir/said" 2>&1 || {
  sed 's/^/# /' "$dir/said"
  echo 'Bail out! no stack'
  exit 1
}
set -a
. "$dir/env"
export TOLLGATE_STACK_DIR=$dir
set +a
node tests/browser/weight.mjs
