#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=180
# Models and prices by pages, changes of models with If-Match, and members of
# requests that a model allows.
exec node "$(dirname "$0")/catalogue.mjs"
