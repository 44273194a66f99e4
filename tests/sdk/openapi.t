#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# doc/openapi.yaml against the routes of the program and a running stack.
exec node "$(dirname "$0")/openapi.mjs"
