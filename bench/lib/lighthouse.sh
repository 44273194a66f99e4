# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What Lighthouse says of the pages that are looked at most.  Sourced by
# bench/run with bench/lib/targets.sh, which set top, dir, rounds, quick, output.

. "$top/bench/lib/usage.sh"

lighthouse_version=12.8.2

bench_lighthouse() {
  local paced_model=sim-fixed pages_url person
  command -v chromium >/dev/null || die 'chromium is needed'
  rows=100000 usage_rows_keys=400
  folder_make
  trap targets_stop EXIT
  say 'Lighthouse, from npm'
  npm install --silent --no-save --no-audit --no-fund --prefix "$dir/npm" \
    "lighthouse@$lighthouse_version" >"$dir/npm.log" 2>&1 || die "see $dir/npm.log"
  cp "$top/bench/lib/lighthouse.mjs" "$dir/npm/" || die "can't write $dir/npm"
  targets_start lighttpd
  ((${#targets_up[@]})) || die 'Tollgate does not run'
  usage_provision || die 'no keys'
  usage_sql -e 'DELETE FROM usage_records; DELETE FROM usage_hourly'
  usage_rows "$(usage_socket)" tollgate "$rows" || die 'no rows'
  pages_url=${url[lighttpd]%/v1/*}
  person=$(in_stack lighttpd command_json user add --email reader@example.org \
    --role operator | jq -er .password) || die 'nobody to sign in'
  pages_sign_in reader@example.org "$person" >/dev/null || die 'could not sign in'
  {
    provenance
    cat <<MD
- Lighthouse $lighthouse_version, $(chromium --version 2>/dev/null | cut -d' ' -f1,2), as a telephone on a slow network, medians of $rounds; a customer with 2,000 keys, 80 of them in use, and about a third of the 100,000 requests of the year

| page | performance | accessibility | best practices |
| --- | ---: | ---: | ---: |
MD
    awk '!/^#HttpOnly_/ && /^#/ { next } NF >= 7 { printf "%s%s=%s", s, $6, $7; s = "; " }' \
      "$dir/cookies" \
      | node "$dir/npm/lighthouse.mjs" "$pages_url" "$rounds" /dashboard/1 \
        '/dashboard/1/usage?range=12m&group_by=model' /dashboard/1/keys /login
  } >"$dir/section.md" || die 'Lighthouse failed'
  if [[ -n $quick ]]; then
    cat "$dir/section.md"
  else
    write_section "$output" 'Lighthouse' <"$dir/section.md" || exit 1
  fi
}
