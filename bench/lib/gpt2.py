# SPDX-License-Identifier: MIT
"""GPT-2 by Tollgate, llama.cpp and transformers, side by side in one run:
gpt2.py SPEED PROBE MODEL WORK ROUNDS
SPEED and PROBE are our gpt2_speed and gpt2_probe, MODEL a checkpoint's folder
(GPT-2 124M's shape, random weights), WORK gets llama.cpp's files. Prints the
table's rows. All use as many threads as there are cores."""
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

import gguf
import llama_cpp
import numpy
import safetensors.numpy
import torch
import transformers

PROMPT, STEPS, BATCH = 64, 32, 8
THREADS = os.cpu_count()
GGUF_TYPES = {
    "f32": gguf.GGMLQuantizationType.F32,
    "bf16": gguf.GGMLQuantizationType.BF16,
    "int8": gguf.GGMLQuantizationType.Q8_0,
}
NAMES = {
    "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}
TOP_NAMES = {
    "wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight",
    "ln_f.weight": "output_norm.weight", "ln_f.bias": "output_norm.bias",
}


def prompt(n_vocab):
    """gpt2_speed's made-up tokens."""
    return [i * 7919 % n_vocab for i in range(PROMPT)]


# --- llama.cpp ---------------------------------------------------------------


def llama_name(name):
    if name in TOP_NAMES:
        return TOP_NAMES[name]
    _, layer, rest = name.split(".", 2)
    part, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{NAMES[part]}.{kind}"


def convert(model, path, precision):
    """A checkpoint's folder to llama.cpp's format."""
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(model, "vocab.json"), encoding="utf-8") as file:
        vocab = json.load(file)
    with open(os.path.join(model, "merges.txt"), encoding="utf-8") as file:
        merges = file.read().split("\n")[1:-1]
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(4 * config["n_embd"])
    writer.add_block_count(config["n_layer"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(sorted(vocab, key=vocab.get))
    writer.add_token_types([gguf.TokenType.NORMAL] * len(vocab))
    writer.add_token_merges(merges)
    tensors = safetensors.numpy.load_file(os.path.join(model, "model.safetensors"))
    for name, data in tensors.items():
        data = data.astype(numpy.float32)
        if name.startswith("h.") and data.ndim == 2:
            data = numpy.ascontiguousarray(data.T)
        if data.ndim == 2 and name != "wpe.weight":
            kind = GGUF_TYPES[precision]
            writer.add_tensor(llama_name(name), gguf.quants.quantize(data, kind),
                              raw_dtype=kind)
        else:
            writer.add_tensor(llama_name(name), data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Llama:
    def __init__(self, path):
        params = llama_cpp.llama_model_default_params()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), params)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = BATCH * 256
        context.n_batch = context.n_ubatch = 512
        context.n_seq_max = BATCH
        context.n_threads = context.n_threads_batch = THREADS
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(
            llama_cpp.llama_model_get_vocab(self.model))
        self.batch = llama_cpp.llama_batch_init(PROMPT * BATCH, 0, BATCH)

    def decode(self, entries):
        """entries: (token, position, text, are logits wanted)"""
        batch = self.batch
        batch.n_tokens = len(entries)
        for i, (token, position, text, wanted) in enumerate(entries):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = text
            batch.logits[i] = wanted
        assert llama_cpp.llama_decode(self.context, batch) == 0
        llama_cpp.llama_synchronize(self.context)

    def logits(self):
        row = llama_cpp.llama_get_logits_ith(self.context, -1)
        return numpy.ctypeslib.as_array(
            ctypes.cast(row, ctypes.POINTER(ctypes.c_float)), (self.n_vocab,)).copy()

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def measure(self):
        ids = prompt(self.n_vocab)
        rates = []
        for n in (1, BATCH):
            self.clear()
            for text in range(n):
                begin = time.perf_counter()
                self.decode([(t, i, text, i == PROMPT - 1)
                             for i, t in enumerate(ids)])
                read = PROMPT / (time.perf_counter() - begin)
            begin = time.perf_counter()
            for step in range(STEPS):
                self.decode([((ids[step] + 17 * text) % self.n_vocab,
                              PROMPT + step, text, True) for text in range(n)])
            rates.append(n * STEPS / (time.perf_counter() - begin))
        return rates[0], rates[1], read


# --- transformers ------------------------------------------------------------


class Transformers:
    def __init__(self, model, precision):
        # its BF16 takes half a second a token where the machine has none
        self.prompt, self.steps, dtype = (
            (PROMPT, STEPS, torch.float32) if precision == "f32" else
            (2, 2, torch.bfloat16))
        self.model = transformers.GPT2LMHeadModel.from_pretrained(
            model, dtype=dtype).eval()
        self.n_vocab = self.model.config.vocab_size

    @torch.no_grad()
    def measure(self):
        ids = prompt(self.n_vocab)[:self.prompt]
        rates = []
        for n in (1, BATCH):
            begin = time.perf_counter()
            out = self.model(torch.tensor([ids] * n), use_cache=True,
                             logits_to_keep=1)
            if n == 1:
                read = self.prompt / (time.perf_counter() - begin)
            begin = time.perf_counter()
            for step in range(self.steps):
                tokens = [[(ids[step] + 17 * text) % self.n_vocab]
                          for text in range(n)]
                out = self.model(torch.tensor(tokens), use_cache=True,
                                 past_key_values=out.past_key_values,
                                 logits_to_keep=1)
            rates.append(n * self.steps / (time.perf_counter() - begin))
        return rates[0], rates[1], read

    @torch.no_grad()
    def logits(self):
        return self.model(torch.tensor([prompt(self.n_vocab)])).logits[0, -1].numpy()


# --- ours --------------------------------------------------------------------


def ours(speed, model, precision):
    out = subprocess.run(
        [speed, "--precision", precision, "--threads", str(THREADS), "--batch",
         str(BATCH), "--steps", str(STEPS), "--prompt", str(PROMPT), "--rounds", "1",
         model], check=True, capture_output=True, text=True).stdout
    bound, used, share, one, many, read = map(float, out.split("\n")[1].split())
    return one, many, read, share, bound


def our_logits(probe, model, n_vocab, precision):
    out = subprocess.run([probe, "--precision", precision, model],
                         input=" ".join(map(str, prompt(n_vocab))).encode(),
                         check=True, capture_output=True).stdout
    return numpy.frombuffer(out, numpy.float32).reshape(PROMPT, n_vocab)[-1]


def median(rows, column):
    return statistics.median(row[column] for row in rows)


def ratio(mine, other, column):
    """Of the rounds, each within itself."""
    each = sorted(a[column] / b[column] for a, b in zip(mine, other))
    return f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})"


def main():
    speed, probe, model, work, rounds = sys.argv[1:]
    torch.set_num_threads(THREADS)
    silent = llama_cpp.llama_log_callback(lambda *_: None)  # kept: C calls it
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    print("| precision | program | one answer, tokens/s | eight, tokens/s | prompt,"
          " tokens/s | ours ÷ it: one | eight | share of the stream test |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    differences = []
    for precision in GGUF_TYPES:
        path = os.path.join(work, f"{precision}.gguf")
        convert(model, path, precision)
        others = {"llama.cpp": Llama(path)}
        if precision != "int8":
            others["transformers"] = Transformers(model, precision)
        rows = {name: [] for name in ("Tollgate", *others)}
        for other in others.values():
            other.measure()  # everything has been touched
        for _ in range(int(rounds)):
            rows["Tollgate"].append(ours(speed, model, precision))
            for name, other in others.items():
                rows[name].append(other.measure())
        mine = rows["Tollgate"]
        shares = sorted(row[3] for row in mine)
        print(f"| {precision} | Tollgate | {median(mine, 0):.1f} | {median(mine, 1):.1f} |"
              f" {median(mine, 2):.0f} | | {median(mine, 1) / median(mine, 0):.2f} × one |"
              f" {statistics.median(shares):.2f} ({shares[0]:.2f} to {shares[-1]:.2f})"
              f" of {median(mine, 4):.1f} GB/s |", flush=True)
        for name in others:
            print(f"| {precision} | {name} | {median(rows[name], 0):.1f} |"
                  f" {median(rows[name], 1):.1f} | {median(rows[name], 2):.0f} |"
                  f" {ratio(mine, rows[name], 0)} | {ratio(mine, rows[name], 1)} | |",
                  flush=True)
        if precision == "f32":
            exact = others["transformers"].logits()
            others["llama.cpp"].clear()
            ids = prompt(len(exact))
            others["llama.cpp"].decode([(t, i, 0, i == PROMPT - 1)
                                        for i, t in enumerate(ids)])
            differences.append(("llama.cpp f32", others["llama.cpp"].logits()))
        differences.append((f"Tollgate {precision}",
                            our_logits(probe, model, len(exact), precision)))
        del others
    print()
    print("Largest difference of a logit from transformers' in F32, after the prompt"
          f" (they reach {abs(exact).max():.2f}): "
          + ", ".join(f"{name} {abs(row - exact).max():.1e}"
                      for name, row in differences) + ".")


main()
