#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=900
# What holds of every page and every form: its token, its tenant, its markup.
exec node "$(dirname "$0")/matrix.mjs"
