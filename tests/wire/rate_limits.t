#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=200
# Limits by API and command: all of them, of tiers, customers and keys; one
# test for each step of the order; nobody hands on more than it has.
# CHECKLIST S9, S34.
exec node "$(dirname "$0")/rate_limits.mjs"
