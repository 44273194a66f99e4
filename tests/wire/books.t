#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=200
# One run of reconcile finds a usage row that is gone, there twice or altered.
# CHECKLIST B2, B37.
exec node "$(dirname "$0")/books.mjs"
