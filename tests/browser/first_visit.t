#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# What somebody does who signs in for the first time, in a browser.
exec node "$(dirname "$0")/first_visit.mjs"
