#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none
# Books that are corrected: rated anew, pruned, and still in agreement.
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
server_run test_rerate test_prune
