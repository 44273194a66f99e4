#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What transformers answers, greedily: golden.py MODEL > tests/golden/gpt2-mini.json

For a few prompts, up to 200 tokens each. One in which the two likeliest tokens
are ever closer than MARGIN is left out: there rounding decides. Needs PyPI's
torch, transformers and tokenizers.
"""

import json
import pathlib
import sys

import tokenizers
import torch
import transformers

NEW_TOKENS = 200
MARGIN = 2e-3
PROMPTS = [
    "In the beginning",
    "The hacker",
    "And it came to pass",
    "A computer is",
    "Your prompt here",
    "What legal considerations should I keep in mind for my business?",
    "Na\u00efve caf\u00e9 \u2192 \U0001f600",
    "",
]


@torch.no_grad()
def greedy(model, ids):
    """Tokens that follow, and the smallest margin on the way."""
    limit = min(NEW_TOKENS, model.config.n_positions - len(ids))
    out, smallest = [], float("inf")
    while len(out) < limit:
        top = model(torch.tensor([ids + out])).logits[0, -1].topk(2)
        smallest = min(smallest, (top.values[0] - top.values[1]).item())
        if top.indices[0].item() == model.config.eos_token_id:
            break
        out.append(top.indices[0].item())
    return out, smallest


def main():
    folder = pathlib.Path(sys.argv[1])
    model = transformers.GPT2LMHeadModel.from_pretrained(
        folder, dtype=torch.float32).eval()
    bpe = tokenizers.ByteLevelBPETokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"))
    cases = []
    for prompt in PROMPTS:
        ids = bpe.encode(prompt).ids or [model.config.eos_token_id]
        out, smallest = greedy(model, ids)
        if smallest < MARGIN:
            print(f"left out (margin {smallest:.1e}): {prompt}", file=sys.stderr)
            continue
        cases.append({
            "prompt": prompt, "prompt_tokens": len(ids), "new_tokens": len(out),
            "smallest_margin": round(smallest, 4), "text": bpe.decode(out),
        })
    json.dump({"model": folder.name, "cases": cases}, sys.stdout, indent=1,
              ensure_ascii=False)
    print()


main()
