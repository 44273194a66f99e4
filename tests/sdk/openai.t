#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=240
# The official OpenAI client against a running stack.
exec node "$(dirname "$0")/openai.mjs"
