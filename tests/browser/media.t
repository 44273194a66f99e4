#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=900
# Every page on paper, enlarged, on a very large screen, without motion, and
# its tables that are wider than the screen.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/browser/own_stack.sh
own_stack media
