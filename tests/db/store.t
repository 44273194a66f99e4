#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=600
# shellcheck source=/dev/null
. "${TG_SRCDIR:-$(dirname "$0")/../..}/tests/db/server.sh"
server_run test_store test_store_customer test_store_key test_store_key_change test_key_manage \
  test_store_limit test_store_usage test_usage_report test_usage_series_load test_refusal_report \
  test_store_books test_store_manage test_store_audit test_store_host test_store_idempotency test_notice test_sign_in
