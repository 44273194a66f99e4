#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=240
# What clients get wrong, on purpose or not, through a real web server.
exec node "$(dirname "$0")/bad_input.mjs"
