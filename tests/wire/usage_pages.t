#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# Lists of usage that look at more rows than a page may: they go on and give
# every row once. CHECKLIST S22.
exec node "$(dirname "$0")/usage_pages.mjs"
