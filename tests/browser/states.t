#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=1500
# Every page of an installation that has nothing yet, then of one that has
# something in every table, with and without the content security policy.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/browser/own_stack.sh
own_stack states
