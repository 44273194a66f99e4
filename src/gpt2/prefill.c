/* SPDX-License-Identifier: MIT */
/*
 * A prompt in chunks: enough tokens at a time for BLAS to be fast, few enough
 * not to keep others' answers waiting. A matrix is split by columns.
 */
#include "gpt2/engine.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include "gpt2/engine_priv.h"

struct prefill_call {
	struct gpt2_engine *g;
	struct gpt2_seq *seq;
	const uint32_t *ids;
	uint32_t n;        /* 1..ENGINE_CHUNK */
	uint32_t n_logits; /* of the last ones */
	float *logits;     /* [n_logits][n_vocab] */
};

/* y[n][cols] += x[n][rows row0..row0+n_rows) * w, w rows `stride` apart */
static void
multiply(uint32_t n, uint32_t n_cols, uint32_t n_rows, const float *x,
    uint32_t x_stride, const float *w, uint32_t stride, float *y,
    uint32_t y_stride)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n,
	    (int)n_cols, (int)n_rows, 1, x, (int)x_stride, w, (int)stride, 1, y,
	    (int)y_stride);
}

/* This member's columns of y = y_before + x W + b. */
static struct team_share
linear_share(const struct prefill_call *call, unsigned member,
    const struct linear *l, const float *x, bool is_added, float *y)
{
	struct gpt2_engine *g = call->g;
	const struct matrix *w = &l->w;
	struct team_share cols = team_share(g->n_members, member, w->n_cols,
	    16);
	uint32_t width = cols.last - cols.first;

	if (width == 0)
		return cols;
	for (uint32_t row = 0; row < call->n; row++) {
		float *to = y + (size_t)row * w->n_cols + cols.first;

		if (!is_added)
			memset(to, 0, width * sizeof(*to));
		for (uint32_t c = 0; c < width; c++)
			to[c] += l->bias[cols.first + c];
	}
	if (w->precision == GPT2_F32) {
		multiply(call->n, width, w->n_rows, x, w->n_rows,
		    (const float *)w->data + cols.first, w->n_cols,
		    y + cols.first, w->n_cols);
		return cols;
	}
	for (uint32_t row = 0; row < w->n_rows; row += EXPAND_ROWS) {
		uint32_t n_rows = w->n_rows - row < EXPAND_ROWS
				      ? w->n_rows - row
				      : EXPAND_ROWS;
		float *expanded = g->rooms[member].expanded;

		g->kernel->expand(w, row, n_rows, cols.first, cols.last,
		    expanded);
		multiply(call->n, width, n_rows, x + row, w->n_rows, expanded,
		    width, y + cols.first, w->n_cols);
	}
	return cols;
}

static void
norm_share(const struct prefill_call *call, unsigned member,
    const struct norm *norm)
{
	struct gpt2_engine *g = call->g;
	const struct gpt2_config *c = &g->model->config;
	struct team_share rows = team_share(g->n_members, member, call->n, 1);

	for (uint32_t row = rows.first; row < rows.last; row++) {
		size_t at = (size_t)row * c->n_embd;

		g->kernel->norm(g->x + at, norm->gain, norm->bias, c->n_embd,
		    c->norm_epsilon, g->normed + at);
	}
}

/* Keys and values of the chunk go where later tokens look for them. */
static void
store_head(const struct prefill_call *call, uint32_t layer, uint32_t head)
{
	struct gpt2_engine *g = call->g;
	const struct gpt2_config *c = &g->model->config;
	uint32_t n = c->n_embd, width = n / c->n_head;
	size_t at = seq_at(c, layer, head) + (size_t)call->seq->n * width;

	for (uint32_t row = 0; row < call->n; row++) {
		const float *from = g->qkv + (size_t)row * 3 * n + n +
				    (size_t)head * width;

		memcpy(call->seq->keys + at + (size_t)row * width, from,
		    width * sizeof(*from));
		memcpy(call->seq->values + at + (size_t)row * width, from + n,
		    width * sizeof(*from));
	}
}

static void
attend_head(const struct prefill_call *call, unsigned member, uint32_t layer,
    uint32_t head)
{
	struct gpt2_engine *g = call->g;
	const struct gpt2_config *c = &g->model->config;
	uint32_t n = c->n_embd, width = n / c->n_head;
	uint32_t before = call->seq->n, n_pos = before + call->n;
	size_t at = seq_at(c, layer, head);
	float *scores = g->rooms[member].scores;

	store_head(call, layer, head);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)call->n,
	    (int)n_pos, (int)width, 1 / sqrtf((float)width),
	    g->qkv + (size_t)head * width, (int)(3 * n), call->seq->keys + at,
	    (int)width, 0, scores, (int)n_pos);
	for (uint32_t row = 0; row < call->n; row++) {
		float *of_row = scores + (size_t)row * n_pos;
		uint32_t seen = before + row + 1;

		engine_softmax(g->kernel, of_row, seen);
		memset(of_row + seen, 0, (n_pos - seen) * sizeof(*of_row));
	}
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)call->n,
	    (int)width, (int)n_pos, 1, scores, (int)n_pos,
	    call->seq->values + at, (int)width, 0,
	    g->attended + (size_t)head * width, (int)n);
}

static void
attend_share(const struct prefill_call *call, unsigned member, uint32_t layer)
{
	struct gpt2_engine *g = call->g;
	struct team_share heads = team_share(g->n_members, member,
	    g->model->config.n_head, 1);

	for (uint32_t head = heads.first; head < heads.last; head++)
		attend_head(call, member, layer, head);
}

static void
prefill_layer(const struct prefill_call *call, unsigned member, uint32_t i)
{
	struct gpt2_engine *g = call->g;
	const struct layer *layer = &g->model->layers[i];
	struct team_share cols;

	norm_share(call, member, &layer->norm1);
	team_meet(g->team);
	(void)linear_share(call, member, &layer->qkv, g->normed, false, g->qkv);
	team_meet(g->team);
	attend_share(call, member, i);
	team_meet(g->team);
	(void)linear_share(call, member, &layer->proj, g->attended, true, g->x);
	team_meet(g->team);
	norm_share(call, member, &layer->norm2);
	team_meet(g->team);
	cols = linear_share(call, member, &layer->up, g->normed, false,
	    g->inner);
	for (uint32_t row = 0; row < call->n; row++)
		g->kernel->gelu(g->inner +
				    (size_t)row * g->model->config.n_inner +
				    cols.first,
		    cols.last - cols.first);
	team_meet(g->team);
	(void)linear_share(call, member, &layer->down, g->inner, true, g->x);
	team_meet(g->team);
}

static void
prefill_member(void *ctx, unsigned member)
{
	const struct prefill_call *call = ctx;
	struct gpt2_engine *g = call->g;
	const struct gpt2_model *m = g->model;
	uint32_t n = m->config.n_embd;
	struct team_share rows = team_share(g->n_members, member, call->n, 1);
	struct team_share share = team_share(g->n_members, member,
	    m->config.n_vocab, 4);

	for (uint32_t row = rows.first; row < rows.last; row++)
		engine_embed(g, call->ids[row], call->seq->n + row,
		    g->x + (size_t)row * n);
	team_meet(g->team);
	for (uint32_t i = 0; i < m->config.n_layer; i++)
		prefill_layer(call, member, i);
	if (call->n_logits == 0)
		return;
	norm_share(call, member, &m->norm);
	team_meet(g->team);
	g->kernel->dot(&m->tokens, share.first, share.last,
	    g->normed + (size_t)(call->n - call->n_logits) * n, n,
	    call->n_logits, call->logits, m->config.n_vocab);
}

void
gpt2_prefill(struct gpt2_engine *g, struct gpt2_seq *seq, const uint32_t *ids,
    uint32_t n, uint32_t n_logits, float *logits)
{
	const struct gpt2_config *c = &g->model->config;
	uint32_t done = 0;

	ASSERT(n <= c->n_pos - seq->n && n_logits <= n);
	for (uint32_t i = 0; i < n; i++)
		ASSERT(ids[i] < c->n_vocab);
	while (done < n) {
		uint32_t room = ENGINE_CHUNK - seq->n % ENGINE_CHUNK;
		uint32_t now = n - done < room ? n - done : room;
		uint32_t without = n - n_logits; /* first ones */
		struct prefill_call call = {
			.g = g,
			.seq = seq,
			.ids = ids + done,
			.n = now,
		};

		if (done + now > without) {
			uint32_t from = done > without ? done : without;

			call.n_logits = done + now - from;
			call.logits = logits +
				      (size_t)(from - without) * c->n_vocab;
		}
		team_run(g->team, prefill_member, &call);
		seq->n += now;
		done += now;
	}
}
