#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: timeout=240
# Idempotency-Key on inference: one charge, the first answer again, sealed and
# forgotten after a day. CHECKLIST B5, S8, S13.
exec node "$(dirname "$0")/idempotency.mjs"
