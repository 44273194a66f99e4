# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The servers behind the workers of a private stack: MariaDB, memcached, the
# upstream simulator, the local models' servers.  Sourced by stack.sh, which see.

# --- MariaDB -----------------------------------------------------------------

stack_db_conf() {
  cat >"$STACK_DIR/etc/my.cnf" <<CONF
[mariadbd]
datadir = $STACK_DIR/db
socket = $STACK_DB_SOCKET
pid-file = $STACK_RUN/mariadb.pid
log-error = $STACK_DIR/log/mariadb.log
tmpdir = $STACK_DIR/tmp
skip-networking
skip-name-resolve
skip-log-bin
character-set-server = utf8mb4
max_connections = 500
innodb_buffer_pool_size = 128M
innodb_log_file_size = 96M
innodb_flush_log_at_trx_commit = 1
performance_schema = OFF
$(if ((EUID == 0)) && [[ $STACK_USER == root ]]; then echo user = root; fi)
CONF
}

# The empty database directory, once. Its temporary files are apart, too: each
# MariaDB that starts removes what others have in a folder that they share.
stack_db_install() {
  [[ ! -e $STACK_DIR/db/.complete ]] || return 0
  find "$STACK_DIR/db" -mindepth 1 -delete
  stack_as mariadb-install-db --no-defaults --datadir="$STACK_DIR/db" \
    --tmpdir="$STACK_DIR/tmp" --auth-root-authentication-method=normal --skip-test-db \
    --skip-name-resolve --user="$STACK_USER" \
    >>"$STACK_DIR/log/mariadb-install.log" 2>&1 </dev/null \
    || { stack_log_tail mariadb-install
      stack_fail 'mariadb-install-db failed'; return 1; }
  stack_as touch "$STACK_DIR/db/.complete"
}

# stack_sql [ARG...]: the mariadb client as the database's root.
stack_sql() {
  mariadb --no-defaults --socket="$STACK_DB_SOCKET" --user=root \
    --batch --skip-column-names "$@"
}

# The accounts of sql/accounts.sql; grants.sql comes after the tables.
stack_db_accounts() {
  local file=$STACK_DIR/etc/secrets own=$STACK_DIR/etc/migrate_password
  [[ -s $own ]] || (umask 077; stack_secret >"$own") || return 1
  sed -e "s/change-me-workers/$(sed -n 's/^TOLLGATE_DB_PASSWORD=//p' "$file")/" \
    -e "s/change-me-migrate/$(cat "$own")/" "$STACK_TOP/sql/accounts.sql" \
    | stack_sql
}

stack_db_start() {

  stack_running mariadb && stack_sql -e 'DO 1' 2>/dev/null && return 0
  stack_db_conf
  stack_db_install || return 1
  stack_spawn mariadb mariadbd --defaults-file="$STACK_DIR/etc/my.cnf" \
    || return 1
  if ! stack_wait "$STACK_WAIT_S" MariaDB stack_sql -e 'DO 1'; then
    stack_log_tail mariadb
    return 1
  fi
  stack_db_accounts
}

stack_db_stop() {
  stack_end mariadb TERM 60
}

# --- memcached ---------------------------------------------------------------

stack_cache_start() {
  local -a user=()
  stack_running memcached && return 0
  [[ $STACK_USER != root ]] || user=(-u root)
  rm -f "$STACK_MEMCACHED_SOCKET"
  # As httpd-conf/systemd/tollgate-memcached.service.in has it.
  stack_spawn memcached chrt --batch 0 memcached "${user[@]}" \
    -s "$STACK_MEMCACHED_SOCKET" -a 0660 -U 0 -m 64 -c 1024 -t 1 || return 1
  stack_wait "$STACK_WAIT_S" memcached test -S "$STACK_MEMCACHED_SOCKET" \
    || { stack_log_tail memcached; return 1; }
}

stack_cache_stop() {
  stack_end memcached
  rm -f "$STACK_MEMCACHED_SOCKET"
}

# --- the upstream simulator --------------------------------------------------

stack_sim_start() {
  local program=$STACK_BUILD/tests/support/upstream_sim
  stack_running sim && return 0
  [[ -x $program ]] || stack_fail "not built: $program" || return 1
  stack_copy "$program" || return 1
  rm -f "$STACK_SIM_SOCKET"
  rm -f "$STACK_RUN/sim.addr"
  stack_spawn sim "$STACK_DIR/bin/upstream_sim" \
    --listen "unix:$STACK_SIM_SOCKET" --listen 127.0.0.1:0 \
    --ready-file "$STACK_RUN/sim.addr" || return 1
  stack_wait "$STACK_WAIT_S" 'the upstream simulator' \
    curl -fsS --unix-socket "$STACK_SIM_SOCKET" http://sim/healthz \
    || { stack_log_tail sim; return 1; }
}

stack_sim_stop() {
  stack_end sim
  rm -f "$STACK_SIM_SOCKET"
}

# --- local models ------------------------------------------------------------

# `tollgate model serve` runs a server for each, as the database says.
stack_models_start() {
  stack_running models && return 0
  stack_spawn models env TOLLGATE_CONFIG="$STACK_CONF" \
    "$STACK_DIR/bin/supervise" "$STACK_RUN/model-serve.pid" \
    "$STACK_DIR/bin/tollgate" model serve || return 1
  stack_wait "$STACK_WAIT_S" 'the model servers'"'"' supervisor' \
    test -e "$STACK_RUN/gpt2/supervisor.lock" \
    || { stack_log_tail models; return 1; }
}

stack_models_stop() {
  stack_end models TERM 60
}
