#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# A hard budget and a prepaid balance under load, with memcached flushed and
# workers killed in the middle (B6, B7, B9, B14).
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
export STACK_PROCESSES=8
. tests/fault/lib.sh

fault_start TOLLGATE_FLUSH_INTERVAL_MS=50
export TOLLGATE_STACK_DIR=$FAULT_DIR TOLLGATE_BUILD_DIR=$FAULT_BUILD
node tests/fault/budget.mjs
