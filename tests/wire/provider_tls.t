#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=240
# Providers over HTTPS: connections that are kept, certificates that are not
# believed, ends that come too early. One worker, so that connections can be
# counted.
set -u
umask 022 # certificates are for the servers' account
cd "$(dirname "$0")/../.." || exit 1

# Where it can, it runs among mounts of its own, to make an authority that the
# system believes.
if ((EUID == 0)) && [[ ${1:-} != mounts ]] && unshare -m true 2>/dev/null; then
  exec unshare -m tests/wire/provider_tls.t mounts
fi
. tools/lib/stack.sh

dir=$(mktemp -d /var/tmp/tollgate-tls.XXXXXX) || exit 1
chmod a+rx "$dir"
build=${TOLLGATE_BUILD_DIR:-$PWD/build}
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$dir"
}
trap finish EXIT

# --- certificates ------------------------------------------------------------

tls=$dir/tls
mkdir "$tls"
cat >"$tls/openssl.cnf" <<'CONF'
[req]
distinguished_name = empty
[empty]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[localhost]
subjectAltName = DNS:localhost
[elsewhere]
subjectAltName = DNS:elsewhere.invalid
CONF
# certificate FILE EXTENSIONS [OPTION]...
certificate() {
  openssl req -x509 -config "$tls/openssl.cnf" -extensions "$2" -days 2 \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=test $1" \
    -keyout "$tls/$1.key" -out "$tls/$1.pem" "${@:3}"
}
# signed FILE EXTENSIONS AUTHORITY
signed() {
  certificate "$1" "$2" -CA "$tls/$3.pem" -CAkey "$tls/$3.key"
}
{
  certificate authority authority \
    && certificate stranger authority \
    && signed good localhost authority \
    && signed unknown localhost stranger \
    && signed misnamed elsewhere authority
} >"$dir/openssl.log" 2>&1 || {
  sed 's/^/# /' "$dir/openssl.log"
  echo 'Bail out! no certificates'
  exit 1
}

# Where Debian's libcurl looks, the stranger is the one authority: the system
# believes it, upstream.ca_file does not.
if [[ ${1:-} == mounts && -d /etc/ssl/certs ]]; then
  TLS_SYSTEM=$tls/system
  TLS_LINK=$(openssl x509 -in "$tls/stranger.pem" -noout -hash).0
  export TLS_SYSTEM TLS_LINK
  mkdir "$TLS_SYSTEM"
  cp "$tls/stranger.pem" "$TLS_SYSTEM/$TLS_LINK"
  mount --bind "$TLS_SYSTEM" /etc/ssl/certs || exit 1
fi

# --- the stack ---------------------------------------------------------------

echo "TOLLGATE_UPSTREAM_CA_FILE=$tls/authority.pem" >"$dir/local.conf"
export STACK_PROCESSES=1
tools/quickstart --no-build --build "$build" --dir "$dir" --port 0 \
  >"$dir/quickstart.log" 2>&1 \
  || { sed 's/^/# /' "$dir/quickstart.log"; echo 'Bail out! no stack'; exit 1; }
set -a
. "$dir/env"
set +a
export TOLLGATE_STACK_DIR=$dir TOLLGATE_BUILD_DIR=$build
node tests/wire/provider_tls.mjs
