#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=120
# Every page's golden HTML is valid, and every drawing in it well-formed.
exec node "$(dirname "$0")/html.mjs"
