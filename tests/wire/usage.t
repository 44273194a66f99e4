#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=300
# Usage: on whom it is booked, lists, exports, sums, and what is reported from
# elsewhere. CHECKLIST B38, B39, D6, D9, S8, S14, S22.
exec node "$(dirname "$0")/usage.mjs"
