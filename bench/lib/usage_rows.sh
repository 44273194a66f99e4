# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Usage for measurements: `usage_rows SOCKET DATABASE ROWS` prints SQL's way
# into a database that has the schema and at least one customer: ROWS rows of
# customer 1 over the 30 days before now (20 keys, 3 models, 5 users, 4 agents),
# and the rollups that belong to them, made from the rows by the same rules
# that the flusher follows. For a database of its own: what usage there was
# before is not summed up again, so it must have been empty.

usage_rows() {
  local socket=$1 database=$2 rows=$3
  local edges=(0 1 2 3 5 7 10 15 22 33 47 68 100 150 220 330 470 680 1000
    1500 2200 3300 4700 6800 10000 15000 22000 33000 47000 68000 100000 150000
    220000 330000 470000 680000)
  local tokens=(token_in_count token_in_cached_context_count
    token_in_cache_write_count token_in_audio_count token_out_count
    token_out_reasoning_count token_out_audio_count token_out_image_count)
  local columns='' sums='' name i low high n

  for name in "${tokens[@]}" "${tokens[@]/#/long_context_}"; do
    columns+=", $name" sums+=", SUM($name)"
  done
  columns+=', cost_in_usd, provider_cost_in_usd, latency_ms, time_to_first_token_ms'
  sums+=', COALESCE(SUM(cost_in_usd), 0), COALESCE(SUM(provider_cost_in_usd), 0)'
  sums+=', SUM(latency_ms), COALESCE(SUM(time_to_first_token_ms), 0)'
  for name in latency:latency_ms ttft:time_to_first_token_ms; do
    for ((i = 0; i < 36; i++)); do
      low=$((i ? edges[i] : -1)) high=$((i < 35 ? edges[i + 1] : 4294967295))
      printf -v n '%s_h%02d' "${name%:*}" "$i"
      columns+=", $n"
      sums+=", COALESCE(SUM(${name#*:} > $low AND ${name#*:} <= $high), 0)"
    done
  done
  mariadb --no-defaults -u root -S "$socket" "$database" <<SQL
SET time_zone = '+00:00';
SET @first = UTC_TIMESTAMP() - INTERVAL 30 DAY;
INSERT INTO usage_records (request_timestamp, request_id, customer_id,
  api_key_id, user_id, agent_id, model_id, model_requested, token_in_count,
  token_in_cached_context_count, token_out_count, cost_in_usd,
  provider_cost_in_usd, request_status, usage_source, latency_ms,
  time_to_first_token_ms)
SELECT @first + INTERVAL FLOOR(seq * 2592000000.0 / $rows) * 1000 MICROSECOND,
  UNHEX(MD5(seq)), 1, 1 + seq % 20, 1 + seq % 5, NULLIF(seq % 4, 0),
  1 + seq % 3, 'bench', seq % 1999, seq % 97, seq % 499, seq % 9973 / 1e6,
  seq % 9973 / 1e6, IF(seq % 50 = 0, 'timeout', 'ok'), 'provider',
  seq * 7919 % 20011, seq * 104729 % 1009
FROM seq_1_to_$rows;
INSERT INTO usage_hourly (customer_id, hour, project_id, user_id, api_key_id,
  model_id, provider_id, agent_id, connector_id, request_status, requests,
  unpriced_requests, estimated_requests $columns)
SELECT customer_id, request_timestamp - INTERVAL MINUTE(request_timestamp) * 60
    + SECOND(request_timestamp) SECOND
    - INTERVAL MICROSECOND(request_timestamp) MICROSECOND AS h,
  COALESCE(project_id, 0) AS p, user_id, api_key_id, model_id,
  COALESCE(provider_id, 0) AS v, COALESCE(agent_id, 0) AS a,
  COALESCE(connector_id, 0) AS c, request_status, COUNT(*),
  SUM(cost_in_usd IS NULL), SUM(usage_source = 'estimated') $sums
FROM usage_records
GROUP BY customer_id, h, p, user_id, api_key_id, model_id, v, a, c,
  request_status;
INSERT INTO usage_daily (customer_id, day, api_key_id, model_id,
  failed_requests, requests, unpriced_requests, estimated_requests $columns)
SELECT customer_id, DATE(request_timestamp) AS d, api_key_id, model_id,
  SUM(request_status NOT IN ('ok', 'client_closed')), COUNT(*),
  SUM(cost_in_usd IS NULL), SUM(usage_source = 'estimated') $sums
FROM usage_records GROUP BY customer_id, d, api_key_id, model_id;
SQL
}
