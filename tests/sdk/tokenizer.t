#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# Exact tokens: the same as those of npm's gpt-tokenizer, tiktoken and kitoken.
exec node "$(dirname "$0")/tokenizer.mjs"
