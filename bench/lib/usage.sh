# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What looking at usage costs with ten million rows.  Sourced by bench/run with
# bench/lib/targets.sh, which set top, dir, build, rounds, quick, rows, output.

. "$top/bench/lib/usage_rows.sh"
. "$top/bench/lib/pages.sh"

usage_groups=(key user project customer model provider agent connector status
  hour day month)
usage_filters=("" customer_id=1 api_key_id=1001 user_id=2 project_id=4 agent_id=2
  connector_id=1 model_id=1 provider_id=1 request_status=timeout source=api)
declare -A usage_key=()

usage_socket() {
  in_stack lighttpd eval 'printf "%s" "$STACK_DB_SOCKET"'
}

usage_sql() {
  usage_rows_sql "$(usage_socket)" tollgate "$@"
}

usage_provision() {
  local id
  for ((id = 2; id <= usage_rows_customers; id++)); do
    printf "INSERT INTO customers (customer_id, name, email)
      VALUES (%d, 'bench %d', 'bench-%d@example.org');\n" "$id" "$id" "$id"
  done | usage_sql || return 1
  usage_sql <<SQL >/dev/null || return 1
INSERT INTO users (customer_id, name, email, role)
  SELECT customer_id, name, CONCAT('owner-', email), 'owner' FROM customers
  WHERE customer_id > 1;
INSERT INTO api_keys (api_key_id, customer_id, user_id, public_id,
    api_key_secret, pepper_id, name, scopes, all_models)
  SELECT $usage_rows_first_key + k, c,
    (SELECT MIN(user_id) FROM users u WHERE u.customer_id = x.c),
    CONCAT('p', LPAD(k, 9, '0')), UNHEX(SHA2(k, 256)), 1, CONCAT('key ', k),
    'infer', 1
  FROM (SELECT seq AS k, $(usage_rows_customer seq) AS c
    FROM seq_0_to_$((usage_rows_all_keys - 1))) x;
INSERT INTO projects (project_id, customer_id, name)
  SELECT seq, seq DIV 4, CONCAT('project ', seq)
  FROM seq_4_to_$((4 * usage_rows_customers + 3));
INSERT INTO agents (agent_id, customer_id, name)
  SELECT seq, seq DIV 2, CONCAT('agent ', seq)
  FROM seq_2_to_$((2 * usage_rows_customers + 1));
INSERT INTO connectors (customer_id, name) VALUES (1, 'bench');
ANALYZE TABLE customers, users, api_keys, projects, agents;
SQL
}

# Who asks, each time anew.
usage_readers() {
  local id name=reader-$$
  usage_key[operator]=$(in_stack lighttpd command_json operator add --name "$name" \
    | jq -er .key) || return 1
  for id in 1 8; do
    usage_key[$id]=$(in_stack lighttpd command_json key add --customer "$id" \
      --name "$name" --scopes usage:read | jq -er .key) || return 1
  done
}

# usage_ms KEY PATH [400]: milliseconds until all of it is here, the median of
# some, over one connection that is kept. A summary of more groups than there may
# be is a 400; that is said, and how long it takes.
usage_ms() {
  local key=$1 path=$2 n=$((2 * rounds + 1)) i
  local -a all=()
  for ((i = 0; i <= n; i++)); do
    all+=("${url[lighttpd]%/v1/*}$path" -o /dev/null)
  done
  curl -sS -g "${all[@]}" -H "X-API-Key: $key" -w '%{time_total} %{http_code}\n' \
    | sed 1d | sort -n | awk -v other="${3:-200}" '
      NR > 1 && $2 != code { exit 1 }
      { v[NR] = $1; code = $2 }
      END { if (code != 200 && code != other) exit 1
        printf "%s%.1f\n", code == 400 ? "(400) " : "", v[int((NR + 1) / 2)] * 1000 }'
}

usage_time() {
  date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ
}

usage_summaries() {
  local group who from month year
  month=from=$(usage_time '30 days ago') year=from=$(usage_time '12 months ago')
  printf '| group_by | a customer, 30 days | 12 months | a fifth of the keys, 30 days | 12 months | operator, 30 days | 12 months |\n'
  printf '| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n'
  for group in "${usage_groups[@]}"; do
    printf '| %s ' "$group"
    for who in 8 1 operator; do
      for from in "$month" "$year"; do
        printf '| %s ' "$(usage_ms "${usage_key[$who]}" \
          "/api/usage/summary?group_by=$group&$from" 400)" || return 1
      done
    done
    printf '|\n'
  done
}

usage_lists() {
  local filter from cursor path
  from=$(usage_time '30 days ago')
  printf '| filter | first page | next page |\n| --- | ---: | ---: |\n'
  for filter in "${usage_filters[@]}"; do
    path="/api/usage?from=$from${filter:+&$filter}"
    cursor=$(curl -fsS -g "${url[lighttpd]%/v1/*}$path" \
      -H "X-API-Key: ${usage_key[operator]}" | jq -r '.next_cursor // empty')
    printf '| %s | %s | %s |\n' "${filter:-none}" \
      "$(usage_ms "${usage_key[operator]}" "$path")" \
      "$([[ -z $cursor ]] || usage_ms "${usage_key[operator]}" "$path&cursor=$cursor")"
  done
}

# Most memory that a worker had since it was last asked, in KiB.
usage_peak() {
  local pid
  for pid in $(in_stack lighttpd stack_workers); do
    awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"
    printf 5 >"/proc/$pid/clear_refs"
  done | sort -n | tail -n 1
}

# usage_export FORMAT ROWS: rows, seconds, the largest worker.
usage_export() {
  local format=$1 n=$2 from to lines start
  local -i head=0
  [[ $format != csv ]] || head=1
  to=$(usage_time '1 day ago')
  from=$(usage_time "1 day ago $((n * 31536000 / rows)) seconds ago")
  usage_peak >/dev/null
  start=$(date +%s%N)
  lines=$(curl -fsS "${url[lighttpd]%/v1/*}/api/usage?format=$format&from=$from&to=$to" \
    -H "X-API-Key: ${usage_key[operator]}" | grep -c .)
  printf '| %s | %d | %.1f | %d |\n' "$format" \
    $((lines - head)) \
    "$(awk "BEGIN { print ($(date +%s%N) - $start) / 1e9 }")" "$(usage_peak)"
}

usage_exports() {
  local format n
  printf '| export | rows | seconds | largest worker, KiB |\n'
  printf '| --- | ---: | ---: | ---: |\n'
  for format in csv ndjson; do
    for n in $((rows / 1000)) $((rows / 10)); do
      usage_export "$format" "$n"
    done
  done
}

usage_tables() {
  printf '| table | rows | MiB |\n| --- | ---: | ---: |\n'
  usage_sql -e "SELECT CONCAT('| ', table_name, ' | ', table_rows, ' | ',
    ROUND((data_length + index_length) / 1048576), ' |')
    FROM information_schema.tables WHERE table_schema = 'tollgate'
    AND table_name IN ('usage_records', 'usage_hourly', 'usage_daily',
      'usage_monthly', 'usage_callers', 'usage_totals', 'usage_sums',
      'usage_ranks')
    ORDER BY table_rows DESC"
}

usage_make() {
  local made
  folder_make
  trap targets_stop EXIT
  targets_start lighttpd
  ((${#targets_up[@]})) || die 'Tollgate does not run'
  usage_provision || die 'no keys'
  made=$SECONDS
  # The request that asked whether all is up.
  usage_sql -e 'DELETE FROM usage_records; DELETE FROM usage_hourly'
  usage_rows "$(usage_socket)" tollgate "$rows" || die 'no rows'
  printf '%d %s %d\n' "$rows" "$usage_rows_keys" $((SECONDS - made)) >"$dir/usage.made"
}

# In the stack: what is built now, its migrations run.
usage_renew() {
  stack_web_stop
  stack_stage && stack_db_start && stack_cache_start && stack_migrate \
    && stack_web_start
}

# What a run with --keep left.
usage_again() {
  [[ -s $dir/usage.made ]] || die "$dir has no rows of a run with --keep"
  dir=$(cd "$dir" && pwd)
  read -r rows usage_rows_keys _ <"$dir/usage.made"
  stack_web[lighttpd]=lighttpd
  trap targets_stop EXIT
  in_stack lighttpd usage_renew >>"$dir/lighttpd.log" 2>&1 \
    || die "Tollgate does not run; see $dir/lighttpd.log"
  # A server that started again has what its file says.
  usage_rows_memory "$(usage_socket)" tollgate 2 || exit 1
  read -r url[lighttpd] <"$dir/lighttpd/bench.target"
  url[lighttpd]+=/v1/chat/completions
}

bench_usage() {
  # Read by targets_start.
  # shellcheck disable=SC2034
  local paced_model=sim-fixed made
  [[ -z $quick ]] || rows=100000
  if [[ -n $again ]]; then usage_again; else usage_make; fi
  usage_readers || die 'no keys'
  read -r _ _ made <"$dir/usage.made"
  say 'summaries, lists, exports'
  {
    provenance
    cat <<MD
- $rows rows of a year, $usage_rows_customers customers, $usage_rows_all_keys keys, of which $usage_rows_keys are in use, $((usage_rows_keys / 5)) of these one customer's, 3 models, made in $made s; milliseconds through lighttpd until all of the answer was there, medians of $((2 * rounds + 1)), one connection; the load average was $(cut -d' ' -f1 /proc/loadavg) before
- (400): those are more groups than there may be. The years begin in the middle of a day, of a month

$(usage_summaries)

The operator's list of the last 30 days, pages of 50:

$(usage_lists)

$(usage_exports)

$(usage_tables)
MD
  } >"$dir/section.md"
  {
    provenance
    bench_pages
  } >"$dir/pages.md"
  if [[ -n $quick ]]; then
    cat "$dir/section.md" "$dir/pages.md"
  else
    write_section "$output" "Usage${keys:+ by $keys keys}" <"$dir/section.md" || exit 1
    write_section "$output" "Pages${keys:+ with $keys keys in use}" <"$dir/pages.md" || exit 1
  fi
}
