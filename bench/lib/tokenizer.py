# SPDX-License-Identifier: MIT
"""Ours and tiktoken side by side: tokenizer.py PROGRAM RANKS TOKENS TEXTS ROUNDS
prints the table's rows. RANKS and TOKENS are folders with NAME.tiktoken and
NAME.tokens, TEXTS one with the texts."""
import base64
import os
import statistics
import subprocess
import sys
import time

import tiktoken

# As tiktoken has them (tiktoken_ext/openai_public.py); its own copies come with
# rank files from the network.
GPT2 = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
CL100K = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = "|".join([
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTION}",
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTION}",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+",
    r"\s+(?!\S)", r"\s+"])
PATTERNS = {"r50k_base": GPT2, "cl100k_base": CL100K, "o200k_base": O200K}


def load(name, folder):
    ranks = {}
    with open(os.path.join(folder, f"{name}.tiktoken"), "rb") as lines:
        for line in lines:
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
    return tiktoken.Encoding(name, pat_str=PATTERNS[name],
                             mergeable_ranks=ranks, special_tokens={})


def ours(program, tokens, path):
    out = subprocess.run([program, tokens, path, "1"], check=True,
                         capture_output=True, text=True).stdout.split("\n")
    return float(out[0]), int(out[1])


def theirs(encoding, text):
    """None where it gives up: its regular expressions overflow a stack."""
    start = time.perf_counter()
    try:
        n = len(encoding.encode_ordinary(text))
    except BaseException as error:  # pylint: disable=broad-except
        if type(error).__name__ != "PanicException":
            raise
        return None
    return time.perf_counter() - start, n


def row(name, file, size, mine, other):
    ours_s = statistics.median(s for s, _ in mine)
    head = f"| {name} | {file} | {size} | {mine[0][1]} |"
    tail = f"{ours_s * 1000:.1f} |"
    speed = f" {size / ours_s / 1e6:.1f} |"
    if None in other:
        return f"{head} – |{speed} fails | – | {tail}"
    theirs_s = statistics.median(s for s, _ in other)
    ratio = statistics.median(y[0] / x[0] for x, y in zip(mine, other))
    equal = "yes" if mine[0][1] == other[0][1] else "**no**"
    return (f"{head} {equal} |{speed} {size / theirs_s / 1e6:.1f} |"
            f" {ratio:.2f} | {tail}")


def main():
    program, ranks, tokens, texts, rounds = sys.argv[1:]
    print("| encoding | text | bytes | tokens | equal | Tollgate MB/s |"
          " tiktoken MB/s | × tiktoken | Tollgate ms |")
    print("|---|---|---:|---:|---|---:|---:|---:|---:|")
    for name in PATTERNS:
        encoding = load(name, ranks)
        for file in sorted(os.listdir(texts)):
            path = os.path.join(texts, file)
            with open(path, encoding="utf-8", newline="") as f:
                text = f.read()
            size = os.path.getsize(path)
            mine, other = [], []
            for _ in range(int(rounds)):
                mine.append(ours(program, os.path.join(tokens,
                                 f"{name}.tokens"), path))
                other.append(theirs(encoding, text))
            print(row(name, file, size, mine, other), flush=True)


main()
