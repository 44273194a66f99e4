/* SPDX-License-Identifier: MIT */
/*
 * The forward pass: prompts in chunks by BLAS, answers a token at a time by
 * the kernels, several answers together. Knows tokens and logits, no texts.
 * Not thread-safe: one caller at a time.
 */
#ifndef TG_GPT2_ENGINE_H
#define TG_GPT2_ENGINE_H

#include <stdint.h>

#include "base/err.h"
#include "gpt2/kernel.h"
#include "gpt2/model.h"

/* Answers in one step. */
#define ENGINE_BATCH_MAX 64
/* Tokens of a prompt that are computed together. A prompt is always cut at
 * multiples of this, so its logits don't depend on what else is going on. */
#define ENGINE_CHUNK     64

struct gpt2_engine;
struct gpt2_seq; /* one text: the keys and values of its tokens */

/**
 * @n_threads  1..TEAM_THREADS_MAX
 * @batch_max  1..ENGINE_BATCH_MAX
 * @kernel     kernel_best(), or another one in tests
 * Errors: ERR_NO_MEMORY; ERR_IO no threads.
 * Memory: gpt2_engine_free(); the model must outlive it.
 */
enum err gpt2_engine_new(const struct gpt2_model *model, unsigned n_threads,
    uint32_t batch_max, const struct kernel *kernel, struct gpt2_engine **ret,
    struct error *e) ATTR_MUST_CHECK;
/** NULL is fine; its sequences must be gone. */
void gpt2_engine_free(struct gpt2_engine *g);

/**
 * An empty text. Its memory, 8 * n_layer * n_pos * n_embd bytes, is used as
 * the text grows.
 * Errors: ERR_NO_MEMORY.
 */
enum err gpt2_seq_new(const struct gpt2_engine *g, struct gpt2_seq **ret,
    struct error *e) ATTR_MUST_CHECK;
void gpt2_seq_free(struct gpt2_seq *seq);
/** Forget the text. */
void gpt2_seq_clear(struct gpt2_seq *seq);
/** Make `to` the same text. */
void gpt2_seq_copy(struct gpt2_seq *to, const struct gpt2_seq *from);
/** Tokens of the text so far. */
uint32_t gpt2_seq_length(const struct gpt2_seq *seq);

/**
 * Append tokens to a text.
 * @ids       n of them, below n_vocab; the text must not outgrow n_pos
 * @n_logits  of how many of the last ones logits are wanted, 0..n
 * @logits    [n_logits][n_vocab], or NULL for 0
 */
void gpt2_prefill(struct gpt2_engine *g, struct gpt2_seq *seq,
    const uint32_t *ids, uint32_t n, uint32_t n_logits, float *logits);

/**
 * Append one token to each of n texts that differ, 1..batch_max.
 * @logits  [n][n_vocab]
 */
void gpt2_decode(struct gpt2_engine *g, struct gpt2_seq *const seqs[],
    const uint32_t ids[], uint32_t n, float *logits);

#endif
