#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# The API reference as a reader meets it, in headless Chromium.
exec node "$(dirname "$0")/docs.mjs"
