#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=300
# Usage and Requests as a customer reads them, and their numbers everywhere.
exec node "$(dirname "$0")/usage.mjs"
