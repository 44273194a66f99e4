#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none sanitize=no
# The files of httpd-conf/ with a probe (tests/support/fcgi_probe.c) in the
# worker's place: what each web server passes on, and when.  CHECKLIST S17,
# S19, S20, S36.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
. tools/lib/stack.sh

build=${TOLLGATE_BUILD_DIR:-$PWD/build}
probe=$build/tests/support/fcgi_probe
load=$build/tests/support/http_load
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-conf.XXXXXX")
trap 'stack_web_stop 2>/dev/null; rm -rf "$dir"' EXIT
[[ -x $probe ]] || { echo "Bail out! not built: $probe"; exit 1; }
STACK_WORKER=$probe
STACK_PROCESSES=2
STACK_THREADS=16
STACK_FCGID_PROCESSES=24

# Without the health page, which is not for everyone here.
stack_web_ready() {
  stack_running web \
    && curl -fsS -o /dev/null --max-time 5 "$STACK_URL/probe/env"
}

now_ms() {
  date +%s%3N
}

body_is_413_or_closed() {
  local code
  code=$(head -c $((STACK_BODY_MAX_KIB * 1024 + 1)) /dev/zero \
    | curl -s -o /dev/null -w '%{http_code}' "$@" --data-binary @- \
      -H 'Expect:' "$STACK_URL/probe/body")
  [[ $code == 413 ]]
}

header() {
  curl -si "${@:2}" | tr -d '\r' | sed -n "s/^$1: //Ip" | paste -sd '|'
}

status() {
  curl -s -o /dev/null -w '%{http_code}' "$@"
}

# How an event stream arrives: the gap before each event, in ms.
stream_gaps() {
  local last now line
  last=$(now_ms)
  curl -sN "$STACK_URL/probe/events?n=4&ms=200" | while read -r line; do
    [[ $line == data:* ]] || continue
    now=$(now_ms)
    echo $((now - last))
    last=$now
  done
}

# Four events, each 200 ms after the one before. Held back they come at once, whatever
# the machine does besides; one that it lets wait is nearer to the next.
steady() {
  local gap n=0 apart=0 total=0
  for gap in "$@"; do
    n=$((n + 1))
    total=$((total + gap))
    ((gap < 50)) || apart=$((apart + 1))
  done
  ((n == 4 && apart >= 3 && total >= 600))
}

# The probe says when it saw that the client had left.
leave_ms() {
  local left seen
  : >"$dir/probe.log"
  chmod a+rw "$dir/probe.log"
  timeout -s KILL 1 curl -sN "$STACK_URL/probe/wait?ms=4000" >/dev/null
  left=$(now_ms)
  stack_wait 8 "the probe to finish" test -s "$dir/probe.log"
  read -r seen at <"$dir/probe.log"
  [[ $seen == gone ]] || { echo never; return; }
  echo $((at - left))
}

check_requests() {
  local web=$1 env

  env=$(curl -s -H 'Authorization: Bearer tg_x' -H 'X-API-Key: tg_y' \
    -H 'Proxy: http://evil.example/' -H 'X-Forwarded-For: 1.2.3.4' \
    "$STACK_URL/v1/models/owner%2Fname?q=%20a")
  like "$web passes Authorization" "$env" 'HTTP_AUTHORIZATION=Bearer tg_x'
  like "$web passes X-API-Key" "$env" 'HTTP_X_API_KEY=tg_y'
  unlike "$web drops the Proxy header (S19)" "$env" 'HTTP_PROXY='
  like "$web passes the target as it was sent" "$env" \
    'REQUEST_URI=/v1/models/owner%2Fname\?q=%20a'
  like "$web says who called" "$env" 'REMOTE_ADDR=127.0.0.1'
  like "$web gives the worker its configuration" "$env" \
    "PROBE_CONFIG=$STACK_CONF"
  like "$web keeps the threads that fit it" "$env" \
    "PROBE_THREADS=$([[ $web == apache-fcgid ]] && echo 1 \
      || { [[ $web == apache ]] && echo 32; } || echo 16)"
}

check_bodies() {
  local web=$1 size got sum n
  for size in 0 1 65535 65536 131071 33554432; do
    head -c "$size" /dev/urandom >"$dir/body"
    got=$(curl -s --data-binary @"$dir/body" -H 'Expect:' \
      "$STACK_URL/probe/body")
    sum=$("$probe" sum <"$dir/body")
    is "$web: a body of $size bytes arrives whole (S20)" \
      "${got% length=*}" "bytes=$size sum=$sum"
  done
  n=100000
  head -c "$n" /dev/urandom >"$dir/body"
  got=$(curl -s -H 'Transfer-Encoding: chunked' --data-binary @"$dir/body" \
    -H 'Expect:' "$STACK_URL/probe/body")
  is "$web: a chunked body without a length arrives whole" \
    "${got% length=*}" "bytes=$n sum=$("$probe" sum <"$dir/body")"
  ok "$web: a body above the limit is 413" body_is_413_or_closed
}

check_pages() {
  local web=$1 path

  like "$web serves static files" \
    "$(header Content-Type "$STACK_URL/static/probe.css")" '^text/css'
  is "$web gives them a Content-Security-Policy" \
    "$(header Content-Security-Policy "$STACK_URL/static/probe.css")" \
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
  is "$web lets them be kept for an hour" \
    "$(header Cache-Control "$STACK_URL/static/probe.css")" \
    'public, max-age=3600'
  is "$web lets a versioned one be kept for a year" \
    "$(header Cache-Control "$STACK_URL/static/probe.css?v=1")" \
    'public, max-age=31536000, immutable'
  for path in /static/ /static/.git/config /static/.hidden /static/x.css~ \
    /static/%2e%2e/dashboard.html /static/../dashboard.html; do
    unlike "$web keeps $path to itself (S36)" \
      "$(curl -s --path-as-is "$STACK_URL$path")" 'SECRET|Index of'
  done
  for path in /static/probe.css /; do
    is "$web: nosniff on $path, once" \
      "$(header X-Content-Type-Options "$STACK_URL$path")" nosniff
    is "$web: Referrer-Policy on $path, once" \
      "$(header Referrer-Policy "$STACK_URL$path")" no-referrer
    is "$web: no HSTS without TLS on $path" \
      "$(header Strict-Transport-Security "$STACK_URL$path")" ''
  done
  like "$web refuses TRACE" "$(status -X TRACE "$STACK_URL/")" '^40[35]$'
  is "$web: loopback may ask for health" "$(status "$STACK_URL/readyz")" 200
}

# The allow list, with loopback taken off it.
check_allow_list() {
  local web=$1 path
  for path in /healthz /readyz /metrics /metrics/ //metrics /%6detrics \
    /metrics?x=1 /x/../metrics; do
    is "$web: $path is refused to those not listed" \
      "$(status --path-as-is "$STACK_URL$path")" 403
  done
  is "$web: other paths are not" "$(status "$STACK_URL/metricsx")" 200
}

check_streams() {
  local web=$1 left gaps

  mapfile -t gaps < <(stream_gaps)
  ok "$web: events arrive one by one (${gaps[*]} ms)" steady "${gaps[@]}"
  # Apache tells its workers only when a write fails: heartbeats find out.
  [[ $web == lighttpd ]] || return 0
  left=$(leave_ms)
  ok "lighttpd: the worker sees within 200 ms that a client left ($left)" \
    test "$left" != never -a "${left/never/999}" -le 200
}

# On a host that locks by file the kernel sees deadlocks between Apache's
# children, and mod_fcgid ends a child with all its requests.
check_crowd() {
  local web=$1 log=$STACK_DIR/log/apache.log
  [[ $web == apache-fcgid ]] || return 0
  STACK_WEB_EXTRA="Mutex file:$STACK_DIR/run default"
  if ok "$web starts where locks are files" stack_web_start; then
    "$load" --clients 256 --duration 3 "$STACK_URL/probe/env" \
      >"$dir/crowd.json"
    ok "$web: 256 clients lose no request" \
      jq -e '.failed == 0 and .completed > 256' "$dir/crowd.json"
    ok "$web: there is a log" test -s "$log"
    unlike "$web: its children take no lock for a deadlock" \
      "$(grep -m 1 'Resource deadlock' "$log")" .
  fi
  stack_web_stop
  STACK_WEB_EXTRA=''
}

# The site as it is, on a port with TLS besides: what a certificate changes.
tls_extra() {
  local port=$1 mod=/usr/lib/apache2/modules
  case $STACK_WEB in
  lighttpd)
    printf '%s\n' 'server.modules += ( "mod_openssl" )' \
      "\$SERVER[\"socket\"] == \"127.0.0.1:$port\" {" \
      "ssl.engine = \"enable\" ssl.pemfile = \"$dir/tls.pem\" }"
    ;;
  *)
    printf '%s\n' "LoadModule ssl_module \"$mod/mod_ssl.so\"" \
      "Listen 127.0.0.1:$port https" "<VirtualHost *:$port>" 'SSLEngine on' \
      "SSLCertificateFile \"$dir/tls.pem\""
    sed -E '/<VirtualHost/d; /^(Fcgid|Mutex)/d' "$STACK_DIR/etc/site.conf"
    ;;
  esac
}

check_tls() {
  local web=$1 port url
  port=$(stack_port_free)
  url=https://127.0.0.1:$port
  STACK_WEB_EXTRA=$(tls_extra "$port")
  if ok "$web starts with TLS" stack_web_start; then
    like "$web: HSTS with TLS" \
      "$(header Strict-Transport-Security -k "$url/probe/env")" '^max-age='
    like "$web: the worker knows of TLS" "$(curl -sk "$url/probe/env")" \
      'HTTPS=on'
    is "$web: other headers stay, once" \
      "$(header X-Content-Type-Options -k "$url/probe/env")" nosniff
    is "$web: no HSTS on the other port" \
      "$(header Strict-Transport-Security "$STACK_URL/probe/env")" ''
  fi
  stack_web_stop
  STACK_WEB_EXTRA=''
}

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
  -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null \
  && cat "$dir/tls.key" "$dir/tls.crt" >"$dir/tls.pem"
chmod a+r "$dir/tls.pem"
chmod a+x "$dir" # for www-data

for web in lighttpd apache apache-fcgid; do
  STACK_WEB=$web
  STACK_PORT=0
  STACK_ENV=(PROBE_LOG="$dir/probe.log")
  stack_init "$dir/$web" || exit 1
  mkdir -p "$STACK_DIR/share/templates/static/.git"
  for file in static/probe.css static/.git/config static/.hidden \
    static/x.css~ dashboard.html; do
    echo SECRET >"$STACK_DIR/share/templates/$file"
  done
  if ! ok "$web starts" stack_web_start; then
    continue
  fi
  check_requests "$web"
  check_bodies "$web"
  check_pages "$web"
  check_streams "$web"
  stack_web_stop
  ok "$web leaves no worker behind" stack_no_workers
  check_crowd "$web"
  check_tls "$web"
  STACK_ALLOW_IP=192.0.2.1
  if ok "$web starts with another allow list" stack_web_start; then
    check_allow_list "$web"
  fi
  stack_web_stop
  STACK_ALLOW_IP=''
done
tap_done
