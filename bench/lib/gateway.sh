# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# bench/run gateway: the measurements, and the table made of them.

all_targets=(direct mod_proxy lighttpd apache apache-fcgid)
client_counts=(1 32 256)
pace_ms=20
stall_ms=500 # an event this late is a stall: 25 events of the pace

# add_raw TARGET KIND CLIENTS < JSON: one measurement to raw.jsonl.
add_raw() {
  jq -c --arg target "$1" --arg kind "$2" --argjson clients "$3" \
    '. + {target: $target, kind: $kind, clients: $clients}' >>"$dir/raw.jsonl"
}

# rss_kib PID...: resident memory of all, and their proportional share.
rss_kib() {
  local pid
  for pid in "$@"; do
    cat "/proc/$pid/smaps_rollup" 2>/dev/null
  done | awk '/^Rss:/ { rss += $2 } /^Pss:/ { pss += $2 }
    END { printf "{\"rss_kib\":%d,\"pss_kib\":%d}\n", rss, pss }'
}

# watch_memory TARGET LOAD-PID: the largest sum seen while the load runs.
watch_memory() {
  local -a pids
  mapfile -t pids < <(target_pids "$1")
  while kill -0 "$2" 2>/dev/null; do
    rss_kib "${pids[@]}"
    sleep 0.5
  done | jq -s -c 'max_by(.rss_kib) // {rss_kib: 0, pss_kib: 0}'
}

# --- throughput --------------------------------------------------------------

measure_closed() {
  local target=$1 clients=$2 warmup=1 before after
  local -a pids
  [[ -z $quick ]] || warmup=0.5
  mapfile -t pids < <(target_processes "$target")
  before=$(cpu_ms "${pids[@]}")
  target_load "$target" --clients "$clients" --duration "$seconds" \
    --warmup "$warmup" --data "$(target_body "$target")" >"$dir/closed.json"
  after=$(cpu_ms "${pids[@]}")
  jq -c --argjson ms $((after - before)) \
    '. + {cpu_us: ($ms * 1000 / .started)}' "$dir/closed.json" \
    | add_raw "$target" closed "$clients"
}

run_closed() {
  local round clients target
  for ((round = 1; round <= rounds; round++)); do
    for clients in "${client_counts[@]}"; do
      for target in "${targets_up[@]}"; do
        say "round $round of $rounds: $clients clients, ${label[$target]}"
        measure_closed "$target" "$clients"
      done
    done
  done
  for target in "${targets_up[@]}"; do
    mapfile -t pids < <(target_pids "$target")
    rss_kib "${pids[@]}" | add_raw "$target" memory 256
  done
}

# --- streams -----------------------------------------------------------------

measure_streams() {
  local target=$1 n=$2 more=',"stream":true,"stream_options":{"include_usage":true}'
  local pid memory before after
  local -a pids
  mapfile -t pids < <(target_processes "$target")
  before=$(cpu_ms "${pids[@]}")
  target_load "$target" --mode stream --clients "$n" --ramp-ms 3000 \
    --timeout-ms 120000 --stall-ms "$stall_ms" \
    --data "$(target_body "$target" "$more")" >"$dir/stream.json" &
  pid=$!
  memory=$(watch_memory "$target" "$pid")
  wait "$pid"
  after=$(cpu_ms "${pids[@]}")
  jq -c --argjson memory "$memory" --argjson ms $((after - before)) \
    '. + $memory + {cpu_us: ($ms * 1000 / ([.events, 1] | max))}' \
    "$dir/stream.json" \
    | add_raw "$target" stream "$n"
}

# The tool and the upstream, which in the field are elsewhere, would wake for
# each of 50,000 events a second and push aside what is measured. With half of
# the streams no target fills the machine: what is waited for then is the
# target, and not a core.
run_streams() {
  local round target n
  local -a load_prefix=(chrt --batch 0)
  chrt --batch --all-tasks --pid 0 "$sim_pid"
  for ((round = 1; round <= rounds; round++)); do
    for target in "${targets_up[@]}"; do
      case $target in
      direct | mod_proxy | lighttpd) ;;
      *) continue ;; # Apache has a thread or process for each stream
      esac
      for n in $((streams / 2)) "$streams"; do
        say "round $round of $rounds: $n streams, ${label[$target]}"
        measure_streams "$target" "$n"
      done
    done
  done
}

# --- the flusher -------------------------------------------------------------

rows_sql() {
  in_stack lighttpd stack_sql tollgate -e "$1"
}

last_row() {
  rows_sql 'SELECT COALESCE(MAX(usage_id), 0) FROM usage_records'
}

# Until no row has come for a second.
wait_drained() {
  local before='' now
  now=$(last_row)
  while [[ $now != "$before" ]]; do
    sleep 1
    before=$now
    now=$(last_row)
  done
}

# The database stands still while requests go on; when both end, the journal
# is full of rows and nothing competes with the flusher for them.
measure_drain() {
  local mariadb before began ended first='' looked now result t
  wait_drained
  before=$(rows_sql 'SELECT COUNT(*) FROM usage_records')
  mariadb=$(in_stack lighttpd stack_pid mariadb) || return 1
  kill -STOP "$mariadb"
  result=$(target_load lighttpd --clients 32 --duration "$((seconds * 2))" \
    --data "$(target_body lighttpd)")
  kill -CONT "$mariadb"
  began=$(last_row)
  t=$(date +%s%3N)
  now=$began
  ended=$t
  # The flusher may be waiting before it looks for the database again.
  while (($(date +%s%3N) - ended < (first ? 3000 : 60000))); do
    looked=$(date +%s%3N)
    sleep 0.05
    local row
    row=$(last_row)
    [[ $row != "$now" ]] || continue
    [[ -n $first ]] || first=$looked
    now=$row
    ended=$(date +%s%3N)
  done
  jq -c --argjson rows "$(($(rows_sql 'SELECT COUNT(*) FROM usage_records') \
    - before))" --argjson ms "$((ended - ${first:-$t}))" \
    --argjson sampled "$((now - began))" \
    '. + {rows: $rows, drain_ms: $ms, drain_rows: $sampled}' <<<"$result" \
    | add_raw lighttpd drain 32
}

run_drain() {
  [[ " ${targets_up[*]} " == *' lighttpd '* ]] || return 0
  say 'the flusher: load with the database stopped, then its journal drained'
  measure_drain
}

# --- the tables --------------------------------------------------------------

# jq functions shared by the tables.
jq_lib='
def median: sort | if length == 0 then null
  else (.[((length - 1) / 2) | floor] + .[(length / 2) | floor]) / 2 end;
def of(t; k; c): map(select(.target == t and .kind == k and .clients == c));
def m(t; k; c; f): of(t; k; c) | map(f) | median;
# Tollgate against mod_proxy, in the same round: [ours, theirs].
def pairs(k; c; f): [of("lighttpd"; k; c), of("mod_proxy"; k; c)]
  | transpose | map(select(all(. != null)) | map(f));
def spread(f): if length > 1 then " (\(min | f) to \(max | f))" else "" end;
def n0: if . == null then "–" else (. | round | tostring) end;
def n2: if . == null then "–" else ((. * 100 | round) / 100 | tostring) end;
def row: "| " + join(" | ") + " |";
'

throughput_table() {
  jq -rs --argjson targets "$1" --argjson labels "$2" "$jq_lib"'
    . as $all
    | (["clients", ""] + $labels | row),
      (["---:", "---"] + ($labels | map("---:")) | row),
      ((1, 32, 256) as $c
      | ([$c, "requests/s"] + [$targets[] as $t | $all
          | m($t; "closed"; $c; .rps) | n0] | map(tostring) | row),
        (["", "× mod_proxy"] + [$targets[] as $t
          | ($all | m($t; "closed"; $c; .rps)) as $v
          | ($all | m("mod_proxy"; "closed"; $c; .rps)) as $p
          | if $v == null or $p == null then null else $v / $p end | n2]
          | row),
        (["", "p50 µs"] + [$targets[] as $t | $all
          | m($t; "closed"; $c; .latency_us.p50) | n0] | row),
        (["", "p99 µs"] + [$targets[] as $t | $all
          | m($t; "closed"; $c; .latency_us.p99) | n0] | row),
        (["", "CPU µs a request"] + [$targets[] as $t | $all
          | m($t; "closed"; $c; .cpu_us) | n0] | row),
        (["", "not 200"] + [$targets[] as $t | $all
          | of($t; "closed"; $c)
          | map(.failed + ([.statuses | to_entries[]
              | select(.key != "200") | .value] | add // 0))
          | add | n0] | row)),
      (["", "RSS MB after it"] + [$targets[] as $t | $all
        | m($t; "memory"; 256; .rss_kib / 1024) | n0] | row)
  ' "$dir/raw.jsonl"
}

stream_table() {
  jq -rs --argjson labels "$2" --argjson targets "$1" "$jq_lib"'
    . as $all
    | ["streams", "", "completed", "stalled", "TTFB p50 µs", "TTFB p99 µs",
       "longest gap p50 ms", "longest gap max ms", "CPU µs an event",
       "RSS MB", "PSS MB"] as $head
    | ($head | row), ($head | map("---:") | .[1] = "---" | row),
      (([$all[] | select(.kind == "stream") | .clients] | unique[]) as $c
      | range($targets | length) as $i | $targets[$i] as $t
      | select($all | of($t; "stream"; $c) | length > 0)
      | [$c, $labels[$i],
         ($all | m($t; "stream"; $c; .completed) | n0),
         ($all | of($t; "stream"; $c) | map(.stalled) | max | n0),
         ($all | m($t; "stream"; $c; .ttfb_us.p50) | n0),
         ($all | m($t; "stream"; $c; .ttfb_us.p99) | n0),
         ($all | m($t; "stream"; $c; .max_gap_us.p50 / 1000) | n0),
         ($all | of($t; "stream"; $c) | map(.max_gap_us.max / 1000) | max
           | n0),
         ($all | m($t; "stream"; $c; .cpu_us) | n0),
         ($all | m($t; "stream"; $c; .rss_kib / 1024) | n0),
         ($all | m($t; "stream"; $c; .pss_kib / 1024) | n0)] | row)
  ' "$dir/raw.jsonl"
}

# Each figure that was promised, with what was measured.
goal_table() {
  jq -rs --argjson streams "$streams" "$jq_lib"'
    def verdict(ok): if ok == null then "not measured" elif ok then "yes"
      else "**no**" end;
    . as $all
    | ($all | pairs("closed"; 32; .rps) | map(.[0] / .[1])) as $ratios
    | ($ratios | median) as $ratio
    | ($all | pairs("closed"; 1; .latency_us.p50) | map(.[0] - .[1])) as $p50s
    | ($p50s | median) as $p50
    | ($all | map(select(.kind == "stream" and .target == "lighttpd")))
      as $ts
    | ($ts | map(.rss_kib / 1024) | max) as $rss
    | ($ts | map(.stalled + .failed) | add) as $bad
    | ($all | of("lighttpd"; "drain"; 32) | first) as $drain
    | ($drain | if . and .drain_ms > 0 then .drain_rows * 1000 / .drain_ms
        else null end) as $rate
    | ($drain | if . then .rps else null end) as $admitted
    | "| figure | goal | measured | met |", "|---|---|---:|---|",
      (["requests/s at 32 clients, lighttpd, × mod_proxy", "≥ 0.6 (0.7)",
        ($ratio | n2) + ($ratios | spread(n2)),
        verdict($ratio | if . then . >= 0.6 else null end)] | row),
      (["p50 at one client, over mod_proxy, µs", "≤ 150",
        ($p50 | n0) + ($p50s | spread(n0)),
        verdict($p50 | if . then . <= 150 else null end)] | row),
      (["streams stalled or broken", "0", ($bad | n0),
        verdict($bad | if . == null then null else . == 0 end)] | row),
      (["RSS of all workers with the streams open", "≤ 150 MB",
        (if $rss then "\($rss | n0) MB" else "–" end),
        verdict($rss | if . then . <= 150 else null end)] | row),
      ($streams, ($streams / 2 | floor) | . as $n
      | ($all | pairs("stream"; $n; .ttfb_us.p50 / 1000) | map(.[0] - .[1]))
        as $ttfbs
      | ($ttfbs | median) as $ttfb
      | ["median time to first byte, over mod_proxy, \($n) streams, ms",
        "≤ 1", ($ttfb | n2) + ($ttfbs | spread(n2)),
        verdict($ttfb | if . then . <= 1 else null end)] | row),
      (["rows/s drained, × requests/s admitted in the same run", "≥ 2",
        (if $rate then "\($rate / $admitted | n2) (\($rate | n0) ÷ \($admitted
          | n0))" else "–" end),
        verdict(if $rate then $rate >= 2 * $admitted else null end)] | row),
      (if $drain then ["requests while the database stood still, and rows",
        "equal", "\($drain.started), \($drain.rows)",
        verdict($drain.rows == $drain.started)] | row else empty end)
  ' "$dir/raw.jsonl"
}

gateway_text() {
  local target targets labels
  targets=$(printf '%s\n' "${targets_up[@]}" | jq -R . | jq -sc .)
  labels=$(for target in "${targets_up[@]}"; do
    printf '%s\n' "${label[$target]}"
  done | jq -R . | jq -sc .)
  provenance
  cat <<MD
- medians of $rounds interleaved rounds of $seconds s, closed loop, kept-alive connections, one load thread (tests/support/http_load); upstream: tests/support/upstream_sim, two threads, 16 words at once
- figures against mod_proxy: the median over the rounds of the ratio, or difference, within one round; in brackets the lowest and the highest
- Tollgate: 2 processes × 512 threads (Apache mod_fcgid: processes of one thread), key checked, limits counted in memcached, journal and flusher on, a log line for each request
- CPU a request: of the web server, Tollgate, memcached and MariaDB, without the upstream and the load tool
MD
  for target in "${targets_missing[@]}"; do
    printf -- '- **%s did not run and is missing**\n' "${label[$target]}"
  done
  printf '\n'
  goal_table
  printf '\n'
  throughput_table "$targets" "$labels"
  if [[ -n $with_streams ]]; then
    printf '\n%d and %d streams at a time, an event each %d ms for %d s, begun within 3 s; a gap over %d ms is a stall. Load tool and upstream run with SCHED_BATCH here, so that they do not interrupt what is measured.\n\n' \
      "$((streams / 2))" "$streams" "$pace_ms" \
      "$((stream_events * pace_ms / 1000))" "$stall_ms"
    stream_table "$targets" "$labels"
  fi
}

# --- the soak ----------------------------------------------------------------

# One line: seconds, RSS in KiB, descriptors, threads of all workers.
sample_workers() {
  local -a pids
  local pid fds=0 threads=0
  local -a open
  mapfile -t pids < <(target_pids "$1")
  for pid in "${pids[@]}"; do
    open=("/proc/$pid/fd/"*)
    fds=$((fds + ${#open[@]}))
    threads=$((threads + $(awk '/^Threads:/ { print $2 }' \
      "/proc/$pid/status" 2>/dev/null || echo 0)))
  done
  printf '%d %d %d %d\n' "$2" \
    "$(rss_kib "${pids[@]}" | jq .rss_kib)" "$fds" "$threads"
}

run_soak() {
  local pid began=$SECONDS
  : >"$dir/soak.samples"
  target_load lighttpd --clients 32 --duration "$soak" \
    --data "$(target_body lighttpd)" >"$dir/soak.json" &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 5
    kill -0 "$pid" 2>/dev/null || break
    sample_workers lighttpd $((SECONDS - began)) >>"$dir/soak.samples"
  done
  wait "$pid"
  wait_drained
}

soak_text() {
  provenance
  printf -- '- %s s at 32 clients, Tollgate behind lighttpd, %d samples; flat: the median of the last third is at most 5 %% above that of the first (descriptors: 5 %% and 16, for kept connections come and go)\n\n' \
    "$soak" "$(wc -l <"$dir/soak.samples")"
  jq -rRs --slurpfile load "$dir/soak.json" "$jq_lib"'
    split("\n") | map(select(. != "") | split(" ") | map(tonumber))
    | (length / 3 | floor) as $k
    | . as $s
    | "| | first third | last third | ratio | flat |",
      "|---|---:|---:|---:|---|",
      ((["RSS KiB", 1], ["descriptors", 2], ["threads", 3]) as [$name, $i]
      | ($s[:$k] | map(.[$i]) | median) as $a
      | ($s[-$k:] | map(.[$i]) | median) as $b
      | [$name, ($a | n0), ($b | n0),
         (if $a and $a > 0 then $b / $a else null end | n2),
         (if $a and $b <= $a * 1.05 + (if $i == 2 then 16 else 0 end) then "yes" else "**no**" end)] | row),
      "", ($load[0] | "\(.completed) requests, \(.rps | n0)/s, p99 " +
        "\(.latency_us.p99) µs, failed \(.failed), statuses " +
        (.statuses | tojson))
  ' "$dir/soak.samples"
}

# --- the run -----------------------------------------------------------------

bench_gateway() {
  local -a wanted
  read -r -a wanted <<<"${only:-${all_targets[*]}}"
  [[ -z $soak ]] || wanted=(lighttpd)
  stream_events=500
  [[ -z $quick ]] || stream_events=250
  # Read by targets.sh.
  # shellcheck disable=SC2034
  paced_model=sim-pace:$pace_ms:$stream_events
  folder_make
  : >"$dir/raw.jsonl"
  trap targets_stop EXIT
  targets_start "${wanted[@]}"
  ((${#targets_up[@]})) || die 'nothing runs'
  if [[ -n $soak ]]; then
    ((${#targets_missing[@]} == 0)) || die 'nothing to soak'
    run_soak
    soak_text | tee "$dir/soak.md" | write_section "$output" 'Soak'
    cat "$dir/soak.md"
    return
  fi
  run_closed
  [[ -z $with_streams ]] || run_streams
  [[ -z $with_drain ]] || run_drain
  gateway_text >"$dir/gateway.md"
  cat "$dir/gateway.md"
  [[ -n $quick ]] || write_section "$output" 'Gateway' <"$dir/gateway.md"
  ((${#targets_missing[@]} == 0)) \
    || die "not measured: ${targets_missing[*]}"
}
