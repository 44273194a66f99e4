#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# Pages that only a form answers with: valid, accessible, and a refusal tells
# which field it is about.
exec node "$(dirname "$0")/answers.mjs"
