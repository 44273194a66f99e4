/* SPDX-License-Identifier: MIT */
#include "domain/usage_series.h"

#include <stdlib.h>

_Static_assert(USAGE_SERIES_SHOWN <= USAGE_AMONG_MAX, "they are asked for");

enum usage_dimension
usage_period_dimension(enum rollup_period period)
{
	static const enum usage_dimension by[ROLLUP_PERIOD__N] = {
		[ROLLUP_HOUR] = USAGE_BY_HOUR,
		[ROLLUP_DAY] = USAGE_BY_DAY,
		[ROLLUP_MONTH] = USAGE_BY_MONTH,
	};

	return by[period];
}

size_t
usage_periods(int64_t from_ms, int64_t to_ms, enum rollup_period period)
{
	int64_t t = rollup_start_ms(from_ms, period);
	size_t n = 0;

	for (; t < to_ms && n <= USAGE_PERIODS_MAX; n++)
		t = rollup_next_ms(t, period);
	return n;
}

/* ---- which are the greatest ---- */

/* What they are sorted by: of equal ones the lower id is first. */
struct place {
	int64_t value;
	const struct usage_group *group;
	uint64_t id;
};

static int
compare_places(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->id < b->id ? -1 : 1;
}

/* @at  which dimension tells them apart */
static enum err
sort_groups(struct usage_group **groups, size_t n, int at,
    const struct usage_metric *m, struct arena *a, struct error *e)
{
	struct place *places = arena_array(a, struct place, n);
	struct usage_group *sorted = arena_array(a, struct usage_group, n);

	if (n == 0)
		return OK;
	if (!places || !sorted)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		const struct usage_group *g = &(*groups)[i];

		places[i] = (struct place){ usage_metric_value(m, g), g,
			g->by[at] };
	}
	qsort(places, n, sizeof(*places), compare_places);
	for (size_t i = 0; i < n; i++)
		sorted[i] = *places[i].group;
	*groups = sorted;
	return OK;
}

enum err
usage_series_rank(struct db *db, const struct usage_series_of *of,
    int64_t now_ms, struct arena *a, struct usage_report *ret, struct error *e)
{
	/* There is no percentile of what is read here. */
	static const struct usage_metric requests = {
		.number = USAGE_NUMBER_REQUESTS
	};
	const struct usage_wish w = { .by = { USAGE_BY_NOTHING, of->by },
		.filter = of->filter,
		.rank = usage_metric_rank(of->metric) };
	enum err err = usage_report_wish(db, &w, now_ms, a, ret, e);

	return err ? err
		   : sort_groups(&ret->groups, ret->n, 1,
			 of->metric->unit == USAGE_UNIT_MS ? &requests
							   : of->metric,
			 a, e);
}

/* ---- series ---- */

/* Over all times. */
static enum err
fold(const struct usage_report *some, struct arena *a, struct usage_series *s,
    struct error *e)
{
	s->groups = arena_array(a, struct usage_group, USAGE_SERIES_SHOWN);
	if (!s->groups)
		return error_arena(e, a);
	for (size_t i = 0; i < some->n; i++) {
		const struct usage_group *g = &some->groups[i];
		size_t k = 0;
		enum err err;

		while (k < s->n_shown && s->groups[k].by[0] != g->by[1])
			k++;
		ASSERT(k < USAGE_SERIES_SHOWN);
		if (k == s->n_shown)
			s->groups[s->n_shown++] =
			    (struct usage_group){ .by = { g->by[1], 0 } };
		err = usage_group_add(&s->groups[k], g, e);
		if (err)
			return err;
	}
	return OK;
}

/* All but the first n. */
static enum err
leave_over(const struct usage_group *total, const struct usage_group *groups,
    size_t n, struct usage_group *ret, struct error *e)
{
	enum err err = OK;

	*ret = *total;
	for (size_t i = 0; i < n && !err; i++)
		err = usage_group_take(ret, &groups[i], e);
	return err;
}

/* Groups of one period, if one begins there, and where the next one begins. */
static const struct usage_group *
of_period(const struct usage_report *r, int64_t start_ms, size_t *at, size_t *n)
{
	const struct usage_group *first = r->groups + *at;

	for (*n = 0;
	     *at < r->n && r->groups[*at].by[0] == (uint64_t)(start_ms / 1000);
	     ++*at)
		++*n;
	return first;
}

/* Own series, the others, all. */
static enum err
add_period(const struct usage_group *all, size_t n_all,
    const struct usage_group *some, size_t n, const struct usage_metric *m,
    struct usage_series *s, int64_t *values, struct error *e)
{
	struct usage_group own[USAGE_SERIES_OWN] = { 0 }, other;
	const struct usage_group total = n_all ? *all
					       : (struct usage_group){ 0 };
	enum err err = OK;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s->n_own; k++)
			if (s->groups[k].by[0] == some[i].by[1])
				own[k] = some[i];
	for (size_t k = 0; k < s->n_own; k++)
		*values++ = usage_metric_value(m, &own[k]);
	if (s->has_other) {
		err = leave_over(&total, own, s->n_own, &other, e);
		*values++ = usage_metric_value(m, &other);
	}
	*values = usage_metric_value(m, &total);
	return err;
}

static enum err
add_periods(const struct usage_report *all, const struct usage_report *some,
    const struct usage_series_of *of, struct usage_series *s, struct error *e)
{
	int64_t t = rollup_start_ms(all->from_ms, of->period);
	size_t at_all = 0, at_some = 0;
	enum err err = OK;

	for (size_t i = 0; i < s->n_periods && !err; i++) {
		size_t n_all, n;
		const struct usage_group *total = of_period(all, t, &at_all,
		    &n_all);
		const struct usage_group *groups = of_period(some, t, &at_some,
		    &n);

		s->starts_ms[i] = t;
		t = rollup_next_ms(t, of->period);
		err = add_period(total, n_all, groups, n, of->metric, s,
		    s->values + i * usage_series_width(s), e);
	}
	return err;
}

enum err
usage_series_build(const struct usage_report *all,
    const struct usage_report *some, size_t n_groups,
    const struct usage_series_of *of, struct arena *a, struct usage_series *ret,
    struct error *e)
{
	struct usage_series s = {
		.n_periods = usage_periods(all->from_ms, all->to_ms,
		    of->period),
		.n_groups = n_groups,
	};
	enum err err;

	if (s.n_periods > USAGE_PERIODS_MAX)
		return error_public(e, ERR_BAD_PARAM, "granularity",
		    "That is more than %d bars: ask for less time, or for "
		    "longer periods.",
		    USAGE_PERIODS_MAX);
	err = fold(some, a, &s, e);
	if (!err)
		err = sort_groups(&s.groups, s.n_shown, 0, of->metric, a, e);
	if (err)
		return err;
	s.n_own = s.n_shown < USAGE_SERIES_OWN ? s.n_shown : USAGE_SERIES_OWN;
	s.has_other = s.n_groups > s.n_own;
	s.starts_ms = arena_array(a, int64_t, s.n_periods);
	s.values = arena_array(a, int64_t,
	    s.n_periods * usage_series_width(&s));
	if (!s.starts_ms || !s.values)
		return error_arena(e, a);
	err = leave_over(&all->total, s.groups, s.n_shown, &s.rest, e);
	if (!err)
		err = leave_over(&all->total, s.groups, s.n_own, &s.other, e);
	if (!err)
		err = add_periods(all, some, of, &s, e);
	if (!err)
		*ret = s;
	return err;
}

/* ---- from the database ---- */

struct loading {
	const struct usage_series_of *of;
	int64_t now_ms;
	struct arena *a;
	struct usage_report all;
	struct usage_series *ret;
};

static enum err
load_some(struct db *db, struct loading *l, const struct usage_report *rank,
    struct usage_report *ret, struct error *e)
{
	uint64_t ids[USAGE_SERIES_SHOWN];
	struct usage_wish w = {
		.by = { usage_period_dimension(l->of->period), l->of->by },
		.filter = l->of->filter,
		.ids = ids,
	};

	*ret = (struct usage_report){ 0 };
	for (; w.n_ids < rank->n && w.n_ids < USAGE_SERIES_SHOWN; w.n_ids++)
		ids[w.n_ids] = rank->groups[w.n_ids].by[1];
	return w.n_ids ? usage_report_wish(db, &w, l->now_ms, l->a, ret, e)
		       : OK;
}

/* db_txn_fn. */
static enum err
load(struct db *db, void *arg, struct error *e)
{
	struct loading *l = arg;
	const struct usage_series_of *of = l->of;
	struct usage_wish w = {
		.by = { usage_period_dimension(of->period), USAGE_BY_NOTHING },
		.filter = of->filter,
	};
	struct usage_report rank, some;
	size_t n_groups;
	enum err err;

	if (of->by == USAGE_BY_NOTHING) {
		err = usage_report_wish(db, &w, l->now_ms, l->a, &l->all, e);
		some = l->all;
		n_groups = l->all.n > 0;
	} else {
		err = usage_series_rank(db, of, l->now_ms, l->a, &rank, e);
		/* Refusals by what they are not known by are nobody's. */
		w.no_refusals = !rank.has_refusals;
		if (!err)
			err = usage_report_wish(db, &w, l->now_ms, l->a,
			    &l->all, e);
		if (!err)
			err = load_some(db, l, &rank, &some, e);
		n_groups = rank.n;
	}
	return err ? err
		   : usage_series_build(&l->all, &some, n_groups, of, l->a,
			 l->ret, e);
}

enum err
usage_series_load(struct db *db, const struct usage_series_of *of,
    int64_t now_ms, struct arena *a, struct usage_report *ret_all,
    struct usage_series *ret, struct error *e)
{
	struct loading l = { .of = of, .now_ms = now_ms, .a = a, .ret = ret };
	enum err err = db_snapshot(db, load, &l, e);

	if (!err)
		*ret_all = l.all;
	return err;
}
