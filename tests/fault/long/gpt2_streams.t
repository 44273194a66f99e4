#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=900 sanitize=no
# The local model under 200 streams at a time for GPT2_SECONDS (300): all end as
# they should, and memory stays what it is once all have been there.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../../..}" || exit 1
. tests/support/tap.sh
build=${TOLLGATE_BUILD_DIR:-build} seconds=${GPT2_SECONDS:-300}
work=$(mktemp -d)

"$build/src/gpt2d/tollgate-gpt2" --model models/gpt2-mini --preload \
  --socket "$work/socket" --max-batch 32 --queue 256 2>"$work/log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 200); do
  curl --silent --fail --unix-socket "$work/socket" http://localhost/healthz \
    >"$work/health" && break
  sleep 0.1
done
like 'gpt2: it serves' "$(cat "$work/health")" '"ok"'

cat >"$work/body" <<'JSON'
{"prompt":"And it came to pass","max_tokens":64,"temperature":1,"stream":true,
 "stream_options":{"include_usage":true}}
JSON
"$build/tests/support/http_load" --mode stream --clients 200 \
  --duration "$seconds" --timeout-ms 120000 --stall-ms 60000 \
  --unix "$work/socket" --header 'content-type: application/json' \
  --body "$work/body" http://localhost/v1/completions >"$work/load.json" &
load=$!

rss_kib() {
  sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"
}

# A line every hundredth of the time.
while kill -0 "$load" 2>/dev/null; do
  rss_kib
  sleep "$(awk "BEGIN { print $seconds / 100 }")"
done >"$work/rss"
wait "$load"
diag "$(jq -c '{completed, failed, rps, events, errors, statuses}' "$work/load.json")"
middle=$(sed -n '20,60p' "$work/rss" | sort -n | tail -n 1)
end=$(sed -n '60,$p' "$work/rss" | sort -n | tail -n 1)
diag "largest RSS: $middle KiB from a fifth of the time to three, $end KiB after"
ok 'gpt2: streams ended' test "$(jq .completed "$work/load.json")" -gt 200
is 'gpt2: none failed' "$(jq .failed "$work/load.json")" 0
is 'gpt2: each ended as streams end' "$(jq .done "$work/load.json")" \
  "$(jq .completed "$work/load.json")"
ok 'gpt2: memory is flat' test "$end" -le $((middle + middle / 50 + 1024))
ok 'gpt2: still serves' curl --silent --fail --output /dev/null \
  --unix-socket "$work/socket" http://localhost/healthz
kill -TERM "$server"
wait "$server"
is 'gpt2: SIGTERM, nothing open: exits 0' "$?" 0
tap_done
