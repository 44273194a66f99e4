# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Whether a million keys admit as fast as ten.  Sourced by bench/run with
# bench/lib/targets.sh, which set top, dir, build, load, rounds, seconds, quick.

keys_all=1000000

# keys_make TARGET N: N keys that its workers will know, in $dir/TARGET.keys,
# and the headers that bear them in $dir/TARGET.all.
keys_make() {
  sed -n 's/^TOLLGATE_AUTH_PEPPER=//p' "$dir/$1/etc/secrets" \
    | "$build/tests/support/keys_draw" "$2" >"$dir/$1.keys" || die 'no keys'
  awk -F '\t' '{ print "Authorization: Bearer " $1 }' "$dir/$1.keys" >"$dir/$1.all"
}

# keys_add TARGET: those, as customer 1's keys without limits.
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
    } END { print ";" }' "$dir/$1.keys"
  } | mariadb --no-defaults -u root tollgate \
    -S "$(in_stack "$1" eval 'printf "%s" "$STACK_DB_SOCKET"')"
}

# keys_measure NAME TARGET FILE: every request with the next of the file's keys.
keys_measure() {
  "$load" --headers "$3" --header 'Content-Type: application/json' \
    --clients 32 --duration "$seconds" --warmup 1 \
    --data "$(target_body "$2")" "${url[$2]}" \
    | jq -c --arg name "$1" '. + {name: $name}' >>"$dir/raw.jsonl"
}

# The median of a number of ratios lies between two of them, counted from both
# ends, 95 times of 100 (signs' distribution: n/2 -+ 0.98 sqrt(n)).
keys_table() {
  printf '| keys in the table | keys in use | requests/s | × ten alone | p50 | not 200 |\n'
  printf '| ---: | ---: | ---: | ---: | ---: | ---: |\n'
  jq -rs --arg all "$1" '
    def median: sort | .[length / 2 | floor];
    def of($n): [.[] | select(.name == $n)];
    . as $raw | of("few") as $few
    | ["few", "10", "1000", "all"][] as $n | ($raw | of($n)) as $x
    | ([range($x | length) as $i | $x[$i].rps / $few[$i].rps] | sort
        | map(. * 100 | round / 100)) as $ratios
    | ($ratios | length | . / 2 - 0.98 * sqrt | floor | if . < 0 then 0 else . end) as $out
    | "| \(if $n == "few" then 10 else $all end) | \(if $n == "few" then 10
        elif $n == "all" then $all else $n end) | \([$x[].rps] | median | round) | \(
        if $n == "few" then "" else "\($ratios | median) (\($ratios[$out]) to \($ratios[-1 - $out]))" end
      ) | \([$x[].latency_us.p50] | median) us | \(
        [$x[] | (.statuses | add) - .statuses["200"]] | add) |"' "$dir/raw.jsonl"
}

# keys_checks: what the check of a key costs that a worker remembers, in a
# process and with a cache of its own, which the stack's database fills.
keys_checks() {
  local n socket checks least median keys
  socket=$(in_stack lighttpd eval 'printf "%s" "$STACK_DB_SOCKET"')
  mkdir -p "$dir/map"
  printf '| keys in turn | CPU of a check, least | median |\n| ---: | ---: | ---: |\n'
  for n in 1 1000; do
    mapfile -t keys < <(head -n "$n" "$dir/lighttpd.keys" | cut -f 1)
    read -r checks least median < <(
      sed -n 's/^TOLLGATE_AUTH_PEPPER=//p' "$dir/lighttpd/etc/secrets" \
        | "$build/tests/support/key_speed" "$socket" "$dir/map" "${keys[@]}")
    [[ -n $median ]] || return 1
    awk -v n="$n" -v least="$least" -v median="$median" 'BEGIN {
      printf "| %d | %.2f us | %.2f us |\n", n, least / 1000, median / 1000 }'
  done
  printf '\nOf %s checks each, by the thousand, by the clock of the thread'"'"'s own CPU time.\n' \
    "$checks"
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
  local round name lists checks n=$keys_all paced_model=sim-fixed
  [[ -z $quick ]] || n=20000
  [[ -x $build/tests/support/keys_draw ]] || die 'not built: keys_draw'
  [[ -x $build/tests/support/key_speed ]] || die 'not built: key_speed'
  folder_make
  trap targets_stop EXIT
  targets_start few lighttpd
  ((${#targets_up[@]} == 2)) || die 'Tollgate does not run'
  keys_make few 10
  keys_make lighttpd "$n"
  head -n 1000 "$dir/lighttpd.all" >"$dir/1000"
  head -n 10 "$dir/lighttpd.all" >"$dir/10"
  keys_add few || die 'no keys in the table'
  say "$n keys"
  keys_add lighttpd || die 'no keys in the table'
  for ((round = 1; round <= rounds; round++)); do
    say "round $round of $rounds"
    # Which of the two comes first changes, so that neither has always what
    # the other left to be written.
    if ((round % 2)); then
      keys_measure few few "$dir/few.all"
      keys_measure 10 lighttpd "$dir/10"
    else
      keys_measure 10 lighttpd "$dir/10"
      keys_measure few few "$dir/few.all"
    fi
  done
  for ((round = 1; round <= rounds && round <= 5; round++)); do
    say "round $round: 1000 and all"
    keys_measure 1000 lighttpd "$dir/1000"
    keys_measure all lighttpd "$dir/lighttpd.all"
  done
  say 'lists'
  lists=$(keys_lists) || die 'no lists'
  say 'checks'
  checks=$(keys_checks) || die 'no checks'
  {
    provenance
    cat <<MD
- 32 clients, not streamed, through lighttpd, two workers, 20,000 keys remembered by each for 30 s; each request has the next key of those in use, so that with all of them in use every request is a look-up in the database. Ten keys are asked for on two stacks that run side by side, one with no other key in its table, in turn; then the others, on the second, in five rounds at most. Medians of $rounds rounds of $seconds s, ratios with the interval that holds their median 95 times of 100 (of fewer than six rounds: from the least to the greatest); the load average was $(cut -d' ' -f1 /proc/loadavg) at the end

$(keys_table "$n")

A key that is remembered is checked without asking anybody; 2 us of CPU are the most that it should take:

$checks

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
