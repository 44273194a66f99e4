#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=600
# Eight workers, twenty seconds for each limit (CHECKLIST S34): never more
# than the limit, and exactly it where requests are counted.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tests/support/tap.sh

program=${TOLLGATE_BUILD_DIR:-$PWD/build}/tests/unit/domain/test_limit_workers
[[ -x $program ]] || skip_all "not built: $program"
export TG_LIMIT_MS=20000 CMOCKA_MESSAGE_OUTPUT=TAP
tap_program test_limit_workers "$program"
tap_done
