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

unsigned
limit_left(struct limiter *l, const struct limit_ask *ask,
    struct limit_left ret[LIMIT__COUNTED])
{
	struct limit_count v[LIMIT__COUNTED];
	struct limit_take t;
	unsigned n_all, n = 0;

	limit_take_clear(&t);
	n_all = limit_count_list(l, ask, &t, v);
	for (unsigned i = 0; i < n_all; i++)
		if (is_asked(v[i].c->metric, ask->model_id))
			v[n++] = v[i];
	limit_count_read(l, &t, v, n,
	    limit_max(l, ask->who, LIMIT_SLIDING) == 1, ask->now_ms);
	for (unsigned i = 0; i < n; i++)
		fill(&v[i], ask->now_ms, &ret[i]);
	return n;
}
