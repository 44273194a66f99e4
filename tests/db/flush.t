#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
server_run test_flush test_flush_recovery test_flush_reject test_flush_files test_flush_sum test_budget test_budget_told test_budget_doubt
