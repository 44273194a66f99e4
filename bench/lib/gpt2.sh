# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# How fast the local model's engine is, beside transformers, llama.cpp and the
# machine's memory.  Sourced by bench/run, which sets top, dir, build, rounds,
# quick, output, venv.

bench_gpt2() {
  local support=$build/tests/support table
  [[ -x $support/gpt2_speed ]] || die "not built: $support/gpt2_speed"
  rm -rf "$dir"
  mkdir -p "$dir" || exit 1
  dir=$(cd "$dir" && pwd)
  if ! "$venv/bin/python" -c 'import torch, transformers, llama_cpp, gguf' \
    2>/dev/null; then
    say "transformers and llama.cpp into $venv (6 GB, a quarter of an hour)"
    python3 -m venv "$venv" \
      && "$venv/bin/pip" install --quiet torch transformers llama-cpp-python \
        gguf || die 'not installed: python3-venv, PyPI, cmake and g++ are needed'
  fi
  say "a model of GPT-2 124M's shape"
  "$support/gpt2_random" --gpt2 "$dir/model" || exit 1
  say "$rounds rounds of each"
  table=$("$venv/bin/python" "$top/bench/lib/gpt2.py" "$support/gpt2_speed" \
    "$support/gpt2_probe" "$dir/model" "$dir" "$rounds" 2>"$dir/python.log") \
    || die "see $dir/python.log"
  rm -rf "$dir/model" "$dir"/*.gguf
  {
    provenance
    cat <<MD
- $("$venv/bin/python" -c 'import torch, transformers, llama_cpp; print(f"transformers {transformers.__version__} on PyTorch {torch.__version__}, llama-cpp-python {llama_cpp.__version__}")' 2>/dev/null); OpenBLAS $(pkg-config --modversion openblas 2>/dev/null)
- GPT-2 124M's shape, random weights; a prompt of 64 tokens, then 32 steps (transformers' BF16: 2 and 2); as many threads as cores; medians of $rounds interleaved rounds, ratios within a round with their range; int8 is llama.cpp's Q8_0
- the stream test reads as many bytes as the weights of a token have, from memory in huge pages; the share is what decoding one answer reads of that

$table
MD
  } >"$dir/section.md"
  if [[ -n $quick ]]; then
    cat "$dir/section.md"
  else
    write_section "$output" 'Local model' <"$dir/section.md" || exit 1
  fi
}
