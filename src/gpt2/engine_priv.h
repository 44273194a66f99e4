/* SPDX-License-Identifier: MIT */
/* What prefill and decode share. */
#ifndef TG_GPT2_ENGINE_PRIV_H
#define TG_GPT2_ENGINE_PRIV_H

#include "gpt2/engine.h"
#include "gpt2/model_priv.h"
#include "gpt2/team.h"

/* Rows of a reduced matrix that prefill expands at a time. */
#define EXPAND_ROWS 64

/*
 * Keys and values by layer and head, so that one head's are read in a row:
 * [n_layer][n_head][n_pos][n_embd / n_head] each.
 */
struct gpt2_seq {
	const struct gpt2_config *config;
	uint32_t n; /* tokens in it */
	float *keys, *values;
	size_t n_bytes; /* of each mapping */
};

/* One thread's own numbers. */
struct member_room {
	float *x;      /* decode: [batch][n_embd] */
	float *normed; /* decode: [batch][n_embd] */
	float *inner;  /* decode: [batch][n_inner] */
	float *scores; /* decode [n_pos]; prefill [chunk][n_pos] */
	/* decode: this thread's part of each sum, read by all the others */
	float *qkv, *proj, *up, *down;
	float *expanded; /* prefill: [EXPAND_ROWS][widest matrix] */
};

struct gpt2_engine {
	const struct gpt2_model *model;
	const struct kernel *kernel;
	struct team *team;
	unsigned n_members;
	uint32_t batch_max;
	struct member_room *rooms;
	/* prefill, shared: [chunk][…] */
	float *x, *normed, *qkv, *attended, *inner;
	/* decode, shared: [batch][n_embd] */
	float *heads;
	float *memory; /* all of them lie in here */
	size_t memory_bytes;
};

/* Where a head's keys (or values) begin. */
static inline size_t
seq_at(const struct gpt2_config *c, uint32_t layer, uint32_t head)
{
	return ((size_t)layer * c->n_head + head) * c->n_pos *
	       (c->n_embd / c->n_head);
}

/* x = the token's embedding plus the position's */
void engine_embed(const struct gpt2_engine *g, uint32_t id, uint32_t position,
    float *x);
/* In place: the weights of n scores, their sum 1. */
void engine_softmax(const struct kernel *k, float *scores, uint32_t n);

#endif
