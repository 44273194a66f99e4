# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Whether the time of a 401 tells why, of keys and of people (CHECKLIST S2,
# S29).  Sourced by bench/run with
# bench/lib/targets.sh, which set top, dir, build, quick; keys_add() is that of
# bench/lib/keys.sh.

. "$top/bench/lib/keys.sh"

# Each wrong key counts against its address: not so as to end in 429 here.
bench_config() {
  printf '%s\n' TOLLGATE_JOURNAL_KEEP_S=30 \
    TOLLGATE_LIMITS_FAILED_KEYS_PER_MINUTE=1000000
}

# refusals_class NAME [SQL]: keys of a class; SQL makes of rows what they are.
refusals_class() {
  keys_make lighttpd "$n"
  cut -f 1 "$dir/lighttpd.keys" >"$dir/$1"
  head -n 1 "$dir/$1" >"$dir/$1.one"
  [[ -n ${2:-} ]] || return 0
  keys_add lighttpd && in_stack lighttpd stack_sql tollgate -e "UPDATE
    api_keys SET $2, name = '$1' WHERE name = 'bench' AND all_models = 1
    AND rate_limit_per_minute = 0" || die "no keys that are $1"
}

# refusals_table TITLE SUFFIX: of the files that end so.
refusals_table() {
  local name
  local -a classes=()
  say "$1"
  for name in unknown revoked expired inactive; do
    classes+=("$name=$dir/$name$2")
  done
  printf '\n%s:\n\n' "$1"
  printf '| key | median | middle half | to unknown | half to half | of the middle half |\n'
  printf '| --- | ---: | ---: | ---: | ---: | ---: |\n'
  python3 -B "$top/bench/lib/refusals.py" "$at" "$rounds" "${classes[@]}"
}

# Accounts of each class, a round one; they share somebody's password.
refusals_accounts() {
  in_stack lighttpd command_json user add --email model@example.org --customer 1 \
    --role viewer >/dev/null || die 'nobody to be like'
  in_stack lighttpd stack_sql tollgate -e "INSERT INTO users
    (customer_id, name, email, role, password_hash, is_active)
    SELECT 1, c.name, CONCAT(c.name, '-', seq, '@example.org'), 'viewer',
      IF(c.name = 'invited', NULL, u.password_hash), c.name <> 'disabled'
    FROM seq_900_to_9999, users u, (SELECT 'present' AS name
      UNION ALL SELECT 'disabled' UNION ALL SELECT 'invited') c
    WHERE u.email = 'model@example.org'" || die 'no accounts'
}

refusals_sign_ins() {
  local n=300
  [[ -z $quick ]] || n=20
  say 'signing in'
  refusals_accounts
  printf '\nSigning in, %d times for each kind of account, each time another from another address:\n\n' "$n"
  printf '| account | median | middle half | to unknown | half to half | of the middle half |\n'
  printf '| --- | ---: | ---: | ---: | ---: | ---: |\n'
  python3 -B "$top/bench/lib/sign_ins.py" "${at%/v1/key}/" "$n" unknown present disabled invited
}

bench_refusals() {
  local n=10200 rounds=10000 at table
  [[ -z $quick ]] || n=1200 rounds=1000
  [[ -x $build/tests/support/keys_draw ]] || die 'not built: keys_draw'
  local paced_model=sim-fixed
  folder_make
  trap targets_stop EXIT
  targets_start lighttpd
  ((${#targets_up[@]})) || die 'Tollgate does not run'
  refusals_class unknown
  refusals_class revoked 'revoked_at = NOW(6)'
  refusals_class expired 'expires_at = NOW(6) - INTERVAL 1 DAY'
  refusals_class inactive 'is_active = 0'
  at=${url[lighttpd]%/v1/*}/v1/key
  table=$(
    refusals_table 'Another key each time, which the database is asked for' '' \
      && refusals_table 'The same key each time, which the worker remembers' .one \
      && refusals_sign_ins
  ) || die 'no figures'
  {
    provenance
    cat <<MD
- $rounds requests of each class on one connection through lighttpd, two workers, in another random order each time; all answers were the same to the byte but for \`date\` and \`x-request-id\`. "To unknown" is the difference of medians, "half to half" that between the even and the odd requests of one class, "of the middle half" the former in quartile distances; the load average was $(cut -d' ' -f1 /proc/loadavg) at the end
$table
MD
  } >"$dir/section.md"
  if [[ -n $quick ]]; then
    cat "$dir/section.md"
  else
    write_section "$output" 'Refusals' <"$dir/section.md" || exit 1
  fi
}
