#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none web=lighttpd sanitize=no
# tools/fetch-gpt2 against a web server on this machine.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tests/support/tap.sh"
PATH=$PATH:/usr/sbin
work=$(mktemp -d)
www=$work/www got=$work/got
mkdir "$www"
"${TOLLGATE_BUILD_DIR:-$top/build}/tests/support/gpt2_random" "$www" || exit 1
(cd "$www" && sha256sum config.json vocab.json merges.txt model.safetensors) \
  >"$work/sums"

# A port that nobody has; whoever is quicker than lighttpd makes it try another.
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 20000))
  cat >"$work/lighttpd.conf" <<CONF
server.document-root = "$www"
server.bind = "127.0.0.1"
server.port = $port
server.stat-cache-engine = "disable"
server.errorlog = "$work/error.log"
accesslog.filename = "$work/access.log"
accesslog.format = "%U %s %{Range}i"
server.modules = ( "mod_accesslog" )
CONF
  lighttpd -f "$work/lighttpd.conf" -D >"$work/out" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl --silent --fail --output /dev/null "http://127.0.0.1:$port/config.json" \
      && break 2
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
done
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$work"' EXIT
url=http://127.0.0.1:$port

fetch() {
  "$top/tools/fetch-gpt2" --dir "$got" --from "$url" --sums "$work/sums" "$@" \
    >"$work/said" 2>&1
}

ok 'fetch_gpt2: files of a server are fetched' fetch
ok 'fetch_gpt2: they are the same' diff -r "$www" "$got"
: >"$work/access.log"
ok 'fetch_gpt2: again, all there: succeeds' fetch
ok 'fetch_gpt2: again, all there: nothing is asked for' \
  test ! -s "$work/access.log"

rm "$got/model.safetensors"
head -c 5000 "$www/model.safetensors" >"$got/.model.safetensors.part"
ok 'fetch_gpt2: a transfer that was cut goes on' fetch
ok 'fetch_gpt2: what came in two parts is the same' \
  cmp "$www/model.safetensors" "$got/model.safetensors"
# the log is written after the answer
for _ in $(seq 100); do
  grep -q bytes=5000- "$work/access.log" && break
  sleep 0.05
done
ok 'fetch_gpt2: only the rest was asked for' grep -q \
  '/model.safetensors 206 bytes=5000-' "$work/access.log"

mv "$got/model.safetensors" "$got/.model.safetensors.part"
ok 'fetch_gpt2: a whole part without its name: gets it' fetch

printf x >>"$www/vocab.json"
rm "$got/vocab.json"
ok 'fetch_gpt2: another content is refused' bash -c '! "$@"' - \
  "$top/tools/fetch-gpt2" --dir "$got" --from "$url" --sums "$work/sums"
ok 'fetch_gpt2: refused: nothing is kept' test ! -e "$got/vocab.json" -a \
  ! -e "$got/.vocab.json.part"

rm "$www/vocab.json"
fetch
like 'fetch_gpt2: a file that is not there: says which' "$(cat "$work/said")" \
  "$url/vocab.json"
fetch --sums /dev/null
like 'fetch_gpt2: no sum for a file: says which' "$(cat "$work/said")" \
  'no sum for config.json'
"$top/tools/fetch-gpt2" --dir "$got" --from "$url" >"$work/said" 2>&1
like "fetch_gpt2: GPT-2's own sums: another model is refused" \
  "$(cat "$work/said")" 'config.json is not the published file'
tap_done
