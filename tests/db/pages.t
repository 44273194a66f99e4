#!/bin/bash
# SPDX-License-Identifier: MIT
# Pages of long lists. CHECKLIST S22.
# check: stack=none timeout=600
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
server_run test_key_page test_newest_page test_usage_page
