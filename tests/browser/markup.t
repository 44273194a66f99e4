#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# What others wrote stays text wherever it is shown.
exec node "$(dirname "$0")/markup.mjs"
