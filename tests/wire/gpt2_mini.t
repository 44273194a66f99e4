#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none web=lighttpd
# The model that comes with Tollgate: our engine says of it what transformers
# says (tests/golden/gpt2-mini.json). gpt2_mini_bits.t: has it learned?
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tests/support/tap.sh"
build=${TOLLGATE_BUILD_DIR:-$top/build}
model=$top/models/gpt2-mini golden=$top/tests/golden/gpt2-mini.json

while IFS= read -r case; do
  prompt=$(jq -r .prompt <<<"$case")
  n=$(jq .new_tokens <<<"$case")
  # one more than it wrote: its end of text must be ours too
  [[ $n -eq 200 ]] || n=$((n + 1))
  is "gpt2-mini: greedy after '$prompt': as transformers" \
    "$("$build/src/gpt2d/tollgate-gpt2" --model "$model" --temperature 0 \
      --max-tokens "$n" --generate "$prompt" 2>&1; echo x)" \
    "$(jq -j .text <<<"$case"; echo; echo x)"
done < <(jq -c '.cases[]' "$golden")
tap_done
