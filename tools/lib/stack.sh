# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Private stacks: a MariaDB, a memcached, the upstream simulator and a web
# server with its workers, all below one folder, on unix sockets and one
# loopback port.  Sourced by tools/quickstart, tools/check, bench/run and by
# tests that need servers of their own.
#
#   . tools/lib/stack.sh
#   stack_init DIR            names and folders; starts nothing
#   stack_start               everything that isn't running yet
#   stack_stop                everything, data kept
# or, one at a time: stack_{db,cache,sim,models,web}_{start,stop}, stack_kill.
#
# Set before stack_init to change what it does:
#   STACK_BUILD      build folder                        (TOP/build)
#   STACK_WEB        lighttpd | apache | apache-fcgid    (lighttpd)
#   STACK_PORT       0: any free one                     (0)
#   STACK_PROCESSES  worker processes                    (2; apache: 1 of
#   STACK_THREADS    request threads in each              the product)   (64)
#   STACK_WORKER     program in place of tollgate.fcgi
#   STACK_MODEL_SERVER  program in place of tollgate-gpt2
#   STACK_WEB_EXTRA  lines added to the web server's own configuration
#   STACK_ALLOW_IP   the one address that may ask for health (loopback)
#   STACK_CONFIG     lines added to tollgate.conf
#   STACK_ENV        array of NAME=VALUE for the workers
#
# Nothing of the caller's environment that is named TOLLGATE_* reaches a
# server: the file DIR/tollgate.conf alone configures it.  Started by root,
# the servers run as www-data if that account can reach DIR, else as root.
# The workers' log lines are in DIR/log/worker.log.
# Readiness is waited for by asking the server, never by sleeping in hope;
# what is stopped are the processes recorded in DIR/run/*.pid.

STACK_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Where Debian keeps servers; an ordinary user's PATH has it not.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
STACK_WAIT_S=${STACK_WAIT_S:-60}
STACK_SOCKET_PATH_MAX=107
STACK_BODY_MAX_KIB=33792
STACK_SILENCE_S=900
STACK_FCGID_PROCESSES=${STACK_FCGID_PROCESSES:-64}
declare -a STACK_ENV=("${STACK_ENV[@]}")

. "$STACK_TOP/tools/lib/stack_servers.sh"
. "$STACK_TOP/tools/lib/stack_web.sh"

stack_say() {
  printf '%s\n' "$*" >&2
}

stack_fail() {
  stack_say "stack: $*"
  return 1
}

# --- folders, account, ports -------------------------------------------------

stack_init() {
  local dir=$1

  mkdir -p "$dir" || return 1
  STACK_DIR=$(cd "$dir" && pwd -P) || return 1
  STACK_BUILD=${STACK_BUILD:-$STACK_TOP/build}
  STACK_WEB=${STACK_WEB:-lighttpd}
  STACK_PORT=${STACK_PORT:-0}
  STACK_PROCESSES=${STACK_PROCESSES:-2}
  STACK_THREADS=${STACK_THREADS:-64}
  STACK_CONFIG=${STACK_CONFIG:-}
  case $STACK_WEB in
  lighttpd | apache | apache-fcgid) ;;
  *) stack_fail "no web server '$STACK_WEB' (lighttpd, apache, apache-fcgid)" \
    || return 1 ;;
  esac
  [[ $STACK_DIR != *[[:space:]\"\&\|\\]* ]] \
    || stack_fail "the folder's name has characters that configuration files \
can't hold: $STACK_DIR" || return 1
  stack_pick_user
  if [[ $STACK_WEB != lighttpd && $STACK_USER == root ]]; then
    stack_fail "Apache won't run as root, and www-data can't reach \
$STACK_DIR: choose another folder, or start it as an ordinary user"
    return 1
  fi
  stack_folders || return 1
  STACK_DB_SOCKET=$STACK_RUN/mariadb.sock
  STACK_DB_NAME=tollgate
  STACK_MEMCACHED_SOCKET=$STACK_RUN/memcached.sock
  STACK_SIM_SOCKET=$STACK_RUN/sim.sock
  STACK_STATE=$STACK_DIR/state
  STACK_JOURNAL=$STACK_STATE/journal
  STACK_CONF=$STACK_DIR/tollgate.conf
}

# Root hands its servers to www-data, as a real host does, where it can.
stack_pick_user() {
  STACK_USER=$(id -un)
  ((EUID == 0)) || return 0
  chmod a+x "$STACK_DIR"
  if id www-data >/dev/null 2>&1 && setpriv --reuid=www-data \
    --regid=www-data --clear-groups test -x "$STACK_DIR" 2>/dev/null; then
    STACK_USER=www-data
  fi
}

stack_folders() {
  local name

  for name in bin db empty etc log share state tmp tokenizers; do
    mkdir -p "$STACK_DIR/$name" || return 1
  done
  # A socket's path has 107 bytes; a deep folder gets its run/ elsewhere.
  if ((${#STACK_DIR} + 30 > STACK_SOCKET_PATH_MAX)) \
    && [[ ! -e $STACK_DIR/run/. ]]; then
    rm -f "$STACK_DIR/run"
    ln -s "$(mktemp -d /tmp/tollgate-run.XXXXXX)" "$STACK_DIR/run" || return 1
  fi
  mkdir -p "$STACK_DIR/run"
  STACK_RUN=$(cd "$STACK_DIR/run" && pwd -P)
  chmod 0750 "$STACK_RUN" "$STACK_DIR/state" "$STACK_DIR/etc"
  ((EUID == 0)) || return 0
  # A command that root ran may have left files of root's here.
  chown -R "$STACK_USER:" "$STACK_DIR/state"
  # The rest all the way down only when the account has changed: a running
  # stack's files are not to be walked through for nothing.
  for name in "$STACK_RUN" "$STACK_DIR"/{db,etc,log,tmp,tokenizers}; do
    [[ $(stat -c %U "$name") == "$STACK_USER" ]] \
      || chown -R "$STACK_USER:" "$name" || return 1
  done
}

# stack_as CMD...: runs it as the servers' account, without TOLLGATE_*.
stack_as() {
  local name
  local -a clean=(env)

  for name in $(compgen -e); do
    case $name in
    TOLLGATE_* | OTEL_* | STRIPE_*) clean+=(-u "$name") ;;
    esac
  done
  if ((EUID == 0)) && [[ $STACK_USER != root ]]; then
    setpriv --reuid="$STACK_USER" --regid="$STACK_USER" --init-groups \
      "${clean[@]}" "$@"
  else
    "${clean[@]}" "$@"
  fi
}

# Is a TCP port in use on any address of this machine?
stack_port_used() {
  local hex
  printf -v hex '%04X' "$1"
  awk -v port="$hex" '$4 == "0A" { n = split($2, at, ":")
    if (at[n] == port) found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Below 32768, where Linux begins to give ports to connections: one that ended
# a minute ago would still be in a server's way.
stack_port_free() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12768))
    stack_port_used "$port" || break
  done
  printf '%d\n' "$port"
}

# --- processes ---------------------------------------------------------------

# stack_wait SECONDS WHAT CMD...: until CMD succeeds.
stack_wait() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= until)); then
      stack_fail "waited in vain for $what"
      return 1
    fi
    sleep 0.05
  done
}

# The pid of a service of this stack, if it runs.  A recycled number is told
# from ours by the command line, which always names the stack's folder.
stack_pid() {
  local pid
  pid=$(cat "$STACK_RUN/$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null \
    | grep -qF -e "$STACK_DIR" -e "$STACK_RUN" || return 1
  printf '%d\n' "$pid"
}

stack_running() {
  stack_pid "$1" >/dev/null
}

# stack_spawn NAME CMD...: in the background, apart from this terminal, its
# output in log/NAME.log, its pid in run/NAME.pid.
stack_spawn() {
  local name=$1
  shift
  rm -f "$STACK_RUN/$name.pid"
  # shellcheck disable=SC2016
  stack_as setsid --fork bash -c \
    'echo $$ >"$1.new" && mv -f "$1.new" "$1" || exit 1; shift; exec "$@"' \
    spawn "$STACK_RUN/$name.pid" "$@" \
    </dev/null >>"$STACK_DIR/log/$name.log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&-
  stack_wait 10 "$name to begin" test -s "$STACK_RUN/$name.pid"
}

# stack_end NAME [SIGNAL [SECONDS]]: stops it; SIGKILL when time is up.
stack_end() {
  local name=$1 signal=${2:-TERM} seconds=${3:-40} pid
  if pid=$(stack_pid "$name"); then
    kill -"$signal" "$pid" 2>/dev/null
    if ! stack_wait "$seconds" "$name to stop" stack_gone "$pid"; then
      kill -KILL "$pid" 2>/dev/null
      stack_wait 10 "$name to die" stack_gone "$pid"
    fi
  fi
  rm -f "$STACK_RUN/$name.pid"
}

stack_gone() {
  local state
  state=$(awk '/^State:/ { print $2 }' "/proc/$1/status" 2>/dev/null)
  [[ -z $state || $state == Z ]]
}

# stack_kill NAME [SIGNAL]: one blow, for fault tests; returns when it is dead.
stack_kill() {
  local pid
  pid=$(stack_pid "$1") || return 1
  kill -"${2:-KILL}" "$pid" && stack_wait 10 "$1 to die" stack_gone "$pid"
}

# The pids of the workers, whoever started them.
stack_workers() {
  local exe
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" 2>/dev/null) in
    "$STACK_DIR/bin/${STACK_WORKER_NAME:-tollgate.fcgi}" | \
      "$STACK_DIR/bin/${STACK_WORKER_NAME:-tollgate.fcgi} (deleted)")
      exe=${exe#/proc/}
      printf '%d\n' "${exe%/exe}"
      ;;
    esac
  done
}

stack_no_workers() {
  [[ -z $(stack_workers) ]]
}

# stack_log_tail NAME: errors in its log and its end, for a failure's report.
stack_log_tail() {
  [[ -s $STACK_DIR/log/$1.log ]] || return 0
  stack_say "--- $STACK_DIR/log/$1.log, lines with errors and the end:"
  head -n -15 "$STACK_DIR/log/$1.log" | grep -iE 'error|fail' | head -n 10 >&2
  tail -n 15 "$STACK_DIR/log/$1.log" >&2
}

# --- what the servers run ----------------------------------------------------

# Programs and templates are copied below DIR, so that the servers' account
# can reach them and a rebuild changes nothing under a running stack.
stack_stage() {
  local program=${STACK_WORKER:-$STACK_BUILD/src/daemon/tollgate.fcgi}

  [[ -x $program ]] || stack_fail "not built: $program" || return 1
  STACK_WORKER_NAME=$(basename "$program")
  stack_copy "$program" && stack_copy "$STACK_TOP/tools/lib/supervise" \
    || return 1
  if [[ -x $STACK_BUILD/src/admin/tollgate ]]; then
    stack_copy "$STACK_BUILD/src/admin/tollgate" || return 1
  fi
  program=${STACK_MODEL_SERVER:-$STACK_BUILD/src/gpt2d/tollgate-gpt2}
  if [[ -x $program ]]; then
    stack_copy "$program" tollgate-gpt2 || return 1
  fi
  mkdir -p "$STACK_DIR/share/schema" "$STACK_DIR/share/templates/static" \
    "$STACK_DIR/share/models"
  stack_copy_models || return 1
  if [[ -d $STACK_TOP/templates ]]; then
    cp -R "$STACK_TOP/templates/." "$STACK_DIR/share/templates/" || return 1
  fi
  if [[ -d $STACK_TOP/sql/schema ]]; then
    cp -R "$STACK_TOP/sql/schema/." "$STACK_DIR/share/schema/" || return 1
  fi
  chmod -R a+rX "$STACK_DIR/share" "$STACK_DIR/bin"
}

# stack_copy PROGRAM [NAME]
stack_copy() {
  local to
  to=$STACK_DIR/bin/${2:-$(basename "$1")}
  cmp -s "$1" "$to" || { cp "$1" "$to.new" && chmod 755 "$to.new" \
    && mv -f "$to.new" "$to"; }
}

# A running server has its model's weights mapped: what is the same stays, and
# what is new gets a file of its own.
stack_copy_models() {
  local from to
  [[ -d $STACK_TOP/models ]] || return 0
  while IFS= read -r -d '' from; do
    to=$STACK_DIR/share/models/${from#"$STACK_TOP/models/"}
    cmp -s "$from" "$to" && continue
    mkdir -p "${to%/*}" && cp "$from" "$to.new" && mv -f "$to.new" "$to" \
      || return 1
  done < <(find "$STACK_TOP/models" -type f -print0)
}

stack_secret() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# Secrets are made once; the configuration is written anew at each start.
# DIR/local.conf, if there, is added at its end and never touched.
stack_config_write() {
  local secrets=$STACK_DIR/etc/secrets

  if [[ ! -s $secrets ]]; then
    (
      umask 077
      printf 'TOLLGATE_%s\n' "AUTH_PEPPER=$(stack_secret)" \
        "SEAL_KEY=$(stack_secret)" "DB_PASSWORD=$(stack_secret)" >"$secrets"
    ) || return 1
  fi
  (
    umask 077
    exec >"$STACK_CONF.new"
    cat <<CONF
# Written by tools/lib/stack.sh at each start; put your own settings into
# local.conf beside this file.
TOLLGATE_STATE_DIR=$STACK_STATE
TOLLGATE_TOKENIZERS_DIR=$STACK_DIR/tokenizers
TOLLGATE_DB_SOCKET=$STACK_DB_SOCKET
TOLLGATE_DB_NAME=$STACK_DB_NAME
TOLLGATE_DB_USER=tollgate
TOLLGATE_MEMCACHED_SERVERS=$STACK_MEMCACHED_SOCKET
TOLLGATE_TEMPLATES_DIR=$STACK_DIR/share/templates
TOLLGATE_SCHEMA_DIR=$STACK_DIR/share/schema
TOLLGATE_MODELS_DIRECTORY=$STACK_DIR/share/models
TOLLGATE_MODELS_SOCKET_DIR=$STACK_RUN/gpt2
TOLLGATE_MODELS_SERVER=$STACK_DIR/bin/tollgate-gpt2
CONF
    cat "$secrets"
    [[ -z $STACK_CONFIG ]] || printf '%s\n' "$STACK_CONFIG"
    [[ ! -r $STACK_DIR/local.conf ]] || cat "$STACK_DIR/local.conf"
  ) || return 1
  chmod 0640 "$STACK_CONF.new"
  ((EUID != 0)) || chown "$STACK_USER:" "$STACK_CONF.new" "$secrets"
  mv -f "$STACK_CONF.new" "$STACK_CONF"
}

# stack_tollgate ARG...: the command line, with this stack's configuration.
stack_tollgate() {
  stack_as env TOLLGATE_CONFIG="$STACK_CONF" "$STACK_DIR/bin/tollgate" "$@"
}

# --- all of it ---------------------------------------------------------------

stack_start() {
  stack_stage && stack_config_write && stack_db_start && stack_cache_start \
    && stack_sim_start && stack_migrate && stack_web_start
}

# As its own account, which alone may change tables.
stack_migrate() {
  local password
  password=$(cat "$STACK_DIR/etc/migrate_password") || return 1
  if ! stack_as env TOLLGATE_CONFIG="$STACK_CONF" \
    TOLLGATE_DB_USER=tollgate_migrate TOLLGATE_DB_PASSWORD="$password" \
    "$STACK_DIR/bin/tollgate" migrate >>"$STACK_DIR/log/migrate.log" 2>&1; then
    stack_log_tail migrate
    stack_fail 'tollgate migrate failed'
    return 1
  fi
  stack_sql <"$STACK_TOP/sql/grants.sql"
}

stack_stop() {
  stack_web_stop
  stack_models_stop
  stack_sim_stop
  stack_cache_stop
  stack_db_stop
}
