#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none sanitize=no
# The model that comes with Tollgate: is it small, and has it learned? That is
# about its weights and not about our code, and half a megabyte of text takes a
# program that looks at itself longer than a test may.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tests/support/tap.sh"
build=${TOLLGATE_BUILD_DIR:-$top/build}
model=$top/models/gpt2-mini

ok 'gpt2-mini: the folder is at most 8 MB' \
  test "$(cat "$model"/* | wc -c)" -le 8000000
ok 'gpt2-mini: fewer bits a byte than xz, in every precision' \
  "$top/tools/gpt2-mini/bits-per-byte" --model "$model" --build "$build"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$top/tools/gpt2-mini/corpus" "$work" >/dev/null
ok 'gpt2-mini: the held-out text is that of the card' grep -q \
  "$(sha256sum <"$work/heldout.txt" | cut -d' ' -f1)" "$model/README.md"
tap_done
