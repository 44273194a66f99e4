#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=120
# Workers that are told to end while streams are open.
exec node "$(dirname "$0")/drain.mjs"
