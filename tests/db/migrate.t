#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
server_run test_migrate test_migrate_sums
