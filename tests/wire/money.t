#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none
# What requests cost, against exact arithmetic that shares nothing with it.
# CHECKLIST B1, B2.
set -u
cd "$(dirname "$0")/../.." || exit 1
export TOLLGATE_BUILD_DIR=${TOLLGATE_BUILD_DIR:-$PWD/build}
exec node tests/wire/money.mjs
