#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=200
# Every property of the data models that were asked for, by the API, the
# database and the commands: seed_properties.def. CHECKLIST S4.
exec node "$(dirname "$0")/seed_properties.mjs"
