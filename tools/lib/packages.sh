# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Debian 12's packages that Tollgate is built, run and tested with: the one
# list of them.  Sourced by tools/quickstart and tools/check; prints and
# installs nothing by itself.

# Run: servers without services of their own where Debian has such packages.
TG_PACKAGES_RUN=(
  apache2-bin
  ca-certificates
  curl
  jq
  libapache2-mod-fcgid
  libcurl4
  libfcgi0ldbl
  libjson-c5
  libmariadb3
  libmemcached11
  libmicrohttpd12
  libopenblas0-pthread
  liboath0
  libqrencode4
  libsodium23
  libunistring2
  lighttpd
  mariadb-client-core
  mariadb-server-core
  media-types
  memcached
  tzdata
)

TG_PACKAGES_BUILD=(
  autoconf
  autoconf-archive
  automake
  gcc
  git
  libc6-dev
  libcmocka-dev
  libcurl4-openssl-dev
  libfcgi-dev
  libjson-c-dev
  libmariadb-dev
  libmemcached-dev
  libmicrohttpd-dev
  libopenblas-dev
  liboath-dev
  libqrencode-dev
  libsodium-dev
  libunistring-dev
  make
  pkg-config
  python3-yaml
)

TG_PACKAGES_TEST=(
  apache2
  bible-kjv
  bible-kjv-text
  chromium
  clang-format
  faketime
  fortunes
  fortunes-min
  iproute2
  jargon-text
  lighttpd-mod-deflate
  lighttpd-mod-openssl
  mandoc
  mariadb-client
  node/nodejs
  openssl
  npm/npm
  procps
  python3-venv
  shellcheck
  xz-utils
  zsh
)

TG_PACKAGES_LONG=(
  clang
  cppcheck
  valgrind
)

# packages_missing NAME...: prints those that aren't installed. COMMAND/NAME
# is there too when the command is, from wherever it came.
packages_missing() {
  local name
  for name in "$@"; do
    if [[ $name == */* ]]; then
      ! command -v "${name%/*}" >/dev/null || continue
      name=${name#*/}
    fi
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) \
      == installed ]] || printf '%s\n' "$name"
  done
}

# packages_install NAME...: installs what is missing, with sudo unless root.
# The services that some packages bring are not started: a temporary
# policy-rc.d says so to Debian's maintainer scripts.
packages_install() {
  local -a missing sudo=()
  local policy=/usr/sbin/policy-rc.d made='' log status=0

  mapfile -t missing < <(packages_missing "$@")
  ((${#missing[@]})) || return 0
  if ! command -v apt-get >/dev/null; then
    echo "not a Debian system; install by hand: ${missing[*]}" >&2
    return 1
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "as root, run: apt-get install ${missing[*]}" >&2
      return 1
    fi
    sudo=(sudo)
  fi
  echo "installing ${#missing[@]} packages: ${missing[*]}"
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
    made=1
  fi
  log=$(mktemp)
  "${sudo[@]}" apt-get -o DPkg::Lock::Timeout=300 -q update \
    >"$log" 2>&1 </dev/null || true
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove \
    install "${missing[@]}" >>"$log" 2>&1 </dev/null || status=$?
  [[ -z $made ]] || "${sudo[@]}" rm -f "$policy"
  if ((status)); then
    tail -n 20 "$log" >&2
    echo "apt-get install failed (its output: $log)" >&2
    return 1
  fi
  rm -f "$log"
}
