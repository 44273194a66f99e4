/* SPDX-License-Identifier: MIT */
#include "domain/usage_series.h"

#include <stdlib.h>

#include "base/clock.h"

static int64_t
next_ms(int64_t start_ms, enum rollup_period period)
{
	static const int64_t longest_ms[ROLLUP_PERIOD__N] = { HOUR_MS, DAY_MS,
		31 * DAY_MS };

	return rollup_start_ms(start_ms + longest_ms[period], period);
}

size_t
usage_periods(int64_t from_ms, int64_t to_ms, enum rollup_period period)
{
	int64_t t = rollup_start_ms(from_ms, period);
	size_t n = 0;

	for (; t < to_ms && n <= USAGE_PERIODS_MAX; n++)
		t = next_ms(t, period);
	return n;
}

static int
compare_ids(const void *pa, const void *pb)
{
	const struct usage_group *const *a = pa, *const *b = pb;

	if ((*a)->by[1] == (*b)->by[1])
		return 0;
	return (*a)->by[1] < (*b)->by[1] ? -1 : 1;
}

/* What they are sorted by: of equal ones the lower id is first. */
struct rank {
	int64_t value;
	const struct usage_group *group;
};

static int
compare_ranks(const void *pa, const void *pb)
{
	const struct rank *a = pa, *b = pb;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->group->by[0] < b->group->by[0] ? -1 : 1;
}

/* Over all times. */
static enum err
fold(const struct usage_report *r, struct arena *a, struct usage_series *ret,
    struct error *e)
{
	const struct usage_group **sorted = arena_array(a,
	    const struct usage_group *, r->n);
	enum err err = OK;

	ret->groups = arena_array(a, struct usage_group, r->n);
	if (!sorted || !ret->groups)
		return error_arena(e, a);
	for (size_t i = 0; i < r->n; i++)
		sorted[i] = &r->groups[i];
	qsort(sorted, r->n, sizeof(*sorted), compare_ids);
	for (size_t i = 0; i < r->n && !err; i++) {
		uint64_t id = sorted[i]->by[1];

		if (ret->n_groups == 0 ||
		    ret->groups[ret->n_groups - 1].by[0] != id)
			ret->groups[ret->n_groups++] =
			    (struct usage_group){ .by = { id, 0 } };
		err = usage_group_add(&ret->groups[ret->n_groups - 1],
		    sorted[i], e);
	}
	return err;
}

static enum err
rank(const struct usage_metric *m, struct arena *a, struct usage_series *s,
    struct error *e)
{
	struct rank *ranks = arena_array(a, struct rank, s->n_groups);
	struct usage_group *groups = arena_array(a, struct usage_group,
	    s->n_groups);

	if (!ranks || !groups)
		return error_arena(e, a);
	for (size_t i = 0; i < s->n_groups; i++)
		ranks[i] = (struct rank){ usage_metric_value(m, &s->groups[i]),
			&s->groups[i] };
	qsort(ranks, s->n_groups, sizeof(*ranks), compare_ranks);
	for (size_t i = 0; i < s->n_groups; i++)
		groups[i] = *ranks[i].group;
	s->groups = groups;
	s->n_own = s->n_groups < USAGE_SERIES_OWN ? s->n_groups
						  : USAGE_SERIES_OWN;
	s->has_other = s->n_groups > s->n_own;
	for (size_t i = s->n_own; i < s->n_groups; i++) {
		enum err err = usage_group_add(&s->other, &groups[i], e);

		if (err)
			return err;
	}
	return OK;
}

static size_t
series_of(const struct usage_series *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_own; i++)
		if (s->groups[i].by[0] == id)
			return i;
	return s->n_own;
}

/* The groups from *at on that are of one period. */
static enum err
add_period(const struct usage_report *r, const struct usage_metric *m,
    struct usage_series *s, size_t period, size_t *at, struct error *e)
{
	struct usage_group sums[USAGE_SERIES_OWN + 2] = { 0 };
	size_t width = usage_series_width(s);
	uint64_t start = (uint64_t)(s->starts_ms[period] / 1000);
	enum err err = OK;

	for (; *at < r->n && r->groups[*at].by[0] == start && !err; ++*at) {
		const struct usage_group *g = &r->groups[*at];

		err = usage_group_add(&sums[series_of(s, g->by[1])], g, e);
		if (!err)
			err = usage_group_add(&sums[width - 1], g, e);
	}
	for (size_t k = 0; k < width; k++)
		s->values[period * width + k] = usage_metric_value(m, &sums[k]);
	return err;
}

enum err
usage_series_build(const struct usage_report *r, enum rollup_period period,
    const struct usage_metric *m, struct arena *a, struct usage_series *ret,
    struct error *e)
{
	struct usage_series s = {
		.n_periods = usage_periods(r->from_ms, r->to_ms, period),
	};
	int64_t t = rollup_start_ms(r->from_ms, period);
	size_t at = 0;
	enum err err = OK;

	if (s.n_periods > USAGE_PERIODS_MAX)
		return error_public(e, ERR_BAD_PARAM, "granularity",
		    "That is more than %d bars: ask for less time, or for "
		    "longer periods.",
		    USAGE_PERIODS_MAX);
	if (r->n > 0)
		err = fold(r, a, &s, e);
	if (!err && r->n > 0)
		err = rank(m, a, &s, e);
	if (err)
		return err;
	s.starts_ms = arena_array(a, int64_t, s.n_periods);
	s.values = arena_array(a, int64_t,
	    s.n_periods * usage_series_width(&s));
	if (!s.starts_ms || !s.values)
		return error_arena(e, a);
	for (size_t i = 0; i < s.n_periods && !err; i++) {
		s.starts_ms[i] = t;
		t = next_ms(t, period);
		err = add_period(r, m, &s, i, &at, e);
	}
	if (!err)
		*ret = s;
	return err;
}
