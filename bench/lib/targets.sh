# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What is measured: the simulated upstream itself, a plain proxy, and private
# stacks of Tollgate behind each web server.  Sourced by bench/run, which sets
# top, dir, build, sim, keep.
#
# A target that runs has url[T]; body_model[T] and stream_model[T] name the
# models to ask for, api_key[T] the key, stack_web[T] its stack's web server.

declare -A url=() api_key=() body_model=() stream_model=() stack_web=()
declare -A label=(
  [direct]='direct'
  [mod_proxy]='lighttpd mod_proxy'
  [lighttpd]='Tollgate, lighttpd'
  [apache]='Tollgate, Apache mod_proxy_fcgi'
  ['apache-fcgid']='Tollgate, Apache mod_fcgid'
  [few]='Tollgate, lighttpd, for few keys'
)
# A stack's web server, where it isn't the target's name.
declare -A web_server=([few]=lighttpd)
targets_up=() targets_missing=() load_prefix=()
sim_pid='' proxy_pid=''

. "$top/tools/lib/stack.sh"

# --- the upstream and the plain proxy ----------------------------------------

upstream_start() {
  local -a tie=(--die-with-parent)
  [[ -z $keep ]] || tie=()
  rm -f "$dir/sim.addr"
  "$sim" --listen 127.0.0.1:0 --threads 2 "${tie[@]}" \
    --ready-file "$dir/sim.addr" >"$dir/sim.log" 2>&1 &
  sim_pid=$!
  stack_wait 10 'the upstream simulator' test -s "$dir/sim.addr" || return 1
  sim_addr=$(head -n 1 "$dir/sim.addr")
}

mod_proxy_start() {
  local port
  port=$(stack_port_free)
  mkdir -p "$dir/mod_proxy"
  cat >"$dir/mod_proxy/lighttpd.conf" <<CONF
server.modules = ( "mod_proxy" )
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$dir/mod_proxy"
server.errorlog = "$dir/mod_proxy/error.log"
server.upload-dirs = ( "$dir/mod_proxy" )
server.listen-backlog = 4096
server.max-fds = 16384
server.max-connections = 8000
server.max-write-idle = 900
server.stream-response-body = 2
proxy.server = ( "/" => ((
	"host" => "${sim_addr%:*}", "port" => ${sim_addr##*:}
)))
CONF
  setpriv --pdeathsig TERM lighttpd -D -f "$dir/mod_proxy/lighttpd.conf" \
    >"$dir/mod_proxy/log" 2>&1 &
  proxy_pid=$!
  stack_wait 10 'mod_proxy' curl -fsS "http://127.0.0.1:$port/healthz" \
    || return 1
  url[mod_proxy]=http://127.0.0.1:$port/v1/chat/completions
  body_model[mod_proxy]=sim-fixed
  stream_model[mod_proxy]=$paced_model
}

direct_start() {
  url[direct]=http://$sim_addr/v1/chat/completions
  body_model[direct]=sim-fixed
  stream_model[direct]=$paced_model
}

# --- Tollgate ----------------------------------------------------------------

# in_stack T CMD...: CMD with the stack's functions and variables, apart.
in_stack() {
  local target=$1
  shift
  (
    # Read by stack_init.
    # shellcheck disable=SC2034
    STACK_BUILD=$build STACK_WEB=${stack_web[$target]} \
      STACK_PROCESSES=2 STACK_THREADS=512 STACK_CONFIG=$(bench_config)
    stack_init "$dir/$target" || exit 1
    "$@"
  )
}

# What differs from a stack's defaults: journal files go as soon as the
# database has them, for hours of load would otherwise fill the disk.
bench_config() {
  printf '%s\n' TOLLGATE_JOURNAL_KEEP_S=30
}

stack_begin() {
  stack_stage && stack_config_write && stack_db_start && stack_cache_start \
    && stack_migrate && stack_web_start && provision
}

command_json() {
  stack_tollgate "$@" --json
}

post() {
  curl -fsS -X POST "$STACK_URL$1" -H "X-API-Key: $operator" \
    -H 'Content-Type: application/json' -d "$2"
}

# An operator, a customer, a key without a limit in its way, two models.
provision() {
  local operator customer key
  operator=$(command_json operator add --name bench | jq -er .key) || return 1
  command_json provider add --name sim --kind local \
    --base-url "http://$sim_addr" >/dev/null || return 1
  add_model bench sim-fixed && add_model bench-stream "$paced_model" \
    || return 1
  customer=$(post /customers '{"name":"Bench","email":"bench@example.org",
    "company":"Bench"}' | jq -er .id) || return 1
  key=$(post /api/keys "$(jq -n --argjson id "$customer" '{customer_id: $id,
    name: "bench", rate_limit: 1000000000}')" | jq -er .key) || return 1
  printf '%s\n%s\n' "$STACK_URL" "$key" >"$STACK_DIR/bench.target"
}

add_model() {
  command_json model add --name "$1" --provider sim --upstream-name "$2" \
    >/dev/null \
    && command_json price set --model "$1" --input 2.50 --cached-input 0.25 \
      --output 10 --reasoning 10 >/dev/null
}

tollgate_start() {
  local target=$1
  stack_web[$target]=${web_server[$target]:-$target}
  if ! in_stack "$target" stack_begin >"$dir/$target.log" 2>&1; then
    tail -n 20 "$dir/$target.log" >&2
    return 1
  fi
  {
    read -r url["$target"]
    read -r api_key["$target"]
  } <"$dir/$target/bench.target"
  url[$target]+=/v1/chat/completions
  body_model[$target]=bench
  stream_model[$target]=bench-stream
}

# --- all of them -------------------------------------------------------------

# An empty folder; one that an earlier run left is stopped and removed first.
folder_make() {
  local target
  if [[ -e $dir ]]; then
    [[ -e $dir/.bench || -z $(ls -A "$dir") ]] \
      || die "$dir is no folder of the benchmark; choose another --dir"
    for target in lighttpd apache apache-fcgid few; do
      [[ -d $dir/$target ]] || continue
      stack_web[$target]=${web_server[$target]:-$target}
      in_stack "$target" stack_stop >/dev/null 2>&1
    done
    stack_web=()
    rm -rf "$dir"
  fi
  mkdir -p "$dir" && touch "$dir/.bench" || die "can't write $dir"
  dir=$(cd "$dir" && pwd)
}

# targets_start T...: what doesn't start is said and left out.
targets_start() {
  local target
  upstream_start || die "the simulator did not start; see $dir/sim.log"
  for target in "$@"; do
    say "starting ${label[$target]:?no such target}"
    if target_start "$target" && target_answers "$target"; then
      targets_up+=("$target")
    else
      say "${label[$target]} does not run and is left out"
      targets_missing+=("$target")
    fi
  done
}

target_start() {
  case $1 in
  direct | mod_proxy) "${1}_start" ;;
  *) tollgate_start "$1" ;;
  esac
}

target_body() {
  local target=$1 more=${2:-} model=${body_model[$1]}
  [[ -z $more ]] || model=${stream_model[$target]}
  printf '{"model":"%s","messages":[{"role":"system","content":"%s"},%s]%s}' \
    "$model" 'You are a careful assistant.' \
    '{"role":"user","content":"Say something short about the weather."}' \
    "$more"
}

target_answers() {
  curl -fsS --max-time 10 "${url[$1]}" -d "$(target_body "$1")" \
    -H 'Content-Type: application/json' \
    -H "Authorization: Bearer ${api_key[$1]:-none}" \
    | jq -e '.usage.completion_tokens == 16' >/dev/null
}

# target_load T ARG...: http_load against it; its summary is printed.
# load_prefix is what runs it.
target_load() {
  local target=$1
  shift
  "${load_prefix[@]}" "$load" \
    --header "Authorization: Bearer ${api_key[$target]:-none}" \
    --header 'Content-Type: application/json' "$@" "${url[$target]}"
}

# The pids whose memory counts for a target.
target_pids() {
  case $1 in
  direct) ;;
  mod_proxy) printf '%s\n' "$proxy_pid" ;;
  *) in_stack "$1" stack_workers ;;
  esac
}

# Everything that works for a target: its web server, and for Tollgate the
# workers, memcached and MariaDB; the upstream and the load tool do not.
target_processes() {
  local name
  case $1 in
  direct) ;;
  mod_proxy) printf '%s\n' "$proxy_pid" ;;
  *)
    in_stack "$1" stack_workers
    for name in web memcached mariadb; do
      in_stack "$1" stack_pid "$name"
    done
    # Apache's own children
    pgrep -P "$(in_stack "$1" stack_pid web)" -x apache2
    ;;
  esac
}

# CPU time of processes so far, in ms.
cpu_ms() {
  local pid
  for pid in "$@"; do
    sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null
  done | awk -v hz="$(getconf CLK_TCK)" '{ n += $12 + $13 }
    END { printf "%d\n", n * 1000 / hz }'
}

targets_stop() {
  local target
  [[ -z $keep ]] || return 0
  for target in "${!stack_web[@]}"; do
    in_stack "$target" stack_stop >>"$dir/$target.log" 2>&1
  done
  [[ -z $proxy_pid ]] || kill "$proxy_pid" 2>/dev/null
  [[ -z $sim_pid ]] || kill "$sim_pid" 2>/dev/null
  wait
}
