#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=240
# The official Anthropic client against a running stack.
exec node "$(dirname "$0")/anthropic.mjs"
