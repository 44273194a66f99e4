#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Exact tokens: the same as npm's gpt-tokenizer.
exec node "$(dirname "$0")/tokenizer.mjs"
