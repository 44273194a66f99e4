#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=240
# What no description allows, at every operation of doc/openapi.yaml: depth,
# numbers, characters and lengths beyond all bounds.
exec node "$(dirname "$0")/openapi_limits.mjs"
