#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=300
# The playground: what is asked there is the key's request, once.
exec node "$(dirname "$0")/playground.mjs"
