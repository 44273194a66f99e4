#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=600
# The audit log of a customer, and of all for operators.
exec node "$(dirname "$0")/audit.mjs"
