#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=900
# Every page on paper, enlarged, on a very large screen, without motion, and
# its tables that are wider than the screen.
exec node "$(dirname "$0")/media.mjs"
