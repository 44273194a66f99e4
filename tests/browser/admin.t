#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# The operator's pages of models, prices, usage and the system in a browser.
exec node "$(dirname "$0")/admin.mjs"
