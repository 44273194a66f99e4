/* SPDX-License-Identifier: MIT */
/* The weights of a model, for the engine. */
#ifndef TG_GPT2_MODEL_PRIV_H
#define TG_GPT2_MODEL_PRIV_H

#include "gpt2/kernel.h"
#include "gpt2/model.h"
#include "gpt2/safetensors.h"

/* A linear map: y = x W + b, W [in][out]. */
struct linear {
	struct matrix w;
	const float *bias; /* [out] */
};

struct norm {
	const float *gain, *bias; /* [n_embd] */
};

struct layer {
	struct norm norm1;
	struct linear qkv;  /* n_embd -> query, key, value */
	struct linear proj; /* n_embd -> n_embd */
	struct norm norm2;
	struct linear up;   /* n_embd -> n_inner */
	struct linear down; /* n_inner -> n_embd */
};

struct gpt2_model {
	struct gpt2_config config;
	struct matrix tokens;   /* [n_vocab][n_embd], also the output's */
	const float *positions; /* [n_pos][n_embd] */
	struct layer *layers;
	struct norm norm;
	uint64_t decode_bytes;
	struct safetensors file;
	void **owned; /* what was converted, to be freed */
	size_t n_owned, owned_cap;
};

#endif
