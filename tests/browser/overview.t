#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# The overview of a customer: its numbers, how it follows usage, first steps.
exec node "$(dirname "$0")/overview.mjs"
