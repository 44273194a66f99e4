#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=lighttpd timeout=600
# What owners do with members, projects, agents and connectors, and people with
# their own sign-ins, by keyboard alone and on 320 px.
exec node "$(dirname "$0")/tasks_people.mjs"
