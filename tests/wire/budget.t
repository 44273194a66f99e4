#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=240
# Budgets and balances through the web server: set, shown, held, refused, told.
set -u
cd "$(dirname "$0")/../.." || exit 1
exec node tests/wire/budget.mjs
