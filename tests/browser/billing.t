#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# The balance and the ledger of a customer, by months.
exec node "$(dirname "$0")/billing.mjs"
