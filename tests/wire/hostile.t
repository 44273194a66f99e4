#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=300
# Values that were made to break a query, in every place that takes one; keys
# are kept by nobody on the way. CHECKLIST S1, S21, S33.
exec node "$(dirname "$0")/hostile.mjs"
