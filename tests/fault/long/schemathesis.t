#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=7200 sanitize=no
# tests/sdk/schemathesis.t with many more requests, others each time.
SCHEMATHESIS_EXAMPLES=${SCHEMATHESIS_EXAMPLES:-150}
SCHEMATHESIS_SEED=${SCHEMATHESIS_SEED:-$RANDOM}
export SCHEMATHESIS_EXAMPLES SCHEMATHESIS_SEED
echo "# seed $SCHEMATHESIS_SEED"
exec "$(dirname "$0")/../../sdk/schemathesis.t"
