#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=1800
# A hundred workers killed at random under load.
cd "${TG_SRCDIR:-$(dirname "$0")/../../..}" || exit 1
FAULT_KILLS=100 exec bash tests/fault/workers_killed.t
