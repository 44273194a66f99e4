#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=120
# The worker by itself: how it comes by its socket, what stops its start,
# signals, and what a web server should never send.  Neither database nor
# memcached is there, which it has to bear.  CHECKLIST S13, S17, S18, S20.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

build=${TOLLGATE_BUILD_DIR:-$PWD/build}
worker=$build/src/daemon/tollgate.fcgi
call=$build/tests/support/fcgi_call
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-worker.XXXXXX")
sock=$dir/w.sock
log=$dir/worker.log
pid=
trap '[[ -n $pid ]] && kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
for program in "$worker" "$call"; do
  [[ -x $program ]] || { echo "Bail out! not built: $program"; exit 1; }
done
# Settings of whoever runs the tests are not ours.
for name in $(compgen -e TOLLGATE_); do unset "$name"; done

hex32=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
conf() {
  mkdir -p "$dir/state"
  {
    echo "TOLLGATE_STATE_DIR=$dir/state"
    echo "TOLLGATE_TEMPLATES_DIR=$PWD/templates"
    echo "TOLLGATE_AUTH_PEPPER=$hex32"
    echo "TOLLGATE_SEAL_KEY=$hex32"
    echo "TOLLGATE_DB_SOCKET=$dir/no-database.sock"
    echo "TOLLGATE_MEMCACHED_SERVERS=$dir/no-memcached.sock"
    echo "TOLLGATE_JOURNAL_FILE_BYTES=1048576"
    echo "TOLLGATE_THREADS=4"
    printf '%s\n' "$@"
  } >"$dir/conf"
}

now_ms() {
  date +%s%3N
}

wait_for() {
  local n
  for ((n = 0; n < 100; n++)); do
    "$@" && return 0
    sleep 0.05
  done
  return 1
}

answers() {
  "$call" "$sock" REQUEST_METHOD=GET REQUEST_URI=/healthz </dev/null \
    2>/dev/null | grep -q '^Status: 200'
}

# start_by COMMAND...: the worker in the background, until it answers.
start_by() {
  : >"$log"
  "$@" "$worker" --config "$dir/conf" </dev/null 2>"$log" &
  pid=$!
  wait_for answers
}

start() {
  start_by env
}

# The worker's exit code, and how long it took, in $code and $took.
stop() {
  local from
  from=$(now_ms)
  kill -TERM "$pid"
  wait "$pid"
  code=$?
  took=$(($(now_ms) - from))
  pid=
}

get() {
  "$call" "$sock" REQUEST_METHOD=GET "REQUEST_URI=$1" "${@:2}" </dev/null
}

# The status that a request is answered with: request METHOD PATH NAME=VALUE…
request() {
  "$call" "${options[@]}" "$sock" "REQUEST_METHOD=$1" "REQUEST_URI=$2" \
    "${@:3}" | tr -d '\r' | sed -n '1s/^Status: //p'
}
options=()

# ---- by hand ----

like 'help names the program' "$("$worker" --help)" '^Usage: tollgate\.fcgi'
like 'version' "$("$worker" --version)" '^tollgate [0-9]+\.[0-9]+'
like 'the routes are listed' "$("$worker" --routes)" \
  'POST +/v1/chat/completions +key '

refused() {
  "$worker" --config "$dir/conf" </dev/null 2>"$dir/err" >"$dir/out"
  echo "$? $(cat "$dir/out" "$dir/err")"
}
conf
like 'without a socket it says how it is started' "$(refused)" \
  '^1 tollgate\.fcgi: no socket to listen on.*listen\.socket$'
conf TOLLGATE_THREADS=0
like 'a number out of bounds is named with its line and bounds' "$(refused)" \
  '^1 tollgate\.fcgi: .*conf line 9: threads must be .* from 1 to 512$'
conf TOLLGATE_TREADS=4
like 'an unknown setting is refused' "$(refused)" '^1 .*TOLLGATE_TREADS$'
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_TRUSTED_PROXIES=10.0.0.1/8
like 'a range with stray bits is refused' "$(refused)" \
  '^1 .*trusted_proxies: "10\.0\.0\.1/8" is not'
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_AUTH_PEPPER=
like 'no pepper, no start' "$(refused)" '^1 .*auth\.pepper is not set'
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_SEAL_KEY=
like 'no sealing key, no start' "$(refused)" '^1 .*seal\.key is not set'
for name in AUTH_PEPPER SEAL_KEY AUTH_OTHER_PEPPER SEAL_OTHER_KEY; do
  for value in "${hex32:0:62}" 0 secret "${hex32//?/0}" "${hex32//?/f}"; do
    conf "TOLLGATE_LISTEN_SOCKET=$sock" "TOLLGATE_$name=$value"
    like "$name of ${#value} characters, ${value:0:8}: no start (S13)" \
      "$(refused)" '^1 .*(secret key must|other_|auth\.|seal\.)'
  done
done
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_AUTH_PEPPER=${hex32:2}xy
unlike 'a bad secret is not repeated' "$(refused)" "${hex32:2}"
conf "TOLLGATE_LISTEN_SOCKET=$sock" "TOLLGATE_TEMPLATES_DIR=$dir"
like 'without templates, no start' "$(refused)" '^1 tollgate\.fcgi: .*template'
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_STATE_DIR=/dev/shm
like 'a journal in memory is refused' "$(refused)" '^1 .*journal.*tmpfs'
rm -f /dev/shm/host.map /dev/shm/host.map.lock
rmdir /dev/shm/journal 2>/dev/null
ok 'whatever was refused left no socket' test ! -e "$sock"

# ---- ways to a socket ----

conf "TOLLGATE_LISTEN_SOCKET=$sock"
ok 'it binds a socket of its own' start
is 'which others may not use' "$(stat -c %a "$sock")" 660
like 'a second worker on it is refused' "$(refused)" \
  '^1 .*another process listens'
ok 'and did not disturb the first' answers
kill -KILL "$pid"
wait "$pid" 2>/dev/null
ok 'a killed worker leaves its socket' test -S "$sock"
ok 'the next one takes its place' start
stop
is 'SIGTERM: exit 0' "$code" 0
unlike 'an idle worker waits for nothing' "$(cat "$log")" drain_cut
ok 'its socket is gone' test ! -e "$sock"

conf
ok 'it takes descriptor 0, as from lighttpd' start_by "$call" -l 0 "$sock"
stop
is 'exit 0' "$code" 0
rm -f "$sock"
ok 'it takes descriptor 3, as from systemd' start_by "$call" -l 3 "$sock"
stop
is 'exit 0' "$code" 0
rm -f "$sock"

# ---- requests ----

conf "TOLLGATE_LISTEN_SOCKET=$sock"
start || diag "$(cat "$log")"
like 'health' "$(get /healthz)" '\{"status":"ok"\}$'
like 'not ready without catalogue and database' "$(get /readyz)" \
  '^Status: 503.*"database":false'
like 'a connection is not kept, though asked for' \
  "$("$call" -k -r "$sock" REQUEST_METHOD=GET REQUEST_URI=/healthz \
    </dev/null)" '\[end\]\[closed\]$'

is 'an authorizer gets no answer that could let anybody in' \
  "$("$call" -a -r "$sock" REQUEST_METHOD=GET REQUEST_URI=/healthz \
    </dev/null)" '[end][closed]'

for method in PUT PATCH DELETE OPTIONS TRACE CONNECT get ''; do
  is "method '$method' on /healthz" "$(request "$method" /healthz </dev/null)" \
    405
done
like 'with Allow' "$(get /generate | tr -d '\r')" $'\nallow: POST\n'
is 'HEAD is GET' "$(request HEAD /healthz </dev/null)" 200
is 'no such path' "$(request GET /nope </dev/null)" 404
like 'a page for browsers' "$(get /nope HTTP_ACCEPT=text/html)" '<!doctype'

for uri in '' '*' 'x' '/%' '/%00' '/%zz' '/../etc/passwd' '/a/%2e%2e/b' \
  '/%ff' "/$(head -c 9000 /dev/zero | tr '\0' a)"; do
  is "target '${uri:0:20}'" "$(request GET "$uri" </dev/null)" 400
done
is 'absolute form' "$(request GET http://evil/healthz </dev/null)" 200
is 'other parameters about the path mean nothing' \
  "$(request GET /healthz PATH_INFO=/generate SCRIPT_NAME=/x PATH_INFO= \
    SCRIPT_FILENAME=proxy:fcgi://x </dev/null)" 200
is 'two targets' "$(request GET /healthz REQUEST_URI=/x </dev/null)" 400

for length in -1 +5 '5, 5' 0x5 1e3 five 99999999999999999999; do
  is "length '$length'" \
    "$(printf 12345 | request POST /login "CONTENT_LENGTH=$length")" 400
done
is 'a body shorter than its length' \
  "$(printf 1234 | request POST /login CONTENT_LENGTH=5)" 400
is 'a body longer than its length' \
  "$(printf 123456 | request POST /login CONTENT_LENGTH=5)" 400
options=(-c)
is 'a body that breaks off' \
  "$(printf 1234 | request POST /login CONTENT_LENGTH=5)" 400
options=()
like 'is logged as such' "$(tail -n 2 "$log")" ERR_SHORT_BODY
is 'the largest form is read (and has no token)' \
  "$(head -c 32768 /dev/zero | tr '\0' a \
    | request POST /login CONTENT_LENGTH=32768 \
      CONTENT_TYPE=application/x-www-form-urlencoded)" 403
is 'one byte more is not' \
  "$(head -c 32769 /dev/zero | request POST /login CONTENT_LENGTH=32769)" 413
is 'nor without a length' "$(head -c 32769 /dev/zero | request POST /login)" 413
is 'a megabyte to a stranger: 401, and the answer arrives' \
  "$(head -c 1048576 /dev/zero \
    | request POST /generate CONTENT_LENGTH=1048576)" 401
is 'a body to a page that takes none' \
  "$(printf x | request GET /healthz CONTENT_LENGTH=1)" 413

options=(-n 600)
is '600 parameters' "$(request GET /healthz HTTP_X=1 </dev/null)" 413
options=(-n 20)
is 'a megabyte of parameters' \
  "$(request GET /healthz "HTTP_X=$(head -c 60000 /dev/zero | tr '\0' a)" \
    </dev/null)" 413
options=()
is 'a header of 60,000 bytes' \
  "$(request GET /healthz "HTTP_X=$(head -c 60000 /dev/zero | tr '\0' a)" \
    </dev/null)" 200

# Two silent peers, and one that has sent half a request.
for _ in 1 2; do "$call" -q -w 3000 "$sock" & done
"$call" -w 3000 "$sock" REQUEST_METHOD=POST REQUEST_URI=/login </dev/null \
  >/dev/null &
sleep 0.2
ok 'silent peers hold up nobody else' answers
for job in $(jobs -p); do [[ $job == "$pid" ]] || kill "$job" 2>/dev/null; done
ok 'nor when they have left' answers

# ---- what is logged ----

for path in /generate /nope; do
  get "$path" HTTP_AUTHORIZATION='Bearer tg_canaryCANARY' \
    HTTP_X_API_KEY=canaryCANARY HTTP_COOKIE=sid=canaryCANARY >/dev/null
done
unlike 'no credential is logged' "$(cat "$log")" canaryCANARY
id=$(get /healthz | tr -d '\r' | sed -n 's/^x-request-id: //p')
wait_for grep -q "$id" "$log"
is 'one line for a request, by its id' "$(grep -c "$id" "$log")" 1
like 'with route, status and time' "$(grep "$id" "$log")" \
  '"route":"/healthz","status":200,"ms":[0-9]+'
id=$(get /nope | tr -d '\r' | sed -n 's/^x-request-id: //p')
wait_for grep -q "$id.*\"event\":\"request\"\|\"request\".*$id" "$log"
like 'and one for its error' "$(grep "$id" "$log")" '"error":"ERR_NOT_FOUND"'
get $'/x%0a{"level":"error","event":"forged"}' >/dev/null
is 'a target cannot forge a line' "$(grep -c '^{"level"' "$log")" 0

# ---- SIGHUP ----

requests_logged() { grep -c '"event":"request"' "$log"; }
is_logged_after() { (($(requests_logged) > $1)); }
client_of() {
  local before
  before=$(requests_logged)
  get /healthz REMOTE_ADDR=192.0.2.9 HTTP_X_FORWARDED_FOR=198.51.100.1 \
    >/dev/null
  wait_for is_logged_after "$before"
  grep '"event":"request"' "$log" | tail -n 1 \
    | sed 's/.*"client":"\([^"]*\)".*/\1/'
}
is 'a stranger cannot say who he is' "$(client_of)" 192.0.2.9
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_TRUSTED_PROXIES=192.0.2.0/24 \
  TOLLGATE_DB_NAME=other
kill -HUP "$pid"
ok 'SIGHUP is followed' wait_for grep -q '"event":"reloaded"' "$log"
is 'the new setting is in force' "$(client_of)" 198.51.100.1
like 'what needs a restart is named' "$(cat "$log")" \
  'setting_needs_restart","message":"db\.name"'
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_FLUSH_BATCH=none
kill -HUP "$pid"
ok 'a bad file is refused' wait_for grep -q '"event":"reload_failed"' "$log"
is 'and what was in force stays' "$(client_of)" 198.51.100.1
kill -USR1 "$pid"
kill -URG "$pid"
kill -PIPE "$pid"
ok 'other signals do nothing' answers
stop

# ---- SIGTERM with a request open ----

# A body that takes its time keeps a request open.
slow() {
  "$call" -r -w "$1" "$sock" REQUEST_METHOD=POST REQUEST_URI=/login \
    CONTENT_LENGTH=3 <<<'ab' >"$dir/slow" 2>&1 &
  slow=$!
  sleep 0.3
}
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_SHUTDOWN_DRAIN_MS=600000
start || diag "$(cat "$log")"
slow 1000
stop
wait "$slow"
is 'SIGTERM under way: exit 0' "$code" 0
like 'the open request was finished' "$(cat "$dir/slow")" \
  '^Status: 4.*\[end\]\[closed\]$'
unlike 'and nothing else was waited for' "$(cat "$log")" drain_cut

conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_SHUTDOWN_DRAIN_MS=500
start || diag "$(cat "$log")"
slow 60000
stop
ok 'one that takes too long is cut: it is still open' kill "$slow"
is 'and then exit 0' "$code" 0
ok "not before the time that was set ($took ms)" test "$took" -ge 450
like 'and it is said' "$(cat "$log")" drain_cut

# mod_fcgid kills a worker that takes longer than some 2 s to end; these requests
# are open for 6 s.
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_THREADS=1
start || diag "$(cat "$log")"
slow 6000
stop
ok "with one thread, as under mod_fcgid, what is open is left ($took ms)" \
  kill "$slow"
is 'and then exit 0' "$code" 0

# A database that takes connections and says nothing, a request that is open.
"$call" -l 3 "$dir/no-database.sock" sleep 60 &
hanging=$!
wait_for test -S "$dir/no-database.sock"
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_THREADS=1
# It exits beside threads that have ended and that nobody has joined yet.
TSAN_OPTIONS=${TSAN_OPTIONS:-}:report_thread_leaks=0 start || diag "$(cat "$log")"
slow 6000
stop
ok "nor is a database waited for that hangs ($took ms)" \
  kill "$slow" "$hanging"
rm -f "$dir/no-database.sock"
is 'and then exit 0, too' "$code" 0

# Nothing that waits in the worker's own socket is lost.
conf "TOLLGATE_LISTEN_SOCKET=$sock" TOLLGATE_THREADS=1
start || diag "$(cat "$log")"
slow 800
for n in 1 2 3; do get /healthz >"$dir/queued.$n" & queued[n]=$!; done
sleep 0.2
stop
wait "${queued[@]}"
is 'connections that waited were served' \
  "$(grep -l '^Status: 200' "$dir"/queued.* | wc -l)" 3

tap_done
