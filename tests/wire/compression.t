#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=180
# What each web server compresses, and what it must not: streams, and whatever
# holds a secret beside other people's text (BREACH).
exec node "$(dirname "$0")/compression.mjs"
