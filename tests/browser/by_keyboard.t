#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# A key revoked and a member invited by keyboard alone.
exec node "$(dirname "$0")/by_keyboard.mjs"
