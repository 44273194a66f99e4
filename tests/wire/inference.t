#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all timeout=240
# Forwarding and metering against a provider that misbehaves on request.
exec node "$(dirname "$0")/inference.mjs"
