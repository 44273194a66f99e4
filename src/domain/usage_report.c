/* SPDX-License-Identifier: MIT */
#include "domain/usage_report.h"

#include "base/clock.h"
#include "base/money.h"
#include "domain/usage_metric.h"

/* Dimensions of usage_sums, usage_totals, usage_callers, usage_refusals and the
 * sums of those. */
#define BIT(by) (1U << (by))
#define TIMES                                                      \
 (BIT(USAGE_BY_NOTHING) | BIT(USAGE_BY_HOUR) | BIT(USAGE_BY_DAY) | \
     BIT(USAGE_BY_MONTH))
#define ALL (TIMES | BIT(USAGE_BY_CUSTOMER))
#define TOTALS                                           \
 (TIMES | BIT(USAGE_BY_CUSTOMER) | BIT(USAGE_BY_MODEL) | \
     BIT(USAGE_BY_PROVIDER) | BIT(USAGE_BY_STATUS))
#define CALLERS                                                       \
 (BIT(USAGE_BY_NOTHING) | BIT(USAGE_BY_DAY) | BIT(USAGE_BY_MONTH) |   \
     BIT(USAGE_BY_KEY) | BIT(USAGE_BY_USER) | BIT(USAGE_BY_PROJECT) | \
     BIT(USAGE_BY_CUSTOMER) | BIT(USAGE_BY_AGENT) | BIT(USAGE_BY_CONNECTOR))
#define REFUSALS \
 (TIMES | BIT(USAGE_BY_KEY) | BIT(USAGE_BY_CUSTOMER) | BIT(USAGE_BY_MODEL))
#define REFUSED_TOTALS (REFUSALS & ~BIT(USAGE_BY_KEY))
#define REFUSED_KEYS   (REFUSALS & ~BIT(USAGE_BY_MODEL))

/* Whatever is asked for: nothing is older than Tollgate, and the ends of
 * periods must be times that the database knows. */
#define TIME_MIN_MS INT64_C(946684800000)    /* 2000-01-01 */
#define TIME_MAX_MS INT64_C(253370764800000) /* 9999-01-01 */

/* One statement's part of the time. */
struct piece {
	enum usage_sums_of sums;
	enum rollup_period period;
	int64_t from_ms, to_ms;
	bool is_less; /* it is taken away */
};
/* A month's ends have a pentad's each, those a day's, those an hour's; the same
 * of the refusals, which have no pentads. */
#define PIECES_MAX 14

/* A time to be put together. */
struct cutting {
	enum usage_sums_of sums;
	int64_t now_ms;
	struct piece pieces[PIECES_MAX];
	size_t n;
};

static int64_t
known_ms(int64_t t)
{
	if (t < TIME_MIN_MS)
		return TIME_MIN_MS;
	return t < TIME_MAX_MS ? t : TIME_MAX_MS;
}

/* The end of a period, or t if it is one. */
static int64_t
ceil_ms(int64_t t, enum rollup_period period)
{
	return rollup_start_ms(t, period) == t ? t : rollup_next_ms(t, period);
}

static bool
is_grouped_by(unsigned dimensions, const enum usage_dimension by[USAGE_BY_MAX])
{
	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (!(dimensions & BIT(by[i])))
			return false;
	return true;
}

static bool
has_narrow_filter(const struct usage_filter *f)
{
	return f->user_id || f->project_id || f->agent_id || f->connector_id;
}

static void
add_piece(struct cutting *c, enum usage_sums_of sums, enum rollup_period period,
    int64_t from_ms, int64_t to_ms, bool is_less)
{
	if (from_ms >= to_ms)
		return;
	if (sums == USAGE_SUMS_CALLERS && period == ROLLUP_HOUR)
		sums = USAGE_SUMS_FULL;
	ASSERT(c->n < PIECES_MAX);
	c->pieces[c->n++] = (struct piece){ sums, period, from_ms, to_ms,
		is_less };
}

/* How long a time is as far as there is something of it. */
static int64_t
past_ms(const struct cutting *c, int64_t from_ms, int64_t to_ms)
{
	int64_t end = to_ms < c->now_ms ? to_ms : c->now_ms;

	return end > from_ms ? end - from_ms : 0;
}

static enum rollup_period
finer_of(const struct cutting *c, enum rollup_period period)
{
	if (period == ROLLUP_MONTH && usage_summary_has_pentads(c->sums))
		return ROLLUP_PENTAD;
	return period == ROLLUP_DAY ? ROLLUP_HOUR : ROLLUP_DAY;
}

/*
 * [from, to) by whole periods and what is over, or less what is too much, in
 * finer ones: whichever is shorter, at either end.
 */
static void
cut(struct cutting *c, enum rollup_period period, int64_t from_ms,
    int64_t to_ms, bool is_less)
{
	int64_t first = ceil_ms(from_ms, period), last;
	int64_t before = rollup_start_ms(from_ms, period);
	int64_t behind = ceil_ms(to_ms, period);
	enum rollup_period finer;

	if (period == ROLLUP_HOUR || from_ms >= to_ms) {
		add_piece(c, c->sums, period, from_ms, to_ms, is_less);
		return;
	}
	finer = finer_of(c, period);
	last = rollup_start_ms(to_ms, period);
	if (past_ms(c, before, from_ms) < past_ms(c, from_ms, first))
		first = before;
	if (past_ms(c, to_ms, behind) < past_ms(c, last, to_ms))
		last = behind;
	if (first >= last) {
		cut(c, finer, from_ms, to_ms, is_less);
		return;
	}
	add_piece(c, c->sums, period, first, last, is_less);
	if (first < from_ms)
		cut(c, finer, first, from_ms, !is_less);
	else
		cut(c, finer, from_ms, first, is_less);
	if (last < to_ms)
		cut(c, finer, last, to_ms, is_less);
	else if (past_ms(c, to_ms, last) > 0)
		cut(c, finer, to_ms, last, !is_less);
}

/* Groups of days can't be told from months. */
static enum rollup_period
coarsest(const enum usage_dimension by[USAGE_BY_MAX])
{
	enum rollup_period period = ROLLUP_MONTH;

	for (int i = 0; i < USAGE_BY_MAX; i++) {
		if (by[i] == USAGE_BY_HOUR)
			return ROLLUP_HOUR;
		if (by[i] == USAGE_BY_DAY)
			period = ROLLUP_DAY;
	}
	return period;
}

/* What the statements need, and what they found. */
struct reading {
	struct usage_wish wish; /* with the time of what is being read */
	const struct cutting *cutting;
	struct usage_tally tally;
	uint64_t n_rows;  /* of everybody's callers */
	bool is_less;     /* what is being read */
	bool is_rank_row; /* likewise */
};

/* What such a row says is all that there is to be added. */
static enum err
add_rank_row(struct reading *r, const struct usage_rank_row *row,
    struct error *e)
{
	uint64_t k = r->is_less ? UINT64_MAX : 1;
	struct usage_group *g;
	enum err err = usage_tally_group(&r->tally, row->by, &g, e);

	if (err)
		return err;
	g->sums.requests += k * row->requests;
	if (usage_rank_is_of_tokens(r->wish.rank)) {
		*usage_rank_tokens(r->wish.rank, g) += k * row->tokens;
		return OK;
	}
	g->failed_requests += k * row->failed_requests;
	return r->is_less ? money_sub(g->sums.cost_pusd, row->cost_pusd,
				&g->sums.cost_pusd, e)
			  : money_add(g->sums.cost_pusd, row->cost_pusd,
				&g->sums.cost_pusd, e);
}

/* db_row_fn. */
static enum err
take_row(const void *row, void *arg, struct error *e)
{
	struct reading *r = arg;

	return r->is_rank_row ? add_rank_row(r, row, e)
			      : usage_tally_add(&r->tally, row, r->is_less, e);
}

/* Whether they are too many is known before they are read. */
static enum err
count_rows(struct db *db, struct reading *r, const struct piece *p,
    struct error *e)
{
	uint64_t max = r->wish.rows_max, n;
	enum err err;

	if (!max)
		return OK;
	err = store_usage_summary_count(db, &r->wish, p->sums, p->period,
	    max - r->n_rows + 1, &n, e);
	if (err)
		return err;
	r->n_rows += n;
	return r->n_rows <= max
		   ? OK
		   : error_public(e, ERR_BAD_PARAM, "group_by",
			 "That reads more than %llu sums: ask for less time, "
			 "or of one customer.",
			 (unsigned long long)max);
}

/* db_txn_fn: one snapshot, or what is taken away might not be there yet. */
static enum err
read_pieces(struct db *db, void *arg, struct error *e)
{
	struct reading *r = arg;
	enum err err = OK;

	usage_tally_clear(&r->tally);
	r->n_rows = 0;
	for (size_t i = 0; i < r->cutting->n && !err; i++) {
		const struct piece *p = &r->cutting->pieces[i];

		r->is_less = p->is_less;
		r->is_rank_row = r->wish.rank != USAGE_RANK_NONE &&
				 p->sums < USAGE_SUMS_REFUSED_TOTALS;
		r->wish.filter.from_ms = p->from_ms;
		r->wish.filter.to_ms = p->to_ms;
		err = count_rows(db, r, p, e);
		if (!err)
			err = store_usage_summary(db, &r->wish, p->sums,
			    p->period, take_row, r, e);
	}
	return err;
}

/* The table with the fewest rows that can tell. */
static enum usage_sums_of
fewest(const struct usage_wish *w)
{
	const enum usage_dimension *by = w->by;
	const struct usage_filter *f = &w->filter;
	bool is_any_caller = !has_narrow_filter(f) && !f->api_key_id;
	bool is_any_model = !f->model_id && !f->provider_id && !f->status.p;

	if (usage_summary_has_ranks(w))
		return USAGE_SUMS_RANKS;
	if (is_grouped_by(ALL, by) && is_any_caller && is_any_model)
		return USAGE_SUMS_ALL;
	if (is_grouped_by(TOTALS, by) && is_any_caller)
		return USAGE_SUMS_TOTALS;
	if (is_grouped_by(CALLERS, by) && is_any_model)
		return USAGE_SUMS_CALLERS;
	return USAGE_SUMS_FULL;
}

/* Sums that know both are by the hour only. */
static void
cut_refusals(struct cutting *c, const struct usage_wish *w,
    const struct usage_report *r)
{
	const enum usage_dimension *by = w->by;
	const struct usage_filter *f = &w->filter;
	enum rollup_period period = coarsest(by);

	c->sums = USAGE_SUMS_REFUSALS;
	if (!f->api_key_id && is_grouped_by(REFUSED_TOTALS, by))
		c->sums = USAGE_SUMS_REFUSED_TOTALS;
	else if (!f->model_id && is_grouped_by(REFUSED_KEYS, by))
		c->sums = USAGE_SUMS_REFUSED_KEYS;
	else
		period = ROLLUP_HOUR;
	cut(c, period, r->from_ms, r->to_ms, false);
}

enum err
usage_report_wish(struct db *db, const struct usage_wish *w, int64_t now_ms,
    struct arena *a, struct usage_report *ret, struct error *e)
{
	const struct usage_filter *f = &w->filter;
	struct cutting c = { .sums = fewest(w), .now_ms = now_ms };
	struct reading r = { .wish = *w, .cutting = &c };
	enum err err;

	*ret = (struct usage_report){
		.from_ms = rollup_start_ms(known_ms(f->from_ms), ROLLUP_HOUR),
		.to_ms = ceil_ms(known_ms(f->to_ms), ROLLUP_HOUR),
		.has_refusals = !w->no_refusals &&
				is_grouped_by(REFUSALS, w->by) &&
				!has_narrow_filter(f) && !f->provider_id &&
				!f->status.p,
	};
	cut(&c, coarsest(w->by), ret->from_ms, ret->to_ms, false);
	if (ret->has_refusals)
		cut_refusals(&c, w, ret);
	usage_tally_init(&r.tally, a);
	err = db_snapshot(db, read_pieces, &r, e);
	return err ? err
		   : usage_tally_end(&r.tally, &ret->groups, &ret->n,
			 &ret->total, e);
}

enum err
usage_report(struct db *db, const enum usage_dimension by[USAGE_BY_MAX],
    const struct usage_filter *f, int64_t now_ms, struct arena *a,
    struct usage_report *ret, struct error *e)
{
	struct usage_wish w = { .filter = *f };

	for (int i = 0; i < USAGE_BY_MAX; i++)
		w.by[i] = by[i];
	return usage_report_wish(db, &w, now_ms, a, ret, e);
}
