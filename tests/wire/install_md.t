#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=900 sanitize=no
# Follows doc/install.md: its own commands, unchanged and in order, once for
# each of its three kinds of site.
#
# They run in mount, network and process namespaces of their own, where /etc,
# /usr/local and parts of /var are overlays that vanish afterwards, port 80 is
# free, and a MariaDB listens where Debian's does.  Three things are not real:
# apt-get only looks whether the packages are there, systemctl does by hand
# what the installed unit files say (tests/support/systemctl), and the
# provider is the simulator.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
build=${TOLLGATE_BUILD_DIR:-$PWD/build}

# --- outside: make the namespaces --------------------------------------------

if [[ ${1-} != inside ]]; then
  ((EUID == 0)) || skip_all 'only root can make the namespaces'
  unshare -m -n -p --fork true 2>/dev/null \
    || skip_all 'this machine allows no namespaces'
  # A real disk: journals refuse others.
  dir=$(mktemp -d /var/tmp/tollgate-install.XXXXXX)
  trap 'rm -rf "$dir"' EXIT
  chmod 755 "$dir"
  unshare -m -n -p --fork --kill-child --propagation private \
    "$PWD/tests/wire/install_md.t" inside "$dir"
  exit
fi

# --- inside: a host as the page finds it -------------------------------------

dir=$2
log=$dir/log
bail() {
  echo "Bail out! $*"
  [[ ! -s $log ]] || tail -n 60 "$log" | sed 's/^/# /'
  exit 1
}

prepare_folders() {
  local name
  mount -t proc proc /proc || return 1
  ip link set lo up
  mount -t tmpfs -o mode=755 tmpfs /run || return 1
  mkdir -p /run/mysqld /run/lock "$dir"/{state,db,source,bin}
  for name in etc usr/local var/lib var/log var/cache; do
    mkdir -p "$dir/over/$name/up" "$dir/over/$name/work"
    mount -t overlay overlay -o "lowerdir=/$name,upperdir=$dir/over/$name/up,\
workdir=$dir/over/$name/work" "/$name" || return 1
  done
  mkdir -p /var/lib/tollgate && mount --bind "$dir/state" /var/lib/tollgate
  echo '127.0.0.1 ai.example.org' >>/etc/hosts
  # What an ordinary program of this name would ask of the machine.
  cp "$PWD/tests/support/systemctl" "$dir/bin/systemctl"
  cat >"$dir/bin/apt-get" <<'SH'
#!/bin/bash
shift
dpkg-query -W "$@" >/dev/null
SH
  chmod 755 "$dir/bin/"*
  export PATH="$dir/bin:/usr/local/sbin:/usr/local/bin:$PATH"
  # The checkout, without what was built in it.
  if [[ -d .git || -f .git ]]; then
    git ls-files -z | xargs -0 cp --parents -t "$dir/source"
    tools/version.sh >"$dir/source/.tarball-version"
  else
    cp -R . "$dir/source"
  fi
}

prepare_servers() {
  local n
  mariadb-install-db --no-defaults --datadir="$dir/db" --user=root \
    --skip-test-db >>"$log" 2>&1 || return 1
  mariadbd --no-defaults --datadir="$dir/db" --user=root --skip-networking \
    --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid \
    --log-error="$dir/mariadb.log" >>"$log" 2>&1 &
  cp "$build/tests/support/upstream_sim" "$dir/bin/" || return 1
  runuser -u www-data -- "$dir/bin/upstream_sim" --listen unix:/tmp/sim-$$ \
    >>"$log" 2>&1 &
  for ((n = 0; n < 600; n++)); do
    mariadb -e 'DO 1' 2>/dev/null && [[ -S /tmp/sim-$$ ]] && return 0
    sleep 0.1
  done
  return 1
}

# --- the page, as a script ---------------------------------------------------

# The page's blocks for one kind of site: those marked "sh" and "sh KIND".
# Each runs in the same shell; the first command that fails ends it.
page_script() {
  awk -v kind="$1" '
    /^## / { title = substr($0, 4); gsub(/[^A-Za-z0-9 .,]/, "", title) }
    /^```sh$/ || $0 == "```sh " kind { inside = 1
      printf "page_step=\"%s\"\n", title; next }
    /^```$/ && inside { inside = 0
      printf "echo \"ok $((++page_n)) - %s: $page_step\" >&3\n", kind; next }
    inside { print }' doc/install.md
}

follow() {
  local kind=$1 number=$2
  {
    echo 'set -eEu -o pipefail'
    echo "trap 'echo \"not ok \$((++page_n)) - $kind: \$page_step\" >&3' ERR"
    printf 'page_n=%d\nbase_url=unix:/tmp/sim-%d provider_key=simulated\n' \
      "$number" "$$"
    echo 'set -x'
    # Built and installed once; the sites differ from step 2 on.
    if [[ $kind == lighttpd ]]; then
      page_script "$kind"
    else
      page_script "$kind" | awk '/^page_step="2/ { on = 1 } on'
    fi
  } >"$dir/script.$kind"
  (cd "$dir/source" && bash "$dir/script.$kind") 3>>"$dir/tap" >>"$log" 2>&1
}

# Back to a host without Tollgate, for the next kind of site.
undo() {
  systemctl stop lighttpd apache2 tollgate.socket tollgate.service \
    tollgate-models \
    tollgate-memcached >>"$log" 2>&1
  a2dissite tollgate >>"$log" 2>&1
  mariadb -e "DROP DATABASE IF EXISTS tollgate;
    DROP USER IF EXISTS 'tollgate'@'localhost';
    DROP USER IF EXISTS 'tollgate_migrate'@'localhost'"
  find /var/lib/tollgate /etc/tollgate -mindepth 1 -delete 2>/dev/null
  rm -f /etc/lighttpd/conf-enabled/50-tollgate.conf
}

metered() {
  local n
  for ((n = 0; n < 100; n++)); do
    [[ $(mariadb -N -e 'SELECT COUNT(*) FROM tollgate.usage_records') == 1 ]] \
      && return 0
    sleep 0.1
  done
  return 1
}

workers_run_as() {
  local pid seen=''
  for pid in /proc/[0-9]*; do
    [[ $(readlink "$pid/exe") == */libexec/tollgate.fcgi ]] || continue
    seen=$(stat -c %U "$pid")
    [[ $seen == "$1" ]] || return 1
  done
  [[ -n $seen ]]
}

prepare_folders || bail 'no overlay folders'
prepare_servers || bail 'no servers'
for kind in lighttpd apache apache-fcgid; do
  : >"$dir/tap"
  follow "$kind" "$tap_count"
  status=$?
  cat "$dir/tap"
  tap_count=$((tap_count + $(grep -c . "$dir/tap")))
  if ((status)); then
    tap_failed=$((tap_failed + 1))
    tail -n 60 "$log" | sed 's/^/# /'
    break
  fi
  ok "$kind: the first request has its usage row" metered
  ok "$kind: the workers are not root's" workers_run_as www-data
  undo
done
rm -f "/tmp/sim-$$"
tap_done
