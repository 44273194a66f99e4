#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=240
# A person at the dashboard: headless Chromium against a running stack.
exec node "$(dirname "$0")/dashboard.mjs"
