#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=240
# Settings, invitations and second factors in headless Chromium, with and
# without JavaScript. CHECKLIST S24.
exec node "$(dirname "$0")/settings.mjs"
