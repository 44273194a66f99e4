#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none web=lighttpd
# The model that comes with Tollgate: has it learned, and does our engine say
# what transformers says (tests/golden/gpt2-mini.json)?
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tests/support/tap.sh"
build=${TOLLGATE_BUILD_DIR:-$top/build}
model=$top/models/gpt2-mini golden=$top/tests/golden/gpt2-mini.json

ok 'gpt2-mini: the folder is at most 8 MB' \
  test "$(cat "$model"/* | wc -c)" -le 8000000
if ok 'gpt2-mini: fewer bits a byte than xz, in every precision' \
  "$top/tools/gpt2-mini/bits-per-byte" --model "$model" --build "$build"; then
  :
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$top/tools/gpt2-mini/corpus" "$work" >/dev/null
# shellcheck disable=SC2016
ok 'gpt2-mini: the held-out text is that of the card' grep -q \
  "$(sha256sum <"$work/heldout.txt" | cut -d' ' -f1)" "$model/README.md"

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
