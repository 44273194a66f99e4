#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=300
# Who may manage what, and whose it is. CHECKLIST S4, S5, S7, S8, S9, S10, S31.
exec node "$(dirname "$0")/management.mjs"
