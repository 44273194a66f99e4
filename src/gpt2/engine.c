/* SPDX-License-Identifier: MIT */
/* Memory of engine and texts; decode.c and prefill.c compute. */
#include "gpt2/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cblas.h>

#include "gpt2/engine_priv.h"

/* Zeroed, page-aligned, and only real once it is written to. */
static void *
map_memory(size_t n_bytes)
{
	void *p = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Parts of one mapping: counted first, then given out. */
struct carving {
	float *base; /* NULL = only counting */
	size_t n;
};

static void
carve(struct carving *c, float **ret, size_t n)
{
	if (c->base)
		*ret = c->base + c->n;
	c->n += (n + 15) / 16 * 16; /* whole cache lines: no false sharing */
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void
carve_room(struct carving *c, const struct gpt2_engine *g,
    struct member_room *r)
{
	const struct gpt2_config *config = &g->model->config;
	size_t n = config->n_embd, n_inner = config->n_inner;
	size_t batch = g->batch_max;
	bool is_reduced = g->model->tokens.precision != GPT2_F32;

	carve(c, &r->x, batch * n);
	carve(c, &r->normed, batch * n);
	carve(c, &r->inner, batch * n_inner);
	carve(c, &r->scores, (size_t)ENGINE_CHUNK * config->n_pos);
	carve(c, &r->qkv, batch * 3 * n);
	carve(c, &r->proj, batch * n);
	carve(c, &r->up, batch * n_inner);
	carve(c, &r->down, batch * n);
	if (is_reduced)
		carve(c, &r->expanded, EXPAND_ROWS * larger(3 * n, n_inner));
}

static void
carve_all(struct carving *c, struct gpt2_engine *g)
{
	const struct gpt2_config *config = &g->model->config;
	size_t n = config->n_embd;

	carve(c, &g->x, ENGINE_CHUNK * n);
	carve(c, &g->normed, ENGINE_CHUNK * n);
	carve(c, &g->qkv, ENGINE_CHUNK * 3 * n);
	carve(c, &g->attended, ENGINE_CHUNK * n);
	carve(c, &g->inner, (size_t)ENGINE_CHUNK * config->n_inner);
	carve(c, &g->heads, g->batch_max * n);
	for (unsigned i = 0; i < g->n_members; i++)
		carve_room(c, g, &g->rooms[i]);
}

static enum err
get_memory(struct gpt2_engine *g, struct error *e)
{
	struct carving c = { 0 };

	g->rooms = calloc(g->n_members, sizeof(*g->rooms));
	if (!g->rooms)
		return error_set(e, ERR_NO_MEMORY, "engine");
	carve_all(&c, g);
	g->memory_bytes = c.n * sizeof(float);
	g->memory = map_memory(g->memory_bytes);
	if (!g->memory)
		return error_set(e, ERR_NO_MEMORY, "engine: %zu MB",
		    g->memory_bytes >> 20);
	c = (struct carving){ .base = g->memory };
	carve_all(&c, g);
	return OK;
}

enum err
gpt2_engine_new(const struct gpt2_model *model, unsigned n_threads,
    uint32_t batch_max, const struct kernel *kernel, struct gpt2_engine **ret,
    struct error *e)
{
	struct gpt2_engine *g = calloc(1, sizeof(*g));
	enum err err;

	if (!g)
		return error_set(e, ERR_NO_MEMORY, "engine");
	g->model = model;
	g->kernel = kernel;
	g->n_members = n_threads;
	g->batch_max = batch_max;
	err = get_memory(g, e);
	if (!err)
		err = team_new(n_threads, &g->team, e);
	if (err) {
		gpt2_engine_free(g);
		return err;
	}
	/* each of our threads calls it for its own share */
	openblas_set_num_threads(1);
	*ret = g;
	return OK;
}

void
gpt2_engine_free(struct gpt2_engine *g)
{
	if (!g)
		return;
	team_free(g->team);
	if (g->memory)
		(void)munmap(g->memory, g->memory_bytes);
	free(g->rooms);
	free(g);
}

enum err
gpt2_seq_new(const struct gpt2_engine *g, struct gpt2_seq **ret,
    struct error *e)
{
	const struct gpt2_config *c = &g->model->config;
	struct gpt2_seq *seq = calloc(1, sizeof(*seq));

	if (!seq)
		return error_set(e, ERR_NO_MEMORY, "text");
	seq->config = c;
	seq->n_bytes = (size_t)c->n_layer * c->n_pos * c->n_embd *
		       sizeof(float);
	seq->keys = map_memory(seq->n_bytes);
	seq->values = map_memory(seq->n_bytes);
	if (!seq->keys || !seq->values) {
		(void)error_set(e, ERR_NO_MEMORY, "text: %zu MB",
		    2 * seq->n_bytes >> 20);
		gpt2_seq_free(seq);
		return ERR_NO_MEMORY;
	}
	*ret = seq;
	return OK;
}

void
gpt2_seq_free(struct gpt2_seq *seq)
{
	if (!seq)
		return;
	if (seq->keys)
		(void)munmap(seq->keys, seq->n_bytes);
	if (seq->values)
		(void)munmap(seq->values, seq->n_bytes);
	free(seq);
}

void
gpt2_seq_clear(struct gpt2_seq *seq)
{
	seq->n = 0;
}

void
gpt2_seq_copy(struct gpt2_seq *to, const struct gpt2_seq *from)
{
	const struct gpt2_config *c = from->config;
	size_t n_bytes = (size_t)from->n * (c->n_embd / c->n_head) *
			 sizeof(float);

	for (uint32_t layer = 0; layer < c->n_layer; layer++) {
		for (uint32_t head = 0; head < c->n_head; head++) {
			size_t at = seq_at(c, layer, head);

			memcpy(to->keys + at, from->keys + at, n_bytes);
			memcpy(to->values + at, from->values + at, n_bytes);
		}
	}
	to->n = from->n;
}

uint32_t
gpt2_seq_length(const struct gpt2_seq *seq)
{
	return seq->n;
}

void
engine_embed(const struct gpt2_engine *g, uint32_t id, uint32_t position,
    float *x)
{
	const struct gpt2_model *m = g->model;
	uint32_t n = m->config.n_embd;
	const float *p = m->positions + (size_t)position * n;

	g->kernel->expand(&m->tokens, id, 1, 0, n, x);
	for (uint32_t i = 0; i < n; i++)
		x[i] += p[i];
}

void
engine_softmax(const struct kernel *k, float *scores, uint32_t n)
{
	float max = scores[0], sum;

	for (uint32_t i = 1; i < n; i++) {
		if (scores[i] > max)
			max = scores[i];
	}
	sum = k->exp_sum(scores, n, max);
	for (uint32_t i = 0; i < n; i++)
		scores[i] /= sum;
}
