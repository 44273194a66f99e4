#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=240
# Tokens that the provider doesn't report are counted with the model's tokenizer.
exec node "$(dirname "$0")/counting.mjs"
