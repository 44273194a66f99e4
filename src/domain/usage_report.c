/* SPDX-License-Identifier: MIT */
#include "domain/usage_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"

/* Dimensions of usage_daily and of usage_refusals; both know times. */
#define BIT(by) (1U << (by))
#define DAILY                                                          \
 (BIT(USAGE_BY_NOTHING) | BIT(USAGE_BY_KEY) | BIT(USAGE_BY_CUSTOMER) | \
     BIT(USAGE_BY_MODEL) | BIT(USAGE_BY_DAY) | BIT(USAGE_BY_MONTH))
#define REFUSALS (DAILY | BIT(USAGE_BY_HOUR))

/* One statement's part of the time. */
struct piece {
	enum usage_sums_of table;
	int64_t from_ms, to_ms;
};
#define PIECES_MAX 4

static int64_t
floor_ms(int64_t t, int64_t unit_ms)
{
	return t - t % unit_ms;
}

static int64_t
ceil_ms(int64_t t, int64_t unit_ms)
{
	return floor_ms(t + unit_ms - 1, unit_ms);
}

static bool
is_known_by(unsigned dimensions, const enum usage_dimension by[USAGE_BY_MAX],
    const struct usage_filter *f)
{
	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (!(dimensions & BIT(by[i])))
			return false;
	return !f->user_id && !f->project_id && !f->agent_id &&
	       !f->connector_id && !f->provider_id && !f->status.p;
}

static void
add_piece(struct piece *pieces, size_t *n, enum usage_sums_of table,
    int64_t from_ms, int64_t to_ms)
{
	if (from_ms < to_ms)
		pieces[(*n)++] = (struct piece){ table, from_ms, to_ms };
}

static size_t
cut(const enum usage_dimension by[USAGE_BY_MAX], const struct usage_filter *f,
    int64_t now_ms, struct usage_report *r, struct piece pieces[PIECES_MAX])
{
	int64_t from_day = ceil_ms(r->from_ms, DAY_MS);
	/* Today is whole as far as there is something of it. */
	int64_t to_day = r->to_ms > now_ms ? ceil_ms(r->to_ms, DAY_MS)
					   : floor_ms(r->to_ms, DAY_MS);
	size_t n = 0;

	if (is_known_by(DAILY, by, f) && from_day < to_day) {
		add_piece(pieces, &n, USAGE_SUMS_HOURLY, r->from_ms, from_day);
		add_piece(pieces, &n, USAGE_SUMS_DAILY, from_day, to_day);
		add_piece(pieces, &n, USAGE_SUMS_HOURLY, to_day, r->to_ms);
	} else {
		add_piece(pieces, &n, USAGE_SUMS_HOURLY, r->from_ms, r->to_ms);
	}
	if (r->has_refusals)
		add_piece(pieces, &n, USAGE_SUMS_REFUSALS, r->from_ms,
		    r->to_ms);
	return n;
}

static int
compare(const void *pa, const void *pb)
{
	const struct usage_group *a = pa, *b = pb;

	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (a->by[i] != b->by[i])
			return a->by[i] < b->by[i] ? -1 : 1;
	return 0;
}

static enum err
add_group(struct usage_group *to, const struct usage_group *g, struct error *e)
{
	struct rollup_sums *s = &to->sums;
	enum err err;

	to->refusals += g->refusals;
	to->failed_requests += g->failed_requests;
	s->requests += g->sums.requests;
	s->unpriced_requests += g->sums.unpriced_requests;
	s->estimated_requests += g->sums.estimated_requests;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			s->tok[x][i] += g->sums.tok[x][i];
	s->latency_ms += g->sums.latency_ms;
	s->time_to_first_token_ms += g->sums.time_to_first_token_ms;
	histogram_add(&s->latency, &g->sums.latency);
	histogram_add(&s->ttft, &g->sums.ttft);
	err = money_add(s->cost_pusd, g->sums.cost_pusd, &s->cost_pusd, e);
	if (!err)
		err = money_add(s->provider_cost_pusd,
		    g->sums.provider_cost_pusd, &s->provider_cost_pusd, e);
	return err;
}

static enum err
check_n(size_t n, struct error *e)
{
	if (n <= USAGE_GROUPS_MAX)
		return OK;
	return error_public(e, ERR_BAD_PARAM, "group_by",
	    "That gives more than %d groups: ask for less time, or group by "
	    "less.",
	    USAGE_GROUPS_MAX);
}

/* Parts of the same group become one. */
static enum err
merge(struct usage_group *all, size_t n, struct usage_report *r,
    struct error *e)
{
	enum err err = OK;

	qsort(all, n, sizeof(*all), compare);
	r->groups = all;
	for (size_t i = 0; i < n && !err; i++) {
		err = add_group(&r->total, &all[i], e);
		if (!err && r->n > 0 && compare(&all[r->n - 1], &all[i]) == 0)
			err = add_group(&all[r->n - 1], &all[i], e);
		else
			all[r->n++] = all[i];
	}
	return err ? err : check_n(r->n, e);
}

enum err
usage_report(struct db *db, const enum usage_dimension by[USAGE_BY_MAX],
    const struct usage_filter *f, int64_t now_ms, struct arena *a,
    struct usage_report *ret, struct error *e)
{
	struct usage_group *parts[PIECES_MAX], *all;
	size_t n_parts[PIECES_MAX], n_pieces, n = 0, at = 0;
	struct piece pieces[PIECES_MAX];
	struct usage_filter part = *f;
	enum err err = OK;

	*ret = (struct usage_report){
		.from_ms = floor_ms(f->from_ms, HOUR_MS),
		.to_ms = ceil_ms(f->to_ms, HOUR_MS),
		.has_refusals = is_known_by(REFUSALS, by, f),
	};
	n_pieces = cut(by, f, now_ms, ret, pieces);
	for (size_t i = 0; i < n_pieces && !err; i++) {
		part.from_ms = pieces[i].from_ms;
		part.to_ms = pieces[i].to_ms;
		err = store_usage_summary(db, pieces[i].table, by, &part,
		    USAGE_GROUPS_MAX + 1, a, &parts[i], &n_parts[i], e);
		if (!err)
			err = check_n(n_parts[i], e);
		n += err ? 0 : n_parts[i];
	}
	if (err || n == 0)
		return err;
	all = arena_array(a, struct usage_group, n);
	if (!all)
		return error_arena(e, a);
	for (size_t i = 0; i < n_pieces; i++) {
		if (n_parts[i] > 0)
			memcpy(all + at, parts[i], n_parts[i] * sizeof(*all));
		at += n_parts[i];
	}
	return merge(all, n, ret, e);
}
