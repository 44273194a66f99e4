# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # out, err, code, STACK_... go to and fro
# The tollgate command against a database and a memcached of its own; no
# worker runs.  Sourced behind tap.sh, from the top of the tree.

command -v mariadbd >/dev/null || PATH=$PATH:/usr/sbin
command -v mariadbd >/dev/null || skip_all 'no mariadbd on this machine'
dir=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-admin.XXXXXX")
STACK_BUILD=${TOLLGATE_BUILD_DIR:-$PWD/build}
for name in $(compgen -e TOLLGATE_); do unset "$name"; done
# The stack wants a worker to stage; nothing here starts one.
STACK_WORKER=$STACK_BUILD/src/admin/tollgate
[[ -x $STACK_WORKER ]] || { echo "Bail out! not built: $STACK_WORKER"; exit 1; }
. tools/lib/stack.sh
finish() {
  stack_cache_stop >/dev/null 2>&1
  stack_db_stop >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT
{
  stack_init "$dir" && stack_stage && stack_config_write && stack_db_start \
    && stack_cache_start
} >&2 || { echo 'Bail out! no servers'; exit 1; }

out='' err='' code=0
# t ARG...: runs the command; sets out, err, code.
t() {
  stack_tollgate "$@" >"$dir/out" 2>"$dir/err" </dev/null
  code=$?
  out=$(<"$dir/out") err=$(<"$dir/err")
}
# tin TEXT ARG...: the same with TEXT on its standard input.
tin() {
  local text=$1
  shift
  printf '%s\n' "$text" | stack_tollgate "$@" >"$dir/out" 2>"$dir/err"
  code=$?
  out=$(<"$dir/out") err=$(<"$dir/err")
}
# j FILTER: jq over the last output.
j() {
  jq -er "$1" <<<"$out" 2>/dev/null
}
sql() {
  stack_sql tollgate -e "$1"
}
