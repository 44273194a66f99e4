# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Usage for measurements: `usage_rows SOCKET DATABASE ROWS` fills a database
# that has the schema: ROWS rows over the 365 days before now, and the rollups
# that belong to them, made from the rows by the same rules that the flusher and
# the migrations follow. For a database of its own: what usage there was before
# is not summed up again, so it must have been empty.
#
# Of 10,000 keys that 1,000 customers have, the first usage_rows_keys are in use;
# every fifth is customer 1's. Few keys do much: a hundredth of them a fifth of
# all, a tenth of them half. Each key uses 2 of 3 models, a third of
# the keys takes turns between 2 agents, and 2 of 100 requests time out. A key's
# user is one of two of its customer, and it has one of four projects.

usage_rows_chunk=1000000
usage_rows_customers=1000
usage_rows_keys=${keys:-80}
usage_rows_all_keys=10000
usage_rows_first_key=1001 # behind those that a stack has from its start
# Groups fit in memory, if they may have more than 16 MB of it; those that are
# sorted are merged once, if the server sorts more than 2 MB at a time.
usage_rows_groups='SET SESSION tmp_table_size = 4294967296, max_heap_table_size = 4294967296,
  sort_buffer_size = 2147483648;'

# Key K's customer, in SQL.
usage_rows_customer() {
  printf 'IF(%s %% 5 = 0, 1, 2 + %s %% %d)' "$1" "$1" $((usage_rows_customers - 1))
}

# usage_rows_sql SOCKET DATABASE [ARG...]: SQL by the client.
usage_rows_sql() {
  local socket=$1 database=$2
  shift 2
  mariadb --no-defaults -N -u root -S "$socket" "$database" \
    --init-command="SET time_zone = '+00:00'" "$@"
}

# What is added to a table with its keys is sorted once, not row by row.
usage_rows_indexes() {
  usage_rows_sql "$1" "$2" --raw -e 'SHOW CREATE TABLE usage_records' \
    | sed -n 's/,$//; s/^ *\(UNIQUE \)\{0,1\}KEY/ADD \1KEY/p'
}

usage_rows_insert() {
  local socket=$1 database=$2 rows=$3 first=$4 last=$5
  usage_rows_sql "$socket" "$database" <<SQL
INSERT INTO usage_records (request_timestamp, request_id, customer_id,
  api_key_id, user_id, project_id, agent_id, model_id, model_requested,
  provider_id, token_in_count, token_in_cached_context_count, token_out_count,
  cost_in_usd, provider_cost_in_usd, request_status, usage_source, latency_ms,
  time_to_first_token_ms)
SELECT t, UNHEX(MD5(seq)), customer, $usage_rows_first_key + k, 2 * customer + k % 2,
  4 * customer + k % 4, IF(k % 3 = 0, 2 * customer + h DIV 100 % 2, NULL),
  1 + (k + h DIV 20 % 2) % 3, 'bench', 1, h % 1999, h % 97, h % 499,
  h % 9973 / 1e6, h % 9973 / 1e6, IF(h DIV 1000 % 50 = 0, 'timeout', 'ok'),
  'provider', h % 20011, h % 1009
FROM (SELECT *, $(usage_rows_customer k) AS customer FROM (SELECT *,
    FLOOR(POW(h / 4294967296, 3) * $usage_rows_keys) AS k
  FROM (SELECT seq, CRC32(seq) AS h, UTC_TIMESTAMP() - INTERVAL 365 DAY
      + INTERVAL FLOOR(seq * 31535.0 / $rows * 1000) * 1000000 MICROSECOND AS t
    FROM seq_${first}_to_$last) a) b) c;
SQL
}

# A partition for each month, as if Tollgate had run all the year. The table
# must be empty.
usage_rows_partitions() {
  local socket=$1 database=$2 now names='' month first n
  now=$(date -u +%Y-%m-15)
  first=$(date -u -d "$now 12 months ago" +%Y-%m-01)
  for ((n = 12; n >= 0; n--)); do
    month=$(date -u -d "$now $n months ago" +%Y-%m-01)
    names+=", PARTITION p$(date -u -d "$month" +%Y%m) VALUES LESS THAN
      ('$(date -u -d "$month 1 month" +%Y-%m-01)')"
  done
  usage_rows_sql "$socket" "$database" -e "ALTER TABLE usage_records
    REORGANIZE PARTITION p_first, p$(date -u +%Y%m) INTO (
    PARTITION p_first VALUES LESS THAN ('$first')$names)"
}

# One month's rows into usage_hourly.  Floating point is exact up to 2^53, and
# SUM takes half the time with it.
usage_rows_sum_up() {
  local socket=$1 database=$2 month=$3 columns='' sums='' name i low high n
  local edges=(0 1 2 3 5 7 10 15 22 33 47 68 100 150 220 330 470 680 1000
    1500 2200 3300 4700 6800 10000 15000 22000 33000 47000 68000 100000 150000
    220000 330000 470000 680000)
  local tokens=(token_in_count token_in_cached_context_count
    token_in_cache_write_count token_in_audio_count token_out_count
    token_out_reasoning_count token_out_audio_count token_out_image_count)

  for name in "${tokens[@]}" "${tokens[@]/#/long_context_}"; do
    columns+=", $name" sums+=", SUM($name + 0e0)"
  done
  columns+=', cost_in_usd, provider_cost_in_usd, latency_ms, time_to_first_token_ms'
  sums+=', COALESCE(SUM(cost_in_usd), 0), COALESCE(SUM(provider_cost_in_usd), 0)'
  sums+=', SUM(latency_ms + 0e0), COALESCE(SUM(time_to_first_token_ms + 0e0), 0)'
  for name in latency:latency_ms ttft:time_to_first_token_ms; do
    for ((i = 0; i < 36; i++)); do
      low=$((i ? edges[i] : -1)) high=$((i < 35 ? edges[i + 1] : 4294967295))
      printf -v n '%s_h%02d' "${name%:*}" "$i"
      columns+=", $n"
      sums+=", COALESCE(SUM((${name#*:} > $low AND ${name#*:} <= $high) + 0e0), 0)"
    done
  done
  usage_rows_sql "$socket" "$database" <<SQL
$usage_rows_groups
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
WHERE request_timestamp >= '$month'
  AND request_timestamp < '$month' + INTERVAL 1 MONTH
GROUP BY customer_id, h, p, user_id, api_key_id, model_id, v, a, c,
  request_status;
SQL
}

# The migration's own way from the hours to everything else.
usage_rows_coarser() {
  {
    printf '%s\n' "$usage_rows_groups"
    printf 'DELETE FROM %s;\n' usage_daily usage_monthly usage_callers \
      usage_totals usage_sums usage_ranks
    awk '/^INSERT/ { on = 1 } on; /;$/ { on = 0 }' \
      "$top/sql/schema/0015_summaries.sql" "$top/sql/schema/0025_callers.sql" \
      "$top/sql/schema/0026_sums.sql" "$top/sql/schema/0029_pentads.sql" \
      "$top/sql/schema/0030_rank_filters.sql" | sed 's/usage_ranks_new/usage_ranks/'
  } | usage_rows_sql "$1" "$2"
}

# The server's buffer pool is to have so many GiB. Servers that change it while
# they go on say so, until it is done.
usage_rows_memory() {
  local socket=$1 database=$2 gib=$3 status i
  usage_rows_sql "$socket" "$database" \
    -e "SET GLOBAL innodb_buffer_pool_size = $gib << 30" || return 1
  for ((i = 0; i < 600; i++)); do
    status=$(usage_rows_sql "$socket" "$database" \
      -e "SHOW STATUS LIKE 'Innodb_buffer_pool_resize_status'" | cut -f 2)
    [[ -n $status && $status != *Completed* ]] || return 0
    sleep 0.1
  done
  say 'the buffer pool does not change its size'
  return 1
}

usage_rows() {
  local socket=$1 database=$2 rows=$3 first last month keys memory
  # A third of the machine's memory to make them, 2 GiB to measure.
  memory=$(awk '/^MemTotal/ { n = int($2 / 3145728); print (n > 2 ? n : 2) }' /proc/meminfo)

  usage_rows_memory "$socket" "$database" "$memory" || return 1
  keys=$(usage_rows_indexes "$socket" "$database" | paste -sd ,)
  usage_rows_sql "$socket" "$database" -e "ALTER TABLE usage_records $(
    printf '%s' "$keys" | sed 's/ADD \(UNIQUE \)\{0,1\}KEY \(`[a-z_]*`\) ([^)]*)/DROP KEY \2/g'
  )" || return 1
  usage_rows_partitions "$socket" "$database" || return 1
  for ((first = 1; first <= rows; first = last + 1)); do
    last=$((first + usage_rows_chunk - 1))
    ((last <= rows)) || last=$rows
    usage_rows_insert "$socket" "$database" "$rows" "$first" "$last" \
      || return 1
    say "$last of $rows rows"
  done
  say 'their indexes'
  usage_rows_sql "$socket" "$database" -e "ALTER TABLE usage_records $keys" \
    || return 1
  for ((first = 12; first >= 0; first--)); do
    month=$(date -u -d "$(date -u +%Y-%m-15) $first months ago" +%Y-%m-01)
    say "the sums of ${month%-01}"
    usage_rows_sum_up "$socket" "$database" "$month" || return 1
  done
  usage_rows_coarser "$socket" "$database" || return 1
  usage_rows_sql "$socket" "$database" -e "ANALYZE TABLE usage_records,
    usage_hourly, usage_daily, usage_monthly, usage_callers, usage_totals,
    usage_sums, usage_ranks" >/dev/null
  usage_rows_memory "$socket" "$database" 2
}
