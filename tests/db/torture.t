#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
# The program looks for the simulator below the build folder.
cd "${TOLLGATE_BUILD_DIR:-$TG_SRCDIR/build}" || exit 1
TOLLGATE_BUILD_DIR=$PWD
server_run test_torture
