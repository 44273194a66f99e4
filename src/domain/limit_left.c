/* SPDX-License-Identifier: MIT */
/* What limits leave to a key that asks, without counting anything. */
#include "domain/limit_priv.h"

/* A model's limits are asked for model by model, the others once. What all
 * users of a model have left would tell each how much the others do. */
static bool
is_asked(enum limit_metric metric, uint64_t model_id)
{
	enum limit_scope scope = limit_metrics[metric].scope;

	return scope != LIMIT_MODEL &&
	       (scope == LIMIT_KEY_MODEL) == (model_id != 0);
}

static void
fill(const struct limit_count *v, int64_t now_ms, struct limit_left *ret)
{
	const struct limit_taken *c = v->c;
	int64_t window_ms = limit_window_ms(limit_metrics[c->metric].window);
	uint64_t used = v->count + limit_count_share(v,
				       window_ms - now_ms % window_ms,
				       window_ms);

	ret->metric = c->metric;
	ret->limit = v->max;
	ret->is_known = c->where != LIMIT_NOWHERE;
	ret->remaining = used < v->max ? v->max - used : 0;
	ret->ends_at_ms = (int64_t)(c->index + 1) * window_ms;
}

/* Of one model, behind v[n]. Returns how many v are in use then. */
static unsigned
list_asked(struct limiter *l, const struct limit_ask *ask, uint64_t model_id,
    struct limit_take *t, struct limit_count *v, unsigned n)
{
	struct limit_ask of_model = *ask;
	struct limit_count all[LIMIT__COUNTED];
	unsigned n_all;

	of_model.model_id = model_id;
	limit_take_clear(t);
	n_all = limit_count_list(l, &of_model, t, all);
	for (unsigned i = 0; i < n_all; i++)
		if (is_asked(all[i].c->metric, model_id))
			v[n++] = all[i];
	return n;
}

void
limit_left(struct limiter *l, const struct limit_ask *ask,
    struct limit_left_of *of, size_t n)
{
	struct limit_count v[LIMIT_LEFT_MODELS * LIMIT__COUNTED];
	struct limit_take t[LIMIT_LEFT_MODELS];
	unsigned n_v = 0, k = 0;

	ASSERT(n <= LIMIT_LEFT_MODELS);
	for (size_t i = 0; i < n; i++) {
		unsigned before = n_v;

		n_v = list_asked(l, ask, of[i].model_id, &t[i], v, n_v);
		of[i].n = n_v - before;
	}
	limit_count_read(l, v, n_v, limit_max(l, ask->who, LIMIT_SLIDING) == 1,
	    ask->now_ms);
	for (size_t i = 0; i < n; i++)
		for (unsigned m = 0; m < of[i].n; m++)
			fill(&v[k++], ask->now_ms, &of[i].v[m]);
}
