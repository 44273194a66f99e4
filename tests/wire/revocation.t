#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=400
# A key that is switched off or revoked, in whichever way, is refused from that
# answer on, by every worker. CHECKLIST S5.
exec node "$(dirname "$0")/revocation.mjs"
