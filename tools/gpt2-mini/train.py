#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains models/gpt2-mini: its vocabulary, then its weights.

usage: train.py CORPUS OUT [--steps N] [--seed N] [--threads N]

CORPUS is what tools/gpt2-mini/corpus wrote; OUT becomes a folder in Hugging
Face's format (config.json, model.safetensors in F16, vocab.json, merges.txt)
and gets loss.csv beside them.  Needs PyPI's torch, transformers and
tokenizers, and a C++ compiler; one CPU core takes about 45 minutes, two half of that.
"""

import argparse
import csv
import json
import math
import os
import pathlib
import time

import torch
import tokenizers
import transformers

END_OF_TEXT = "<|endoftext|>"
VOCABULARY = 4096
CONTEXT = 512
WIDTH, LAYERS, HEADS = 192, 4, 6
BATCH = 8
LEARNING_RATE_HIDDEN = 0.02  # Muon's, for the matrices of the layers
LEARNING_RATE_OTHER = 3e-3  # AdamW's, for embeddings, biases and norms
WARMUP = 60


def documents(path):
    return path.read_text("utf-8", errors="replace").split("\f")[:-1]


def vocabulary_train(texts, out):
    """Byte-level BPE as GPT-2 has it: 256 bytes, merges, end of text last."""
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        texts, vocab_size=VOCABULARY - 1, min_frequency=2, show_progress=False
    )
    bpe.save_model(str(out))
    vocab_path = out / "vocab.json"
    vocab = json.loads(vocab_path.read_text("utf-8"))
    assert len(vocab) == VOCABULARY - 1
    vocab[END_OF_TEXT] = VOCABULARY - 1
    vocab_path.write_text(
        json.dumps(vocab, ensure_ascii=False, separators=(",", ":")), "utf-8"
    )
    return bpe


def encode(bpe, texts):
    """All documents in one row of tokens, an end of text after each."""
    row = [VOCABULARY - 1]
    for encoding in bpe.encode_batch(texts):
        row.extend(encoding.ids)
        row.append(VOCABULARY - 1)
    return torch.tensor(row, dtype=torch.long)


def config():
    return transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=HEADS,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=VOCABULARY - 1,
        eos_token_id=VOCABULARY - 1,
    )


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton-Schulz (Jordan et al., 2024).

    torch.optim.Muon works in BF16, which is six times slower on a CPU without it.
    """

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(
            params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        )

    @staticmethod
    def orthogonal(update):
        x = update / (update.norm() + 1e-7)
        if update.shape[0] > update.shape[1]:
            x = x.T
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
        return x.T if update.shape[0] > update.shape[1] else x

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = self.orthogonal(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                scale = max(1.0, p.shape[1] / p.shape[0]) ** 0.5
                p.add_(update, alpha=-group["lr"] * scale)


def optimizers(model):
    hidden = [p for n, p in model.named_parameters() if ".h." in n and p.ndim == 2]
    ids = {id(p) for p in hidden}
    other = [p for p in model.parameters() if id(p) not in ids]
    return [
        Muon(hidden, lr=LEARNING_RATE_HIDDEN),
        torch.optim.AdamW(
            other, lr=LEARNING_RATE_OTHER, betas=(0.9, 0.95), weight_decay=0.0
        ),
    ]


def heldout_bits(model, row, n_bytes):
    """Bits a byte over whole windows of the context, none seeing another."""
    model.eval()
    bits = 0.0
    with torch.no_grad():
        for at in range(0, len(row) - 1, CONTEXT):
            window = row[at : at + CONTEXT + 1]
            logits = model(window[None, :-1]).logits[0]
            bits += torch.nn.functional.cross_entropy(
                logits, window[1:], reduction="sum"
            ).item() / math.log(2)
    model.train()
    return bits / n_bytes


def batch(row, generator):
    starts = torch.randint(len(row) - CONTEXT - 1, (BATCH,), generator=generator)
    windows = torch.stack([row[s : s + CONTEXT + 1] for s in starts])
    return windows[:, :-1], windows[:, 1:]


def rate(step, steps):
    """Warm-up, then flat, then down in a line over the last half."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    return min(1.0, (steps - step) / (0.5 * steps))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)

    train_texts = documents(options.corpus / "train.txt")
    heldout = options.corpus / "heldout.txt"
    bpe = vocabulary_train(train_texts, options.out)
    train_row = encode(bpe, train_texts)
    heldout_row = encode(bpe, documents(heldout))
    print(f"{len(train_row)} tokens to learn from", flush=True)

    model = transformers.GPT2LMHeadModel(config())
    run = torch.compile(model)  # fuses GELU and the norms: a quarter faster
    print(f"{model.num_parameters()} parameters", flush=True)
    steppers = optimizers(model)
    base = [[g["lr"] for g in o.param_groups] for o in steppers]
    generator = torch.Generator().manual_seed(options.seed)
    begin = time.monotonic()
    mean = None
    with (options.out / "loss.csv").open("w", newline="") as file:
        log = csv.writer(file, lineterminator="\n")
        log.writerow(["step", "minutes", "train_loss", "heldout_bits_per_byte"])
        for step in range(options.steps):
            for stepper, rates in zip(steppers, base):
                for group, lr in zip(stepper.param_groups, rates):
                    group["lr"] = lr * rate(step, options.steps)
            x, y = batch(train_row, generator)
            logits = run(x).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for stepper in steppers:
                stepper.step()
                stepper.zero_grad(set_to_none=True)
            value = loss.item()
            mean = value if mean is None else 0.98 * mean + 0.02 * value
            done = step + 1
            if done % 20 == 0:
                minutes = (time.monotonic() - begin) / 60
                print(f"{done}/{options.steps} {minutes:.1f} min loss {mean:.3f}",
                      flush=True)
            if done % 250 == 0 or done == options.steps:
                bits = heldout_bits(model, heldout_row, heldout.stat().st_size)
                minutes = (time.monotonic() - begin) / 60
                log.writerow([done, f"{minutes:.1f}", f"{mean:.4f}", f"{bits:.4f}"])
                file.flush()
                print(f"{done}: {bits:.4f} bits a byte held out", flush=True)
    model.half().save_pretrained(options.out, safe_serialization=True)


if __name__ == "__main__":
    main()
