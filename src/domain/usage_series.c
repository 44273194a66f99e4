/* SPDX-License-Identifier: MIT */
#include "domain/usage_series.h"

#include <stdlib.h>

_Static_assert(USAGE_SERIES_SHOWN <= USAGE_AMONG_MAX, "they are asked for");
_Static_assert(USAGE_SERIES_OWN *USAGE_PERIODS_MAX <= USAGE_GROUPS_MAX,
    "a report has them");

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
};

static int
compare_places(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->group->by[1] < b->group->by[1] ? -1 : 1;
}

static struct place *
sorted_places(const struct usage_report *r, const struct usage_metric *m,
    struct arena *a)
{
	struct place *places = arena_array(a, struct place, r->n);

	if (!places)
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		places[i] = (struct place){
			usage_metric_value(m, &r->groups[i]), &r->groups[i]
		};
	qsort(places, r->n, sizeof(*places), compare_places);
	return places;
}

/* The ids of the first of a ranking; percentiles can't be told from it. */
static enum err
take_greatest(const struct usage_report *rank, const struct usage_metric *m,
    struct arena *a, uint64_t ids[USAGE_SERIES_SHOWN], size_t *ret_n,
    struct error *e)
{
	static const struct usage_metric requests = {
		.number = USAGE_NUMBER_REQUESTS
	};
	const struct place *places = sorted_places(rank,
	    m->unit == USAGE_UNIT_MS ? &requests : m, a);

	*ret_n = rank->n < USAGE_SERIES_SHOWN ? rank->n : USAGE_SERIES_SHOWN;
	if (rank->n > 0 && !places)
		return error_arena(e, a);
	for (size_t i = 0; i < *ret_n; i++)
		ids[i] = places[i].group->by[1];
	return OK;
}

enum err
usage_series_sort(struct usage_report *shown, const struct usage_metric *m,
    struct arena *a, struct error *e)
{
	struct usage_group *groups;
	struct place *places;

	if (shown->n == 0)
		return OK;
	places = sorted_places(shown, m, a);
	groups = arena_array(a, struct usage_group, shown->n);
	if (!places || !groups)
		return error_arena(e, a);
	for (size_t i = 0; i < shown->n; i++)
		groups[i] = *places[i].group;
	shown->groups = groups;
	return OK;
}

/* ---- series ---- */

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

/* How many groups from *at on are of a period; *at becomes what is behind. */
static size_t
count_of_period(const struct usage_report *r, int64_t start_ms, size_t *at)
{
	size_t first = *at;

	while (
	    *at < r->n && r->groups[*at].by[0] == (uint64_t)(start_ms / 1000))
		++*at;
	return *at - first;
}

/* Own series, the others, all. */
static enum err
add_period(const struct usage_group *total, const struct usage_group *groups,
    size_t n, const struct usage_metric *m, const struct usage_series *s,
    int64_t *values, struct error *e)
{
	struct usage_group own[USAGE_SERIES_OWN] = { 0 }, other;
	enum err err = OK;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s->n_own; k++)
			if (s->groups[k].by[1] == groups[i].by[1])
				own[k] = groups[i];
	for (size_t k = 0; k < s->n_own; k++)
		*values++ = usage_metric_value(m, &own[k]);
	if (s->has_other) {
		err = leave_over(total, own, s->n_own, &other, e);
		*values++ = usage_metric_value(m, &other);
	}
	*values = usage_metric_value(m, total);
	return err;
}

static enum err
add_periods(const struct usage_report *all, const struct usage_report *own,
    const struct usage_series_wish *w, struct usage_series *s, struct error *e)
{
	static const struct usage_group nothing;
	int64_t t = rollup_start_ms(all->from_ms, w->period);
	size_t at = 0, at_own = 0;
	enum err err = OK;

	for (size_t i = 0; i < s->n_periods && !err; i++) {
		size_t first = at, first_own = at_own;
		size_t n = count_of_period(all, t, &at);
		size_t n_own = count_of_period(own, t, &at_own);

		err = add_period(n ? &all->groups[first] : &nothing,
		    n_own ? &own->groups[first_own] : NULL, n_own, w->metric, s,
		    s->values + i * usage_series_width(s), e);
		s->starts_ms[i] = t;
		t = rollup_next_ms(t, w->period);
	}
	return err;
}

enum err
usage_series_build(const struct usage_report *all,
    const struct usage_report *shown, const struct usage_report *own,
    size_t n_groups, const struct usage_series_wish *w, struct arena *a,
    struct usage_series *ret, struct error *e)
{
	struct usage_series s = {
		.groups = shown->groups,
		.n_shown = shown->n,
		.n_groups = n_groups,
		.n_periods = usage_periods(all->from_ms, all->to_ms, w->period),
	};
	enum err err;

	if (s.n_periods > USAGE_PERIODS_MAX)
		return error_public(e, ERR_BAD_PARAM, "granularity",
		    "That is more than %d bars: ask for less time, or for "
		    "longer periods.",
		    USAGE_PERIODS_MAX);
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
		err = add_periods(all, own, w, &s, e);
	if (!err)
		*ret = s;
	return err;
}

/* ---- from the database ---- */

struct loading {
	const struct usage_series_wish *w;
	int64_t now_ms;
	struct arena *a;
	struct arena_mark begin; /* before anything of it */
	struct usage_report all;
	struct usage_series *ret;
};

static enum err
read_by(struct db *db, const struct loading *l, enum usage_dimension first,
    enum usage_dimension second, struct usage_wish *wish,
    struct usage_report *ret, struct error *e)
{
	wish->by[0] = first;
	wish->by[1] = second;
	wish->filter = l->w->filter;
	wish->rows_max = USAGE_SERIES_ROWS_MAX;
	return usage_report_wish(db, wish, l->now_ms, l->a, ret, e);
}

/* Which groups are the greatest. Of what was read for that only their ids stay. */
static enum err
find_greatest(struct db *db, const struct loading *l,
    uint64_t ids[USAGE_SERIES_SHOWN], size_t *ret_n, size_t *ret_n_groups,
    bool *ret_has_refusals, struct error *e)
{
	struct usage_wish wish = { .rank = usage_metric_rank(l->w->metric) };
	struct arena_mark mark = arena_mark(l->a);
	struct usage_report rank;
	enum err err = read_by(db, l, USAGE_BY_NOTHING, l->w->by, &wish, &rank,
	    e);

	if (!err)
		err = take_greatest(&rank, l->w->metric, l->a, ids, ret_n, e);
	*ret_n_groups = rank.n;
	*ret_has_refusals = rank.has_refusals;
	arena_rewind(l->a, mark);
	return err;
}

/* What is drawn and listed by period is a number of each, if it adds up. */
static enum usage_rank
rank_of_periods(const struct usage_metric *m)
{
	return m->unit == USAGE_UNIT_MS ? USAGE_RANK_NONE
					: usage_metric_rank(m);
}

static enum err
load_groups(struct db *db, struct loading *l, struct error *e)
{
	const struct usage_series_wish *w = l->w;
	enum usage_dimension by = usage_period_dimension(w->period);
	uint64_t ids[USAGE_SERIES_SHOWN];
	struct usage_wish all = { 0 };
	struct usage_wish some = { .ids = ids,
		.shown_only = w->metric->number != USAGE_NUMBER_TTFT };
	struct usage_report shown = { 0 }, own = { 0 };
	size_t n_ids = 0, n_groups;
	bool has_refusals;
	enum err err = find_greatest(db, l, ids, &n_ids, &n_groups,
	    &has_refusals, e);

	/* Refusals by what they are not known by are nobody's. */
	all.no_refusals = !has_refusals;
	if (!err)
		err = read_by(db, l, by, USAGE_BY_NOTHING, &all, &l->all, e);
	/* All of them need not be named. */
	some.n_ids = n_ids < n_groups ? n_ids : 0;
	if (!err && n_ids)
		err = read_by(db, l, USAGE_BY_NOTHING, w->by, &some, &shown, e);
	if (!err)
		err = usage_series_sort(&shown, w->metric, l->a, e);
	some.rank = rank_of_periods(w->metric);
	some.n_ids = 0;
	for (size_t i = 0;
	     i < shown.n && i < USAGE_SERIES_OWN && n_groups > USAGE_SERIES_OWN;
	     i++)
		ids[some.n_ids++] = shown.groups[i].by[1];
	if (!err && n_ids)
		err = read_by(db, l, by, w->by, &some, &own, e);
	return err ? err
		   : usage_series_build(&l->all, &shown, &own, n_groups, w,
			 l->a, l->ret, e);
}

/* All together are one group. */
static enum err
load_one(struct db *db, struct loading *l, struct error *e)
{
	struct usage_wish wish = { 0 };
	struct usage_report shown;
	enum err err = read_by(db, l, usage_period_dimension(l->w->period),
	    USAGE_BY_NOTHING, &wish, &l->all, e);

	shown = l->all;
	shown.groups = &l->all.total;
	shown.n = l->all.n > 0;
	return err ? err
		   : usage_series_build(&l->all, &shown, &l->all, shown.n, l->w,
			 l->a, l->ret, e);
}

/* db_txn_fn. */
static enum err
load(struct db *db, void *arg, struct error *e)
{
	struct loading *l = arg;

	arena_rewind(l->a, l->begin);
	return l->w->by == USAGE_BY_NOTHING ? load_one(db, l, e)
					    : load_groups(db, l, e);
}

enum err
usage_series_load(struct db *db, const struct usage_series_wish *w,
    int64_t now_ms, struct arena *a, struct usage_report *ret_all,
    struct usage_series *ret, struct error *e)
{
	struct loading l = { .w = w,
		.now_ms = now_ms,
		.a = a,
		.begin = arena_mark(a),
		.ret = ret };
	enum err err = db_snapshot(db, load, &l, e);

	*ret_all = l.all;
	if (!err && w->by == USAGE_BY_NOTHING)
		ret->groups = &ret_all->total;
	return err;
}
