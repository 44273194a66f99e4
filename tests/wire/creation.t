#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=300
# Every way of making a thing, by route and by command, checks the texts it is
# given by the thing's own table of members.
exec node "$(dirname "$0")/creation.mjs"
