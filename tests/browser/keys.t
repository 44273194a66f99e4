#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# API keys, limits and budgets, and models in a browser.
exec node "$(dirname "$0")/keys.mjs"
