/* SPDX-License-Identifier: MIT */
#include "domain/budget_move.h"

#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "domain/balance_notice.h"
#include "domain/budget_notice.h"
#include "domain/budget_period.h"
#include "domain/retention.h"

/* Events of one budget, to be summed up by period (and series). */
struct part {
	struct budget_span span;
	const uint8_t *series; /* NULL: of what was spent */
	int64_t pusd;
};

/* The budget in hand. */
struct move {
	struct db *db;
	const struct budget *b;
	const struct budget_event *v;
	size_t n;
	struct part *parts; /* room for n */
	struct arena *a;
};

static int
compare_events(const void *a, const void *b)
{
	const struct budget_event *x = a, *y = b;

	return (x->customer_id > y->customer_id) -
	       (x->customer_id < y->customer_id);
}

static int
compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->span.start_ms != y->span.start_ms)
		return x->span.start_ms < y->span.start_ms ? -1 : 1;
	return x->series ? memcmp(x->series, y->series, 16) : 0;
}

static enum err
sum_up(struct part *parts, size_t *n, struct error *e)
{
	size_t n_out = 0;

	qsort(parts, *n, sizeof(*parts), compare_parts);
	for (size_t i = 0; i < *n; i++) {
		struct part *last = n_out ? &parts[n_out - 1] : NULL;
		enum err err = OK;

		if (last && compare_parts(last, &parts[i]) == 0)
			err = money_add(last->pusd, parts[i].pusd, &last->pusd,
			    e);
		else
			parts[n_out++] = parts[i];
		if (err)
			return err;
	}
	*n = n_out;
	return OK;
}

static bool
counts_for(const struct budget *b, const struct budget_event *ev)
{
	switch (b->scope) {
	case BUDGET_CUSTOMER:
	case BUDGET_BALANCE:
		return true; /* events are one customer's */
	case BUDGET_PROJECT:
		return ev->project_id == b->project_id;
	case BUDGET_KEY:
		return ev->api_key_id == b->api_key_id;
	case BUDGET_SCOPE__N:
		break;
	}
	return false;
}

static bool
was_held(const struct budget *b, const struct budget_event *ev)
{
	for (unsigned i = 0; i < ev->n_held; i++)
		if (ev->held[i] == b->budget_id)
			return ev->series && ev->draw_pusd > 0;
	return false;
}

static enum err
tell(const struct move *m, const struct budget_span *span, struct error *e)
{
	return m->b->scope == BUDGET_BALANCE
		   ? balance_notice(m->db, m->b->customer_id, m->a, e)
		   : budget_notice(m->db, m->b, span, m->a, e);
}

static enum err
spend_one(const struct move *m, const struct part *p, struct error *e)
{
	bool is_there;
	enum err err;

	if (p->pusd == 0)
		return OK;
	err = store_budget_spend(m->db, &p->span, p->pusd, &is_there, e);
	if (err || is_there)
		return err ? err : tell(m, &p->span, e);
	/* The rollups have it all, this transaction's included. */
	err = store_budget_begin(m->db, m->b, &p->span, m->a, e);
	/* A row that had been forgotten: what it reached was told then. */
	if (!err && p->span.end_ms > clock_now_ms() - RETENTION_MIN_MS)
		err = tell(m, &p->span, e);
	return err;
}

static enum err
spend(const struct move *m, struct error *e)
{
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < m->n; i++)
		if (counts_for(m->b, &m->v[i]) && m->v[i].change_pusd != 0)
			m->parts[n++] = (struct part){
				.span = budget_span_of(m->b->budget_id,
				    m->b->terms.period, m->v[i].time_ms),
				.pusd = m->v[i].change_pusd,
			};
	err = sum_up(m->parts, &n, e);
	for (size_t i = 0; i < n && !err; i++)
		err = spend_one(m, &m->parts[i], e);
	return err;
}

static enum err
draw(const struct move *m, struct error *e)
{
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < m->n; i++)
		if (was_held(m->b, &m->v[i]))
			m->parts[n++] = (struct part){
				.span = budget_span_of(m->b->budget_id,
				    m->b->terms.period, m->v[i].time_ms),
				.series = m->v[i].series,
				.pusd = m->v[i].draw_pusd,
			};
	err = sum_up(m->parts, &n, e);
	for (size_t i = 0; i < n && !err; i++)
		err = store_budget_unlease(m->db, &m->parts[i].span,
		    m->parts[i].series, m->parts[i].pusd, e);
	return err;
}

/* ---- whose they are ---- */

static int
compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Without repetitions and without 0. */
static size_t
sort_ids(uint64_t *ids, size_t n)
{
	size_t n_out = 0;

	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++)
		if (ids[i] && (n_out == 0 || ids[n_out - 1] != ids[i]))
			ids[n_out++] = ids[i];
	return n_out;
}

static size_t
at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

static enum err
move_all(struct move *m, const struct budget *v, size_t n, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < n && !err; i++) {
		m->b = &v[i];
		err = spend(m, e);
		if (!err)
			err = draw(m, e);
	}
	return err;
}

/* Some projects and keys at a time: memory is bounded by the batch, whatever
 * the customer has. */
static enum err
move_some(struct move *m, struct budget_usage *u, struct error *e)
{
	struct arena_mark mark = arena_mark(m->a);
	struct budget *v = NULL;
	size_t n = 0;
	enum err err = store_budget_for_usage(m->db, u, m->a, &v, &n, e);

	if (!err)
		err = move_all(m, v, n, e);
	arena_rewind(m->a, mark);
	u->is_whole = false;
	u->project_ids += u->n_projects;
	u->key_ids += u->n_keys;
	return err;
}

/* Events of one customer. */
static enum err
move_customer(struct move *m, struct error *e)
{
	uint64_t *projects = arena_array(m->a, uint64_t, m->n);
	uint64_t *keys = arena_array(m->a, uint64_t, m->n);
	struct budget_usage u = { .customer_id = m->v->customer_id,
		.is_whole = true,
		.project_ids = projects,
		.key_ids = keys };
	size_t n_projects, n_keys;
	enum err err = OK;

	if (!projects || !keys)
		return error_arena(e, m->a);
	for (size_t i = 0; i < m->n; i++) {
		projects[i] = m->v[i].project_id;
		keys[i] = m->v[i].api_key_id;
	}
	n_projects = sort_ids(projects, m->n);
	n_keys = sort_ids(keys, m->n);
	while (!err && (u.is_whole || n_projects || n_keys)) {
		u.n_projects = at_most(n_projects, BUDGET_USAGE_PROJECTS);
		u.n_keys = at_most(n_keys, BUDGET_USAGE_KEYS);
		n_projects -= u.n_projects;
		n_keys -= u.n_keys;
		err = move_some(m, &u, e);
	}
	return err;
}

enum err
budget_move(struct db *db, struct budget_event *v, size_t n, struct arena *a,
    struct error *e)
{
	struct arena_mark mark = arena_mark(a);
	struct move m = { .db = db,
		.parts = arena_array(a, struct part, n),
		.a = a };
	enum err err = OK;

	if (!m.parts)
		return error_arena(e, a);
	qsort(v, n, sizeof(*v), compare_events);
	for (size_t i = 0, end = 0; i < n && !err; i = end) {
		while (end < n && v[end].customer_id == v[i].customer_id)
			end++;
		m.v = &v[i];
		m.n = end - i;
		err = move_customer(&m, e);
	}
	arena_rewind(a, mark);
	return err;
}
