#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=600
# What operators do, by keyboard alone and on 320 px.
exec node "$(dirname "$0")/tasks_admin.mjs"
