/* SPDX-License-Identifier: MIT */
/*
 * A GPT-2 checkpoint in Hugging Face's format (config.json and
 * model.safetensors): what it is, and its weights in the shape in which the
 * kernels read them. F32 weights stay where they are in the mapped file.
 */
#ifndef TG_GPT2_MODEL_H
#define TG_GPT2_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Bounds of what is loaded: GPT-2 XL is 48 layers of 1600, 25 heads. */
#define GPT2_LAYERS_MAX     512
#define GPT2_WIDTH_MAX      16384
#define GPT2_POSITIONS_MAX  65536
#define GPT2_VOCABULARY_MAX (1U << 20)

struct gpt2_config {
	uint32_t n_vocab;
	uint32_t n_pos; /* context: prompt and answer together, tokens */
	uint32_t n_embd;
	uint32_t n_layer;
	uint32_t n_head;  /* divides n_embd */
	uint32_t n_inner; /* width of the feed-forward layers */
	float norm_epsilon;
	uint32_t eos_id; /* ends an answer; n_vocab = there is none */
};

/* How weights are kept. The matrices only: norms, biases and positions are
 * always F32. */
enum gpt2_precision {
	GPT2_F32,
	GPT2_BF16, /* rounded to nearest even: relative error <= 2^-9 a weight */
	GPT2_INT8, /* in blocks of a row with one scale: <= 1/254 of the block's
		      largest weight */
};

struct gpt2_model;

/**
 * Whether a folder holds what looks like a checkpoint: config.json and the
 * header of model.safetensors, without a look at the weights.
 * Errors: as gpt2_model_open().
 */
enum err gpt2_model_check(const char *dir, struct error *e) ATTR_MUST_CHECK;
/**
 * Map and check the checkpoint in a folder. Everything in it is untrusted:
 * whatever is wrong is an error that says what and where.
 * Errors: ERR_NOT_FOUND a file is missing; ERR_CONFIG it is no GPT-2
 *         checkpoint, or a damaged one; ERR_IO; ERR_NO_MEMORY.
 * Memory: gpt2_model_close(). F32 files stay mapped; anything else is
 *         converted to memory of its own.
 */
enum err gpt2_model_open(const char *dir, enum gpt2_precision precision,
    struct gpt2_model **ret, struct error *e) ATTR_MUST_CHECK;
/** NULL is fine. No engine may use it any more. */
void gpt2_model_close(struct gpt2_model *m);

const struct gpt2_config *gpt2_model_config(const struct gpt2_model *m);
/** Bytes that one token's decoding reads of the weights. */
uint64_t gpt2_model_decode_bytes(const struct gpt2_model *m);

#endif
