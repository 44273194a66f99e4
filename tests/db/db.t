#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
server_run test_db test_db_value test_db_txn test_db_pool
