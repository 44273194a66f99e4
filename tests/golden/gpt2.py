#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data for the GPT-2 engine: what transformers computes in F32 for
random checkpoints. Run by hand when the cases change; needs PyPI's torch,
transformers, safetensors and numpy (last run with torch 2.15, transformers 5):

    python3 -m venv /tmp/v && /tmp/v/bin/pip install torch transformers numpy
    OPENBLAS_NUM_THREADS=1 /tmp/v/bin/python tests/golden/gpt2.py build

`build` is where tests/support/gpt2_random was built. Writes
tests/golden/gpt2/NAME.txt, which tests/unit/gpt2/test_golden.c reads:

    options ...          of gpt2_random
    crc32 X              of its model.safetensors
    prompt N ids...      a whole context of N tokens
    logits POS STEP n    then every STEP-th logit of that position
    greedy N START       then N lines: the token, and by how much its logit
                         exceeds the second; START prompt tokens come before
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import zlib

import torch
import transformers

# name, options, tokens of the prompt before the greedy ones
CASES = [
    ("plain", "--n-embd 64 --n-head 4 --n-layer 3 --n-pos 256 "
              "--sigma 0.1 --seed 11", 40),
    ("one_head", "--n-embd 40 --n-head 1 --n-layer 2 --n-pos 230 "
                 "--sigma 0.2 --seed 12", 5),
    ("odd", "--n-vocab 1021 --n-embd 99 --n-head 9 --n-layer 2 --n-pos 211 "
            "--n-inner 157 --sigma 0.12 --seed 713", 11),
    ("narrow_heads", "--n-vocab 511 --n-embd 34 --n-head 17 --n-layer 4 "
                     "--n-pos 300 --sigma 0.15 --seed 14", 100),
    ("deep", "--n-vocab 400 --n-embd 32 --n-head 2 --n-layer 13 --n-pos 220 "
             "--sigma 0.15 --seed 215 --prefix transformer.", 1),
    ("f16", "--n-embd 48 --n-head 3 --n-layer 2 --n-pos 260 --dtype F16 "
            "--sigma 0.15 --seed 116", 33),
    ("bf16", "--n-embd 56 --n-head 7 --n-layer 2 --n-pos 265 --dtype BF16 "
             "--n-inner 50 --sigma 0.15 --seed 417", 65),
    ("vocabulary", "--n-vocab 5003 --n-embd 24 --n-head 2 --n-layer 1 "
                   "--n-pos 201 --sigma 0.3 --seed 18", 1),
]
N_GREEDY = 200
LOGITS_MAX = 320  # of a position that are written


def prompt(n, n_vocab, seed):
    ids = []
    x = seed
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        ids.append((x >> 8) % n_vocab)
    return ids


def write_case(out, program, name, options, n_prompt):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([program, *options.split(), directory], check=True)
        path = pathlib.Path(directory)
        crc32 = zlib.crc32((path / "model.safetensors").read_bytes())
        model = transformers.GPT2LMHeadModel.from_pretrained(
            directory, dtype=torch.float32,
            attn_implementation="eager").eval()
    config = model.config
    n_pos, n_vocab = config.n_positions, config.vocab_size
    ids = prompt(n_pos, n_vocab, zlib.crc32(name.encode()))
    step = -(-n_vocab // LOGITS_MAX)
    lines = [f"options {options}", f"crc32 {crc32:08x}",
             f"prompt {n_pos} " + " ".join(map(str, ids))]

    logits = model(torch.tensor([ids])).logits[0]
    for pos in sorted({0, 1, 63, 64, n_pos // 2, n_pos - 2, n_pos - 1}):
        values = logits[pos][::step].tolist()
        lines.append(f"logits {pos} {step} {len(values)}")
        lines.append(" ".join(f"{v:.5f}" for v in values))

    text = ids[:n_prompt]
    lines.append(f"greedy {N_GREEDY} {n_prompt}")
    n_sure = 0
    for i in range(N_GREEDY):
        last = model(torch.tensor([text])).logits[0, -1]
        top = torch.topk(last, 2)
        margin = (top.values[0] - top.values[1]).item()
        text.append(top.indices[0].item())
        lines.append(f"{text[-1]} {margin:.5f}")
        if n_sure == i and margin > 2e-3:
            n_sure += 1
    (out / f"{name}.txt").write_text("\n".join(lines) + "\n")
    print(f"{name}: {n_vocab} tokens, {n_sure} greedy ones above 2e-3, "
          f"{len(set(text[n_prompt:]))} differ, "
          f"logits to {logits.abs().max():.2f}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tests/golden/gpt2.py BUILD_FOLDER")
    program = os.path.join(sys.argv[1], "tests/support/gpt2_random")
    out = pathlib.Path(__file__).resolve().parent / "gpt2"
    out.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for case in CASES:
        write_case(out, program, *case)


main()
