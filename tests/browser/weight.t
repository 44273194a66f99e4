#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# What a first visit of each page transfers, with as much on it as fits.
exec node "$(dirname "$0")/weight.mjs"
