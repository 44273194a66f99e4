# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What each page costs with a year of usage, a thousand customers and ten
# thousand keys, for the customer who has a fifth of them, and what the page Usage
# costs for one who has eight as well.  Sourced by
# bench/lib/usage.sh, whose rows it needs: usage_sql, say, die, dir, url, build.

pages_rounds=41

# pages_sign_in EMAIL PASSWORD: the seconds it took; cookies in $dir/cookies.
pages_sign_in() {
  local form
  rm -f "$dir/cookies"
  form=$(curl -fsS -c "$dir/cookies" "$pages_url/login" \
    | sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' | head -n 1)
  curl -fsS -o /dev/null -b "$dir/cookies" -c "$dir/cookies" -w '%{time_total}\n' \
    --data-urlencode "csrf=$form" --data-urlencode "email=$1" \
    --data-urlencode "password=$2" -H "Origin: $pages_url" "$pages_url/login"
}

# An id that a path's segment before it names, of customer 1.
pages_id() {
  case $1 in
  members) usage_sql -e 'SELECT MIN(user_id) FROM users WHERE customer_id = 1' ;;
  requests)
    usage_sql -e "SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(request_id), 21, 0,
      '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-')) FROM usage_records
      WHERE customer_id = 1 ORDER BY request_timestamp DESC LIMIT 1"
    ;;
  *) usage_sql -e "SELECT MIN(${1%s}_id) FROM $1 WHERE customer_id = 1" 2>/dev/null \
    | grep -x '[0-9]*' || printf '1\n' ;;
  esac
}

# pages_past FIRST LAST: a time in the past, by the days that it is ago.
pages_past() {
  printf 'from=%s&to=%s' "$(date -u -d "$1 days ago" +%F)" "$(date -u -d "$2 days ago" +%F)"
}

# pages_questions WHO N: what the page Usage may be asked by an operator, or by
# customers; the same each time on one day.
pages_questions() {
  awk -v who="$1" -v n="$2" -v customers="$usage_rows_customers" \
    -v now="$(date -u +%s)" '
    function one_of(text, all, word) {
      word = all[1 + int(rand() * split(text, all, " "))]
      return word == "-" ? "" : word
    }
    function day(ago) { return strftime("%Y-%m-%d", now - ago * 86400, 1) }
    BEGIN {
      srand(7)
      for (i = 0; i < n; i++) {
        groups = "none model key project user agent connector status"
        path = "/dashboard/" 1 + int(rand() * customers) "/usage"
        if (who == "operator") {
          groups = groups " provider customer customer customer"
          path = "/admin/usage"
        }
        range = one_of("range=24h range=7d range=30d range=month range=last-month range=12m past past past")
        if (range == "past") {
          last = int(rand() * 300)
          range = "from=" day(last + 1 + int(rand() * 90)) "&to=" day(last)
        }
        print path "?" range "&group_by=" one_of(groups) \
          "&metric=" one_of("cost requests tokens tokens_in out errors latency_p50 latency_p95 ttft_p95") \
          one_of("- - - &request_status=ok &request_status=timeout") \
          one_of("- - - &model_id=1 &model_id=3") one_of("- - - - &provider_id=1")
      }
    }'
}

# pages_asked WHO N WHEN: the line of their times.
pages_asked() {
  local path
  local -a all=("$pages_url/admin/usage" -o /dev/null)
  while read -r path; do
    all+=("$pages_url$path" -o /dev/null)
  done < <(pages_questions "$1" "$2")
  curl -sS -g --compressed -b "$dir/cookies" "${all[@]}" \
    -w '%{time_total} %{http_code} %{size_download}\n' | sed 1d | sort -n \
    | awk -v who="$1" -v when="$3" '{ v[NR] = $1 * 1000; kb += $3 / 1000; bad += $2 != 200 }
      END { printf "| `…/usage`, %d questions of %s, %s%s | 200 | %.1f | %.1f, at most %.1f | %.1f |\n", NR, who, when,
        bad ? ", " bad " of them not answered" : "", v[int((NR + 1) / 2)],
        v[int(NR * 0.95 + 0.999)], v[NR], kb / NR }'
}

# Each GET that answers with a page, with ids filled in.
pages_paths() {
  local path what
  "$build/src/daemon/tollgate.fcgi" --routes \
    | awk '$1 == "GET" && $5 ~ /^h/ { print $2 }' \
    | while read -r path; do
      path=${path/'{customer_id}'/1}
      path=${path/'{token}'/$pages_token}
      if [[ $path =~ /([a-z]+)/\{ ]]; then
        what=$(pages_id "${BASH_REMATCH[1]}")
        path=${path/'{'*'}'/$what}
      fi
      printf '%s\n' "$path"
    done
  printf '%s\n' '/dashboard/1/keys?state=revoked' \
    '/dashboard/1/usage?range=30d&group_by=key' \
    '/dashboard/1/usage?range=12m&group_by=key' \
    '/dashboard/1/usage?range=30d&group_by=user' \
    '/dashboard/1/usage?range=30d&group_by=key&metric=latency_p95' \
    '/dashboard/8/usage?range=30d&group_by=key' \
    '/dashboard/8/usage?range=12m&group_by=key' \
    '/dashboard/8/usage?range=30d&group_by=user' \
    '/dashboard/8/usage?range=30d&group_by=agent&metric=latency_p95' \
    '/admin/usage?range=30d&group_by=customer' \
    '/admin/usage?range=12m&group_by=customer' \
    '/admin/usage?range=24h&group_by=customer' \
    '/admin/usage?range=30d&group_by=customer&request_status=ok' \
    "/admin/usage?$(pages_past 75 46)&group_by=customer" \
    "/admin/usage?$(pages_past 75 46)&group_by=customer&model_id=2" \
    '/admin/usage?range=30d&group_by=key' \
    '/dashboard/1/requests?request_status=timeout'
}

pages_table() {
  local path i
  local -a all who
  printf '| GET | status | p50 | p95 | KB sent |\n| --- | ---: | ---: | ---: | ---: |\n'
  while read -r path; do
    # Who is signed in is led on from there.
    all=() who=(-b "$dir/cookies")
    [[ $path != /login* ]] || who=()
    for ((i = 0; i <= pages_rounds; i++)); do
      all+=("$pages_url$path" -o /dev/null)
    done
    curl -sS -g --compressed "${who[@]}" "${all[@]}" \
      -w '%{time_total} %{http_code} %{size_download}\n' | sed 1d | sort -n \
      | awk -v path="$path" '{ v[NR] = $1 * 1000; code = $2; bytes = $3 }
        END { printf "| `%s` | %d | %.1f | %.1f | %.1f |\n", path, code,
          v[int((NR + 1) / 2)], v[int(NR * 0.95 + 0.999)], bytes / 1000 }'
  done < <(pages_paths)
}

pages_sign_ins() {
  local i
  for ((i = 0; i < 9; i++)); do
    pages_sign_in "$@" || die 'could not sign in'
  done | sort -n | awk '{ v[NR] = $1 * 1000 }
    END { printf "| sign in | 303 | %.1f | %.1f | |\n", v[5], v[9] }'
}

bench_pages() {
  local pages_url=${url[lighttpd]%/v1/*} pages_token person
  person=$(in_stack lighttpd command_json user add --email reader@example.org \
    --role operator | jq -er .password) || die 'nobody to sign in'
  pages_sign_in reader@example.org "$person" >/dev/null || die 'could not sign in'
  pages_token=$(in_stack lighttpd command_json user invite reader@example.org \
    | jq -er '.link | split("/")[-1]') || die 'no link'
  say 'pages'
  cat <<MD
- $rows rows of usage, $usage_rows_customers customers, $usage_rows_all_keys keys, of which $usage_rows_keys are in use, a fifth of them of the customer whose pages these are, for an operator; milliseconds through lighttpd until all of the page was there, $pages_rounds times over one connection; the load average was $(cut -d' ' -f1 /proc/loadavg) before

$(pages_table)
$(pages_asked customers 400 'each for the first time')
$(pages_asked customers 400 again)
$(pages_asked operator 400 'each for the first time')
$(pages_asked operator 400 again)
$(pages_sign_ins reader@example.org "$person")
MD
}
