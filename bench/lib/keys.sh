# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Whether a million keys admit as fast as ten.  Sourced by bench/run with
# bench/lib/targets.sh, which set top, dir, build, load, rounds, seconds, quick.

keys_all=1000000

# keys_add FILE: what keys_draw wrote, as customer 1's keys without limits.
keys_add() {
  {
    printf 'SET unique_checks = 0;\n'
    awk -F '\t' '{
      if (NR % 1000 == 1) printf "%sINSERT INTO api_keys (customer_id, user_id, " \
        "public_id, api_key_secret, pepper_id, name, scopes, all_models, " \
        "rate_limit_per_minute, rate_limit_per_hour) VALUES\n", (NR > 1 ? ";\n" : "")
      else printf ",\n"
      printf "(1, (SELECT MIN(user_id) FROM users WHERE customer_id = 1), " \
        "\x27%s\x27, UNHEX(\x27%s\x27), 1, \x27bench\x27, \x27infer\x27, 1, 0, 0)", $2, $3
    } END { print ";" }' "$1"
  } | mariadb --no-defaults -u root tollgate \
    -S "$(in_stack lighttpd eval 'printf "%s" "$STACK_DB_SOCKET"')"
}

# keys_measure NAME FILE: every request with the next of the file's keys.
keys_measure() {
  "$load" --headers "$2" --header 'Content-Type: application/json' \
    --clients 32 --duration "$seconds" --warmup 1 \
    --data "$(target_body lighttpd)" "${url[lighttpd]}" \
    | jq -c --arg name "$1" '. + {name: $name}' >>"$dir/raw.jsonl"
}

keys_table() {
  printf '| keys in the table | keys in use | requests/s | × the same round of ten | p50 | not 200 |\n'
  printf '| ---: | ---: | ---: | ---: | ---: | ---: |\n'
  jq -rs --arg all "$1" '
    def median: sort | .[length / 2 | floor];
    def of($n): [.[] | select(.name == $n)];
    . as $raw | of("10") as $ten
    | ["alone", "10", "1000", "all"][] as $n | ($raw | of($n)) as $x
    | "| \(if $n == "alone" then 10 else $all end) | \(if $n == "alone" then 10
        elif $n == "all" then $all else $n end) | \([$x[].rps] | median | round) | \(
        if $n == "alone" then "" else [range($x | length) as $i
          | $x[$i].rps / $ten[$i].rps]
          | median * 100 | round / 100 end) | \([$x[].latency_us.p50] | median) us | \(
        [$x[] | (.statuses | add) - .statuses["200"]] | add) |"' "$dir/raw.jsonl"
}

# keys_lists: what an operator looks for among all of them (CHECKLIST S22).
keys_lists() {
  local query operator i
  operator=$(in_stack lighttpd command_json operator add --name lists \
    | jq -er .key) || die 'no operator'
  printf '| GET /api/keys? | p50 | longest of 50 |\n| --- | ---: | ---: |\n'
  for query in name=%25%25%25%25 name=bench%25 prefix=%25%25%25%25 prefix=a \
    prefix=tg_zzzzzzz state=revoked; do
    for ((i = 0; i < 50; i++)); do
      curl -sS -o /dev/null -w '%{time_total}\n' -H "X-API-Key: $operator" \
        "${url[lighttpd]%/v1/*}/api/keys?$query"
    done | sort -n | awk -v q="$query" '{ v[NR] = $1 * 1000 } END {
      printf "| `%s` | %.1f ms | %.1f ms |\n", q, v[int((NR + 1) / 2)], v[NR] }'
  done
}

bench_keys() {
  local round name lists n=$keys_all paced_model=sim-fixed
  [[ -z $quick ]] || n=20000
  [[ -x $build/tests/support/keys_draw ]] || die 'not built: keys_draw'
  folder_make
  trap targets_stop EXIT
  targets_start lighttpd
  ((${#targets_up[@]})) || die 'Tollgate does not run'
  sed -n 's/^TOLLGATE_AUTH_PEPPER=//p' "$dir/lighttpd/etc/secrets" \
    | "$build/tests/support/keys_draw" "$n" >"$dir/keys" || die 'no keys'
  awk -F '\t' '{ print "Authorization: Bearer " $1 }' "$dir/keys" >"$dir/all"
  head -n 1000 "$dir/all" >"$dir/1000"
  head -n 10 "$dir/all" >"$dir/10"
  head -n 10 "$dir/keys" >"$dir/first"
  tail -n +11 "$dir/keys" >"$dir/others"
  keys_add "$dir/first" || die 'no keys in the table'
  for ((round = 1; round <= rounds; round++)); do
    say "round $round of $rounds: ten keys and no others"
    keys_measure alone "$dir/10"
  done
  say "$n keys"
  keys_add "$dir/others" || die 'no keys in the table'
  for ((round = 1; round <= rounds; round++)); do
    for name in 10 1000 all; do
      say "round $round of $rounds: $name"
      keys_measure "$name" "$dir/$name"
    done
  done
  say 'lists'
  lists=$(keys_lists) || die 'no lists'
  {
    provenance
    cat <<MD
- 32 clients, not streamed, through lighttpd, two workers, 20,000 keys remembered by each for 30 s; each request has the next key of those in use, so that with all of them in use every request is a look-up in the database. Medians of $rounds rounds of $seconds s, those with all keys in the table interleaved; the load average was $(cut -d' ' -f1 /proc/loadavg) at the end

$(keys_table "$n")

Lists of 100 with all keys in the table, new connections, one after the other:

$lists
MD
  } >"$dir/section.md"
  if [[ -n $quick ]]; then
    cat "$dir/section.md"
  else
    write_section "$output" 'Keys' <"$dir/section.md" || exit 1
  fi
}
