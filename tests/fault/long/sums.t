#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=1800 sanitize=no
# A million requests' costs through journal, flusher, rollups and ledger, to
# the pico-dollar (CHECKLIST B2).
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../../..}/tests/db/server.sh"
export TG_SUM_REQUESTS=${TG_SUM_REQUESTS:-1000000}
server_run test_flush_sum
