#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=240
exec node "$(dirname "$0")/formats.mjs"
