/* SPDX-License-Identifier: MIT */
/*
 * One more token for each of several texts. A matrix is split by rows, so that
 * each thread reads one piece of memory from its first to its last byte; what
 * a thread has summed up of its rows, the others add to theirs when they read
 * it. Every thread keeps the texts' vectors itself: nothing but those sums and
 * the heads' results is shared, and five meetings a layer are enough.
 */
#include "gpt2/engine.h"

#include <math.h>
#include <string.h>

#include "gpt2/engine_priv.h"

struct decode_call {
	struct gpt2_engine *g;
	struct gpt2_seq *const *seqs;
	const uint32_t *ids;
	uint32_t n;
	float *logits;
};

/* The rows of a matrix that are this member's. */
static struct team_share
rows_of(const struct gpt2_engine *g, unsigned member, const struct matrix *w)
{
	return team_share(g->n_members, member, w->n_rows, 4);
}

/* This member's part of x W, [n][n_cols], into `to`. */
static void
linear_part(const struct gpt2_engine *g, unsigned member,
    const struct linear *l, const float *x, uint32_t n, float *to)
{
	struct team_share rows = rows_of(g, member, &l->w);

	memset(to, 0, (size_t)n * l->w.n_cols * sizeof(*to));
	g->kernel->mul_add(&l->w, rows.first, rows.last, x, l->w.n_rows, n, to,
	    l->w.n_cols);
}

/* to[0..width) += bias and all members' parts; offset says which columns, and
 * parts tells where a member keeps them. */
static void
add_parts(const struct gpt2_engine *g, size_t parts, size_t offset,
    const float *bias, uint32_t width, float *to)
{
	for (uint32_t i = 0; i < width; i++)
		to[i] += bias[i];
	for (unsigned m = 0; m < g->n_members; m++) {
		const float *part =
		    *(float *const *)(const void *)((const char *)&g->rooms[m] +
						    parts) +
		    offset;

		for (uint32_t i = 0; i < width; i++)
			to[i] += part[i];
	}
}

#define PARTS(name) offsetof(struct member_room, name)

/* One head of one text: its new key and value are stored, its query asks all. */
static void
attend(const struct decode_call *call, unsigned member, uint32_t layer,
    uint32_t row, uint32_t head)
{
	struct gpt2_engine *g = call->g;
	const struct gpt2_config *c = &g->model->config;
	const struct linear *qkv = &g->model->layers[layer].qkv;
	struct gpt2_seq *seq = call->seqs[row];
	uint32_t n = c->n_embd, width = n / c->n_head, n_pos = seq->n + 1;
	size_t at = seq_at(c, layer, head), column = (size_t)head * width;
	float *key = seq->keys + at + (size_t)seq->n * width;
	float *value = seq->values + at + (size_t)seq->n * width;
	float *scores = g->rooms[member].scores;
	float *query = g->heads + (size_t)row * n + column;
	float factor = 1 / sqrtf((float)width);
	struct matrix keys = {
		.n_rows = n_pos,
		.n_cols = width,
		.data = seq->keys + at,
	};
	struct matrix values = keys;

	values.data = seq->values + at;
	memset(query, 0, width * sizeof(*query));
	memset(key, 0, width * sizeof(*key));
	memset(value, 0, width * sizeof(*value));
	column += (size_t)row * 3 * n;
	add_parts(g, PARTS(qkv), column, qkv->bias + head * width, width,
	    query);
	add_parts(g, PARTS(qkv), column + n, qkv->bias + n + head * width,
	    width, key);
	add_parts(g, PARTS(qkv), column + 2 * n,
	    qkv->bias + 2 * n + head * width, width, value);

	g->kernel->dot(&keys, 0, n_pos, query, width, 1, scores, n_pos);
	for (uint32_t i = 0; i < n_pos; i++)
		scores[i] *= factor;
	engine_softmax(g->kernel, scores, n_pos);
	/* the query has done its work: its place holds the result */
	memset(query, 0, width * sizeof(*query));
	g->kernel->mul_add(&values, 0, n_pos, scores, n_pos, 1, query, width);
}

static void
attend_share(const struct decode_call *call, unsigned member, uint32_t layer)
{
	uint32_t n_head = call->g->model->config.n_head;
	struct team_share share = team_share(call->g->n_members, member,
	    call->n * n_head, 1);

	for (uint32_t i = share.first; i < share.last; i++)
		attend(call, member, layer, i / n_head, i % n_head);
}

/* This member's columns of the inner layer, which are its rows of the next. */
static void
inner_share(const struct decode_call *call, unsigned member,
    const struct layer *layer)
{
	struct gpt2_engine *g = call->g;
	struct member_room *room = &g->rooms[member];
	struct team_share cols = rows_of(g, member, &layer->down.w);
	uint32_t n_inner = g->model->config.n_inner;
	uint32_t width = cols.last - cols.first;

	for (uint32_t row = 0; row < call->n; row++) {
		size_t at = (size_t)row * n_inner + cols.first;

		memset(room->inner + at, 0, width * sizeof(*room->inner));
		add_parts(g, PARTS(up), at, layer->up.bias + cols.first, width,
		    room->inner + at);
		g->kernel->gelu(room->inner + at, width);
	}
}

static void
norm_rows(const struct decode_call *call, const struct norm *norm,
    const float *x, float *y)
{
	const struct gpt2_config *c = &call->g->model->config;

	for (uint32_t row = 0; row < call->n; row++)
		call->g->kernel->norm(x + (size_t)row * c->n_embd, norm->gain,
		    norm->bias, c->n_embd, c->norm_epsilon,
		    y + (size_t)row * c->n_embd);
}

/* x += the parts of all members, for every row */
static void
add_rows(const struct decode_call *call, size_t parts, const float *bias,
    float *x)
{
	uint32_t n = call->g->model->config.n_embd;

	for (uint32_t row = 0; row < call->n; row++)
		add_parts(call->g, parts, (size_t)row * n, bias, n,
		    x + (size_t)row * n);
}

static void
decode_layer(const struct decode_call *call, unsigned member, uint32_t i)
{
	struct gpt2_engine *g = call->g;
	const struct layer *layer = &g->model->layers[i];
	struct member_room *room = &g->rooms[member];

	norm_rows(call, &layer->norm1, room->x, room->normed);
	linear_part(g, member, &layer->qkv, room->normed, call->n, room->qkv);
	team_meet(g->team);
	attend_share(call, member, i);
	team_meet(g->team);
	linear_part(g, member, &layer->proj, g->heads, call->n, room->proj);
	team_meet(g->team);
	add_rows(call, PARTS(proj), layer->proj.bias, room->x);
	norm_rows(call, &layer->norm2, room->x, room->normed);
	linear_part(g, member, &layer->up, room->normed, call->n, room->up);
	team_meet(g->team);
	inner_share(call, member, layer);
	linear_part(g, member, &layer->down, room->inner, call->n, room->down);
	team_meet(g->team);
	add_rows(call, PARTS(down), layer->down.bias, room->x);
}

static void
decode_member(void *ctx, unsigned member)
{
	const struct decode_call *call = ctx;
	struct gpt2_engine *g = call->g;
	const struct gpt2_model *m = g->model;
	struct member_room *room = &g->rooms[member];
	struct team_share share = team_share(g->n_members, member,
	    m->config.n_vocab, 4);

	for (uint32_t row = 0; row < call->n; row++)
		engine_embed(g, call->ids[row], call->seqs[row]->n,
		    room->x + (size_t)row * m->config.n_embd);
	for (uint32_t i = 0; i < m->config.n_layer; i++)
		decode_layer(call, member, i);
	norm_rows(call, &m->norm, room->x, room->normed);
	g->kernel->dot(&m->tokens, share.first, share.last, room->normed,
	    m->config.n_embd, call->n, call->logits, m->config.n_vocab);
}

void
gpt2_decode(struct gpt2_engine *g, struct gpt2_seq *const seqs[],
    const uint32_t ids[], uint32_t n, float *logits)
{
	struct decode_call call = { g, seqs, ids, n, logits };

	ASSERT(n >= 1 && n <= g->batch_max);
	for (uint32_t i = 0; i < n; i++)
		ASSERT(seqs[i]->n < g->model->config.n_pos &&
		       ids[i] < g->model->config.n_vocab);
	team_run(g->team, decode_member, &call);
	for (uint32_t i = 0; i < n; i++)
		seqs[i]->n++;
}
