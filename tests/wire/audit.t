#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=300
# The audit log says the same of a change, whether it came by route or by
# command.
exec node "$(dirname "$0")/audit.mjs"
