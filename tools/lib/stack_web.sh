# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The web server of a private stack and its workers, from the files of
# httpd-conf/.  Sourced by stack.sh, which see.

# --- the web servers ---------------------------------------------------------

# stack_fill TEMPLATE OUTPUT NAME=VALUE...: fills in @name@.  A name that is
# left over is a mistake and stops the start.
stack_fill() {
  local template=$STACK_TOP/httpd-conf/$1 output=$2 text pair
  shift 2
  text=$(<"$template") || return 1
  for pair in "$@"; do
    text=${text//"@${pair%%=*}@"/"${pair#*=}"}
  done
  if [[ $text =~ @[a-z_]+@ ]]; then
    stack_fail "httpd-conf/${template##*/httpd-conf/}: \
${BASH_REMATCH[0]} is not filled in"
    return 1
  fi
  printf '%s\n' "$text" >"$output"
}

stack_web_conf_lighttpd() {
  stack_fill lighttpd/tollgate.conf.in "$STACK_DIR/etc/site.conf" \
    worker="$STACK_DIR/bin/$STACK_WORKER_NAME" config="$STACK_CONF" \
    run_dir="$STACK_RUN" static_dir="$STACK_DIR/share/templates/static" \
    host_is='=~ ""' allow_ip_regex="^(${STACK_ALLOW_IP:-127\.|::1$})" \
    processes="$STACK_PROCESSES" threads="$STACK_THREADS" \
    body_max_kib="$STACK_BODY_MAX_KIB" silence_s="$STACK_SILENCE_S" \
    max_fds=16384 max_connections=8000 || return 1
  stack_fill lighttpd/standalone.conf.in "$STACK_DIR/etc/web.conf" \
    bind=127.0.0.1 port="$STACK_PORT" log_dir="$STACK_DIR/log" \
    run_dir="$STACK_RUN" tmp_dir="$STACK_DIR/tmp" \
    empty_dir="$STACK_DIR/empty" site="$STACK_DIR/etc/site.conf" || return 1
  # Debian has the module in a package of its own.
  [[ -e /usr/lib/lighttpd/mod_deflate.so ]] || return 0
  stack_fill lighttpd/compress.conf.in "$STACK_DIR/etc/compress.conf" \
    host_is='=~ ""' || return 1
  printf 'include "%s"\n' "$STACK_DIR/etc/compress.conf" \
    >>"$STACK_DIR/etc/web.conf"
}

stack_web_conf_apache() {
  local way=proxy modules body_max pair
  local mod=/usr/lib/apache2/modules

  if [[ $STACK_WEB == apache ]]; then
    modules="LoadModule proxy_module \"$mod/mod_proxy.so\"
LoadModule proxy_fcgi_module \"$mod/mod_proxy_fcgi.so\""
  else
    way=fcgid
    mkdir -p "$STACK_RUN/fcgid"
    ((EUID != 0)) || chown "$STACK_USER" "$STACK_RUN/fcgid"
    modules="LoadModule fcgid_module \"$mod/mod_fcgid.so\"
FcgidIPCDir \"$STACK_RUN/fcgid\"
FcgidProcessTableFile \"$STACK_RUN/fcgid/shm\""
    # Its workers get no environment but this.
    for pair in "${STACK_ENV[@]}"; do
      modules+=$'\n'"FcgidInitialEnv ${pair%%=*} \"${pair#*=}\""
    done
  fi
  body_max=$((STACK_BODY_MAX_KIB * 1024))
  stack_fill apache/tollgate-common.conf.in "$STACK_DIR/etc/common.conf" \
    static_dir="$STACK_DIR/share/templates/static" \
    allow_ip="${STACK_ALLOW_IP:-127.0.0.0/8 ::1}" \
    body_max_bytes="$body_max" || return 1
  stack_fill "apache/tollgate-$way.conf.in" "$STACK_DIR/etc/site.conf" \
    listen='*' server_name=127.0.0.1 socket="$STACK_RUN/worker.sock" \
    worker="$STACK_DIR/bin/$STACK_WORKER_NAME" config="$STACK_CONF" \
    fcgid_processes="$STACK_FCGID_PROCESSES" silence_s="$STACK_SILENCE_S" \
    body_max_bytes="$body_max" \
    common="$STACK_DIR/etc/common.conf" || return 1
  stack_fill apache/standalone.conf.in "$STACK_DIR/etc/web.conf" \
    bind=127.0.0.1 port="$STACK_PORT" module_dir="$mod" \
    mime_types=/etc/mime.types log_dir="$STACK_DIR/log" \
    run_dir="$STACK_RUN" empty_dir="$STACK_DIR/empty" \
    gateway_modules="$modules" site="$STACK_DIR/etc/site.conf"
}

# One supervised worker on its own socket, for mod_proxy_fcgi.
stack_worker_start() {
  local threads=$((STACK_PROCESSES * STACK_THREADS))
  ((threads <= 512)) || threads=512
  stack_running supervise && return 0
  rm -f "$STACK_RUN/worker.sock"
  stack_spawn supervise env "${STACK_ENV[@]}" TOLLGATE_CONFIG="$STACK_CONF" \
    TOLLGATE_THREADS="$threads" \
    TOLLGATE_LISTEN_SOCKET="$STACK_RUN/worker.sock" \
    "$STACK_DIR/bin/supervise" "$STACK_RUN/worker.pid" \
    "$STACK_DIR/bin/$STACK_WORKER_NAME"
  stack_wait "$STACK_WAIT_S" 'the worker' test -S "$STACK_RUN/worker.sock" \
    || { stack_log_tail worker; return 1; }
}

# The workers' stderr is in log/worker.log, whichever way they are run.
stack_worker_log() {
  cd "$STACK_DIR/log" || return 1
  [[ ! -L worker.log ]] || rm -f worker.log
  case $STACK_WEB in
  apache) ln -sf worker.log supervise.log ;;
  apache-fcgid) ln -sf apache.log worker.log ;;
  esac
}

stack_web_start() {
  local status name

  stack_running web && return 0
  stack_web_port || return 1
  stack_stage && stack_config_write && (stack_worker_log) || return 1
  name=${STACK_WEB%%-*}
  "stack_web_conf_$name" || return 1
  printf '%s\n' "${STACK_WEB_EXTRA:-}" >>"$STACK_DIR/etc/web.conf"
  case $STACK_WEB in
  lighttpd)
    stack_spawn web env "${STACK_ENV[@]}" lighttpd -D -f "$STACK_DIR/etc/web.conf"
    ;;
  apache)
    stack_worker_start || return 1
    stack_spawn web apache2 -DFOREGROUND -f "$STACK_DIR/etc/web.conf"
    ;;
  apache-fcgid)
    stack_spawn web apache2 -DFOREGROUND -f "$STACK_DIR/etc/web.conf"
    ;;
  esac
  status=$?
  if ((status)) \
    || ! stack_wait "$STACK_WAIT_S" "$STACK_WEB" stack_web_ready; then
    for name in web lighttpd apache worker; do
      stack_log_tail "$name"
    done
    stack_web_stop
    return 1
  fi
}

# The port is kept from one start to the next, unless another was asked for.
stack_web_port() {
  local before
  before=$(cat "$STACK_DIR/etc/port" 2>/dev/null)
  if ((STACK_PORT == 0)); then
    STACK_PORT=${before:-$(stack_port_free)}
    ! stack_port_used "$STACK_PORT" || STACK_PORT=$(stack_port_free)
  elif stack_port_used "$STACK_PORT"; then
    stack_fail "port $STACK_PORT is in use by another program; \
choose one with --port"
    return 1
  fi
  printf '%d\n' "$STACK_PORT" >"$STACK_DIR/etc/port"
  STACK_URL=http://127.0.0.1:$STACK_PORT
}

stack_web_ready() {
  stack_running web || return 1
  curl -fsS -o /dev/null --max-time 5 "$STACK_URL/readyz"
}

# What is left of a web server whose first process was killed: Apache's
# children serve on.
stack_web_orphans() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    { tr '\0' ' ' <"$file"; } 2>/dev/null \
      | grep -qF -e " -f $STACK_DIR/etc/web.conf" || continue
    file=${file#/proc/}
    printf '%d\n' "${file%/cmdline}"
  done
}

stack_web_stop() {
  stack_end web TERM 40
  stack_web_orphans | xargs -r kill -KILL 2>/dev/null
  stack_end supervise TERM 40
  # A web server may be gone before the workers that it told to stop, and one
  # that was killed has told them nothing.
  stack_workers | xargs -r kill -TERM 2>/dev/null
  if ! stack_wait 30 'the workers to stop' stack_no_workers; then
    stack_workers | xargs -r kill -KILL
  fi
  rm -f "$STACK_RUN"/worker.* "$STACK_RUN/worker.sock"*
}

# stack_web_reload: SIGHUP to the workers.
stack_web_reload() {
  local pid
  for pid in $(stack_workers); do
    kill -HUP "$pid"
  done
}
