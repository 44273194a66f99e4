#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# tools/quickstart on a host whose network is gone once the packages are there:
# it still builds and starts everything, and model 1 answers, from this tree's
# model and from nothing else.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
. tools/lib/stack.sh

# This script once more, where there is no network but loopback. An ordinary
# user may do that within a user namespace, as its root, and goes back to what
# it was in a second one.
if [[ -z ${QUICKSTART_OFFLINE-} ]]; then
  apart=(unshare --net) back=()
  if ((EUID != 0)); then
    apart=(unshare --user --map-root-user --net)
    back=(unshare --user --map-user="$EUID" --map-group="$(id -g)")
  fi
  if ! why=$(LC_ALL=C "${apart[@]}" "${back[@]}" true 2>&1); then
    # What it is that can be forbidden; anything else is a failure below.
    [[ ! $why =~ 'not permitted'|'No space left' ]] \
      || skip_all "unshare is not permitted here ($why)"
  fi
  # shellcheck disable=SC2016
  QUICKSTART_OFFLINE=1 exec "${apart[@]}" bash -c \
    'ip link set lo up && exec "$@"' apart "${back[@]}" "$PWD/${0#"$PWD"/}"
fi

build=${TOLLGATE_BUILD_DIR:-$PWD/build}
top=$(mktemp -d /var/tmp/tollgate-offline.XXXXXX) || exit 1
chmod 755 "$top"
dir=$top/var
finish() {
  tools/quickstart stop --dir "$dir" >/dev/null 2>&1
  rm -rf "$top"
}
trap finish EXIT

nothing_runs() {
  local pid
  for pid in /proc/[0-9]*; do
    ! { tr '\0' ' ' <"$pid/cmdline"; } 2>/dev/null | grep -qF "$dir/" \
      || return 1
  done
}

golden() {
  jq -j '.cases[] | select(.prompt == "Your prompt here") | .text' \
    tests/golden/gpt2-mini.json
}

# ask MODEL TEXT: the call of the documents; the answer, and its status behind.
ask() {
  curl -sS -X POST "$TOLLGATE_URL/generate" \
    -H "Content-Type: application/json" \
    -H "X-API-Key: $TOLLGATE_API_KEY" \
    -d '{
    "text": "'"$2"'",
    "model_id": '"$1"',
    "max_length": 100
  }' -w '\n%{http_code}'
}

# What the simulator was asked: number of requests, model.
asked_of_simulator() {
  curl -sS --unix-socket "$STACK_SIM_SOCKET" http://sim/__sim/stats \
    | jq -j '"\(.inference_requests) "'
  curl -sS --unix-socket "$STACK_SIM_SOCKET" http://sim/__sim/last \
    | tail -n 1 | jq -r .model
}

is 'network: cut off: no way to another host' \
  "$(LC_ALL=C ip route get 192.0.2.1 2>&1)" \
  'RTNETLINK answers: Network is unreachable'

# All of it, with what looks for packages and what builds.
out=$(tools/quickstart --build "$build" --dir "$dir" --port 0 2>&1)
is 'quickstart: no network: succeeds' $? 0 || diag "$out"
like 'quickstart: no network: names the model' "$out" \
  'Model 1, gpt2-mini, runs on this host and is free'
STACK_BUILD=$build
[[ -r $dir/env ]] && . "$dir/env" && stack_init "$dir" \
  || { echo 'Bail out! no stack'; exit 1; }
is 'simulator: after the first questions: it had that of model 2 alone' \
  "$(asked_of_simulator)" '1 lawgent-thinking'
is 'model 1: as quickstart made it: its provider is a local one' \
  "$(stack_tollgate provider list --json \
    | jq -r '.[] | select(.name == "gpt2-mini") | "\(.kind) \(.base_url)"')" \
  "local unix:$STACK_RUN/gpt2/1.sock"

# Once more without chance: then model 1 says what transformers makes of the
# same weights, and only they say that.
stack_tollgate model set gpt2-mini --default-temperature 0 >/dev/null
out=$(tools/quickstart stop --dir "$dir" 2>&1)
is 'stop: no network: succeeds' $? 0 || diag "$out"
ok 'stop: no network: nothing of it runs any more' nothing_runs
out=$(tools/quickstart --build "$build" --dir "$dir" 2>&1)
is 'quickstart: no network, again: succeeds' $? 0 || diag "$out"
is 'quickstart: temperature 0: prints a sentence of gpt2-mini, its tokens, 0 USD' \
  "$(sed -n '/^  model 1  /,/tokens/p' <<<"$out")" \
  "  model 1  $(golden | jq -Rrs 'gsub("\\s+"; " ") | .[0:100]')
           100 tokens, 0 USD"

ok 'simulator: killed: it is gone' stack_kill sim
answer=$(ask 2 'What legal considerations should I keep in mind?')
like 'model 2: no simulator: no answer' "${answer##*$'\n'}" '^50[0-9]$'
answer=$(ask 1 'Your prompt here')
is 'model 1: no simulator: POST /generate answers' "${answer##*$'\n'}" 200
answer=${answer%$'\n'*}
text=$(jq -j .response <<<"$answer")
is 'model 1: no simulator: the text is that of gpt2-mini' "$text" \
  "$(golden | jq -Rrs --arg text "$text" '.[0:$text | length]')"
is 'model 1: no simulator: prompt and answer fill max_length, free' \
  "$(jq -c '[.tokens_used, .cost, (.response | length > 100)]' <<<"$answer")" \
  '[100,0,true]'
tap_done
