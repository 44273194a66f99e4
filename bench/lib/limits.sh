# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What limits cost on entry.  Sourced by bench/run with bench/lib/targets.sh,
# which set top, dir, build, sim, load, rounds, seconds, quick, output.

limit_counts=(0 1 2 4 8)
# In the order in which they are added; large enough never to refuse.
limit_names=(key_model.requests.day key.requests.hour customer.requests.day
  key.tokens.minute address.requests.minute model.requests.minute
  customer.tokens.day key_model.tokens.hour)
declare -A limit_key=()

# A key with so many limits, and none by default; or with the dearest alone, of
# requests at a time, whose place is given back.
limits_key_add() {
  local n=$1 i list=''
  [[ $n != concurrent ]] || n=0 list=key.concurrent=1000000
  for ((i = 0; i < n; i++)); do
    list+=${list:+,}${limit_names[i]}=100000000000
  done
  in_stack lighttpd command_json key add --customer 1 --name "limits-$1" \
    --per-minute 0 --per-hour 0 ${list:+--limit "$list"} | jq -er .key
}

# The call itself, in one process and on the stack's memcached.
limits_in_process() {
  local socket
  socket=$(in_stack lighttpd eval 'printf "%s" "$STACK_MEMCACHED_SOCKET"')
  mkdir -p "$dir/map"
  "$build/tests/support/limit_speed" "$socket" "$dir/map" $((seconds * rounds))
}

limits_measure() {
  local n=$1
  api_key[lighttpd]=${limit_key[$n]}
  target_load lighttpd --clients 1 --duration "$seconds" --warmup 0.5 \
    --data "$(target_body lighttpd ',"max_tokens":16')" \
    | jq -c --arg n "$n" '. + {limits: $n}' >>"$dir/raw.jsonl"
}

# limits_row N CALL_P50_NS CALL_P99_NS; "-": not measured
limits_row() {
  jq -rs --arg n "$1" --arg p50 "$2" --arg p99 "$3" '
    def p50($n): [.[] | select(.limits == $n) | .latency_us.p50] | sort
      | .[length / 2 | floor];
    def us($digit): if . == "-" then . else
      "\(tonumber * $digit / 1000 | round / $digit) us" end;
    "| \($n) | \($p50 | us(10)) | \($p99 | us(1)) | \(p50($n)) us | \(p50($n) - p50("0")) us |"
    ' "$dir/raw.jsonl"
}

limits_table() {
  local n calls median most
  printf '| limits | limit_take(): p50 | p99 | request: p50 | added |\n'
  printf '| --- | --- | --- | --- | --- |\n'
  while read -r n calls median most; do
    limits_row "$n" "$median" "$most"
  done <"$dir/in_process"
  limits_row concurrent - -
}

bench_limits() {
  local n round paced_model
  [[ -x $build/tests/support/limit_speed ]] || die 'not built: limit_speed'
  paced_model=sim-fixed # no streams here
  folder_make
  trap targets_stop EXIT
  targets_start lighttpd
  ((${#targets_up[@]})) || die 'Tollgate does not run'
  for n in "${limit_counts[@]}" concurrent; do
    limit_key[$n]=$(limits_key_add "$n") || die 'no key'
  done
  for ((round = 1; round <= rounds; round++)); do
    for n in "${limit_counts[@]}" concurrent; do
      say "round $round of $rounds: $n limits"
      limits_measure "$n"
    done
  done
  say 'limit_take() alone'
  limits_in_process >"$dir/in_process" || die 'limit_speed failed'
  {
    provenance
    cat <<MD
- one client, not streamed, through lighttpd, two workers and memcached on a unix socket; median of $rounds interleaved rounds of $seconds s. Three of the eight limits are of tokens, so from 4 on the prompt is counted, too. \`limit_take()\` is the call in a process of its own on the same memcached. \`concurrent\` is \`key.concurrent\` alone, whose place is taken before and given back behind the request

$(limits_table)
MD
  } >"$dir/section.md"
  if [[ -n $quick ]]; then
    cat "$dir/section.md"
  else
    write_section "$output" 'Limits' <"$dir/section.md" || exit 1
  fi
}
