/* SPDX-License-Identifier: MIT */
#include "store/usage_summary.h"

#include <string.h>

#include "base/clock.h"
#include "store/fields.h"
#include "store/store_priv.h"
#include "store/usage_ranks.h"

const char *const usage_dimension_names[USAGE_BY__N] = { "", "key", "user",
	"project", "customer", "model", "provider", "agent", "connector",
	"status", "hour", "day", "month" };

static const struct db_field group_fields[] = {
	DB_FIELD(struct usage_group, by[0], U64),
	DB_FIELD(struct usage_group, by[1], U64),
	DB_FIELD(struct usage_group, failed_requests, U64),
	DB_FIELD(struct usage_group, sums.requests, U64),
	DB_FIELD(struct usage_group, sums.unpriced_requests, U64),
	DB_FIELD(struct usage_group, sums.estimated_requests, U64),
	DB_FIELDS_TOK(struct usage_group, sums.tok, U64),
	DB_FIELD(struct usage_group, sums.cost_pusd, MONEY),
	DB_FIELD(struct usage_group, sums.provider_cost_pusd, MONEY),
	DB_FIELD(struct usage_group, sums.latency_ms, U64),
	DB_FIELD(struct usage_group, sums.time_to_first_token_ms, U64),
	DB_FIELDS_HIST(struct usage_group, sums.latency),
	DB_FIELDS_HIST(struct usage_group, sums.ttft),
};
static const struct db_map group_map = DB_MAP(struct usage_group, group_fields);

static const struct db_field shown_fields[] = {
	DB_FIELD(struct usage_group, by[0], U64),
	DB_FIELD(struct usage_group, by[1], U64),
	DB_FIELD(struct usage_group, failed_requests, U64),
	DB_FIELD(struct usage_group, sums.requests, U64),
	DB_FIELDS_TOK(struct usage_group, sums.tok, U64),
	DB_FIELD(struct usage_group, sums.cost_pusd, MONEY),
	DB_FIELDS_HIST(struct usage_group, sums.latency),
};
static const struct db_map shown_map = DB_MAP(struct usage_group, shown_fields);

static const struct db_field refusal_fields[] = {
	DB_FIELD(struct usage_group, by[0], U64),
	DB_FIELD(struct usage_group, by[1], U64),
	DB_FIELD(struct usage_group, refusals, U64),
};
static const struct db_map refusal_map = DB_MAP(struct usage_group,
    refusal_fields);

static const struct db_field rank_fields[] = {
	DB_FIELD(struct usage_rank_row, by[0], U64),
	DB_FIELD(struct usage_rank_row, by[1], U64),
	DB_FIELD(struct usage_rank_row, requests, U64),
	DB_FIELD(struct usage_rank_row, failed_requests, U64),
	DB_FIELD(struct usage_rank_row, cost_pusd, MONEY),
};
static const struct db_map rank_map = DB_MAP(struct usage_rank_row,
    rank_fields);

static const struct db_field tokens_fields[] = {
	DB_FIELD(struct usage_rank_row, by[0], U64),
	DB_FIELD(struct usage_rank_row, by[1], U64),
	DB_FIELD(struct usage_rank_row, requests, U64),
	DB_FIELD(struct usage_rank_row, tokens, U64),
};
static const struct db_map tokens_map = DB_MAP(struct usage_rank_row,
    tokens_fields);

/* Dimensions, rank, customer or customers, period, starts, filter, groups. */
#define VALUES_MAX (2 + 1 + 1 + 1 + USAGE_AMONG_MAX + 16 + 2 + USAGE_AMONG_MAX)
_Static_assert(USAGE_RANK_TOKENS == 3 && USAGE_RANK_TOKEN_CLASS == 6 &&
		   TOK_CLASS_FIRST_OUT == 4 && TOK_CLASS__MAX == 8,
    "stmts.def has these numbers");

/* The values of one statement, in its order. */
struct values {
	struct db_val v[VALUES_MAX];
	size_t n;
};

static void
add(struct values *s, struct db_val v)
{
	ASSERT(s->n < VALUES_MAX);
	s->v[s->n++] = v;
}

static void
add_twice(struct values *s, struct db_val v)
{
	add(s, v);
	add(s, v);
}

static bool
is_of_refusals(enum usage_sums_of sums)
{
	return sums >= USAGE_SUMS_REFUSED_TOTALS;
}

static bool
is_totals(enum usage_sums_of sums)
{
	return sums == USAGE_SUMS_ALL || sums == USAGE_SUMS_TOTALS ||
	       sums == USAGE_SUMS_REFUSED_TOTALS;
}

static bool
has_key(enum usage_sums_of sums)
{
	return sums == USAGE_SUMS_REFUSALS || sums == USAGE_SUMS_REFUSED_KEYS;
}

static void
add_filter(struct values *s, enum usage_sums_of sums,
    const struct usage_filter *f)
{
	bool has_caller = sums == USAGE_SUMS_FULL || sums == USAGE_SUMS_CALLERS;

	if (has_caller || has_key(sums))
		add_twice(s, db_id(f->api_key_id));
	if (has_caller) {
		add_twice(s, db_id(f->user_id));
		add_twice(s, db_id(f->project_id));
		add_twice(s, db_id(f->agent_id));
		add_twice(s, db_id(f->connector_id));
	}
	if (sums == USAGE_SUMS_CALLERS || sums == USAGE_SUMS_ALL)
		return;
	if (sums != USAGE_SUMS_REFUSED_KEYS)
		add_twice(s, db_id(f->model_id));
	if (!is_of_refusals(sums)) {
		add_twice(s, db_id(f->provider_id));
		add_twice(s, db_str(f->status));
	}
}

/* Places that are left are filled with the last one again. */
static void
add_ids(struct values *s, const struct usage_wish *w)
{
	ASSERT(w->n_ids <= USAGE_AMONG_MAX);
	for (size_t i = 0; i < USAGE_AMONG_MAX; i++)
		add(s, db_u64(w->n_ids == 0  ? 0
			      : i < w->n_ids ? w->ids[i]
					     : w->ids[w->n_ids - 1]));
}

static void
add_among(struct values *s, const struct usage_wish *w)
{
	add(s, db_i64((int64_t)w->n_ids));
	add(s, db_i64(w->by[1]));
	add_ids(s, w);
}

/* The next days or months from *from_ms on, which becomes what is behind them. */
static void
add_starts(struct values *s, enum rollup_period period, int64_t *from_ms,
    int64_t to_ms)
{
	int64_t last_ms = *from_ms;

	for (size_t i = 0; i < USAGE_AMONG_MAX; i++) {
		if (*from_ms < to_ms) {
			last_ms = *from_ms;
			*from_ms = rollup_next_ms(last_ms, period);
		}
		add(s, db_day(last_ms));
	}
}

/* How rows are found. */
enum way {
	WAY_TIME,     /* everybody's */
	WAY_CUSTOMER, /* a customer's */
	WAY_STARTS,   /* a customer's of some days or months */
	WAY_AMONG,    /* some customers' */
	WAY__N
};

/* What is read of each group. */
enum what {
	WHAT_SUMS,
	WHAT_SHOWN,
	WHAT_RANK,
	WHAT_TOKENS,
	WHAT__N
};

static enum what
what_of(const struct usage_wish *w, enum usage_sums_of sums)
{
	if (is_of_refusals(sums))
		return WHAT_SUMS;
	if (w->rank == USAGE_RANK_NONE)
		return w->shown_only ? WHAT_SHOWN : WHAT_SUMS;
	return usage_rank_is_of_tokens(w->rank) ? WHAT_TOKENS : WHAT_RANK;
}

#define EACH(NAME)                                                             \
 {                                                                             \
  STMT_SUMMARY_##NAME, STMT_SHOWN_##NAME, STMT_RANK_##NAME, STMT_TOKENS_##NAME \
 }
#define ONE(NAME)     \
 {                    \
  STMT_SUMMARY_##NAME \
 }

static enum stmt
stmt_of(enum usage_sums_of sums, enum rollup_period period, enum way way,
    enum what what)
{
	static const enum stmt others[][WAY__N][WHAT__N] = {
		[USAGE_SUMS_ALL] = { EACH(ALL),
		    EACH(ALL_OF), [WAY_AMONG] = EACH(ALL_AMONG) },
		[USAGE_SUMS_CALLERS] = { EACH(CALLERS), EACH(CALLERS_OF),
		    EACH(CALLERS_AT) },
		[USAGE_SUMS_TOTALS] = { EACH(TOTALS),
		    EACH(TOTALS_OF), [WAY_AMONG] = EACH(TOTALS_AMONG) },
		[USAGE_SUMS_REFUSED_TOTALS] = { ONE(REFUSED_TOTALS),
		    ONE(REFUSED_TOTALS_OF) },
		[USAGE_SUMS_REFUSED_KEYS] = { ONE(REFUSED_KEYS),
		    ONE(REFUSED_KEYS_OF) },
		[USAGE_SUMS_REFUSALS] = { ONE(REFUSED), ONE(REFUSED_OF) },
	};
	static const enum stmt full[ROLLUP_PERIOD__N][WAY__N][WHAT__N] = {
		[ROLLUP_HOUR] = { EACH(HOURS), EACH(HOURS_OF) },
		[ROLLUP_DAY] = { EACH(DAYS), EACH(DAYS_OF), EACH(DAYS_AT) },
		[ROLLUP_MONTH] = { EACH(MONTHS), EACH(MONTHS_OF),
		    EACH(MONTHS_AT) },
	};

	return sums == USAGE_SUMS_FULL ? full[period][way][what]
				       : others[sums][way][what];
}

/* Beyond that an index that begins with the customer costs less than so many
 * statements. */
#define STARTS_DAYS_MAX   (400 * DAY_MS)
#define STARTS_MONTHS_MAX (12 * STARTS_DAYS_MAX)

/* An index that begins with the time can be entered by a few days or months;
 * one that begins with the customer tells who is asked for without the rows. */
static enum way
way_of(const struct usage_wish *w, enum usage_sums_of sums,
    enum rollup_period period)
{
	const struct usage_filter *f = &w->filter;
	bool is_narrow = f->api_key_id || f->user_id || f->project_id ||
			 f->agent_id || f->connector_id || f->model_id ||
			 f->provider_id || f->status.p || w->n_ids;
	/* Of the totals, those of customer 0 are everybody's. */
	bool is_of_one = f->customer_id ||
			 (is_totals(sums) && w->by[0] != USAGE_BY_CUSTOMER &&
			     w->by[1] != USAGE_BY_CUSTOMER);

	if (w->n_ids && !f->customer_id && w->by[1] == USAGE_BY_CUSTOMER &&
	    (sums == USAGE_SUMS_ALL || sums == USAGE_SUMS_TOTALS))
		return WAY_AMONG;
	if (!is_of_one)
		return WAY_TIME;
	if (is_narrow || period == ROLLUP_HOUR ||
	    (sums != USAGE_SUMS_FULL && sums != USAGE_SUMS_CALLERS) ||
	    f->to_ms - f->from_ms >
		(period == ROLLUP_DAY ? STARTS_DAYS_MAX : STARTS_MONTHS_MAX))
		return WAY_CUSTOMER;
	return WAY_STARTS;
}

static bool
is_dated(enum usage_sums_of sums, enum rollup_period period)
{
	return sums == USAGE_SUMS_CALLERS ||
	       (sums == USAGE_SUMS_FULL && period != ROLLUP_HOUR);
}

bool
usage_summary_has_ranks(const struct usage_wish *w)
{
	const struct usage_filter *f = &w->filter;

	return w->rank != USAGE_RANK_NONE && w->by[0] == USAGE_BY_NOTHING &&
	       w->by[1] == USAGE_BY_CUSTOMER && !w->n_ids && !f->customer_id &&
	       !f->api_key_id && !f->user_id && !f->project_id &&
	       !f->agent_id && !f->connector_id;
}

bool
usage_summary_has_pentads(enum usage_sums_of sums)
{
	return sums == USAGE_SUMS_TOTALS || sums == USAGE_SUMS_ALL ||
	       sums == USAGE_SUMS_RANKS;
}

static enum err
read_ranks(struct db *db, const struct usage_wish *w, enum rollup_period period,
    db_row_fn *fn, void *arg, struct error *e)
{
	const struct usage_filter *f = &w->filter;
	bool is_of_tokens = usage_rank_is_of_tokens(w->rank);
	struct values s = { .n = 0 };

	if (is_of_tokens)
		add(&s, db_i64(w->rank));
	add(&s, db_u64(f->model_id));
	add(&s, db_u64(f->provider_id));
	add(&s, f->status.p
		    ? db_str(f->status)
		    : db_str(str_from(rank_status_names[RANK_STATUS_ALL])));
	add(&s, db_str(str_from(rollup_period_names[period])));
	add(&s, db_time(f->from_ms));
	add(&s, db_time(f->to_ms));
	return db_each(db, is_of_tokens ? STMT_TOKENS_RANKS : STMT_RANK_RANKS,
	    (struct db_in){ s.v, s.n }, is_of_tokens ? &tokens_map : &rank_map,
	    fn, arg, e);
}

/* All from *from_ms on that one statement reads. */
static enum err
read_some(struct db *db, const struct usage_wish *w, enum usage_sums_of sums,
    enum rollup_period period, int64_t *from_ms, db_row_fn *fn, void *arg,
    struct error *e)
{
	static const struct db_map *const maps[WHAT__N] = {
		[WHAT_SUMS] = &group_map,
		[WHAT_SHOWN] = &shown_map,
		[WHAT_RANK] = &rank_map,
		[WHAT_TOKENS] = &tokens_map,
	};
	const struct usage_filter *f = &w->filter;
	enum what what = what_of(w, sums);
	enum way way = way_of(w, sums, period);
	struct values s = { .n = 0 };

	add(&s, db_i64(w->by[0]));
	add(&s, db_i64(w->by[1]));
	if (what == WHAT_TOKENS)
		add(&s, db_i64(w->rank));
	if (way == WAY_AMONG)
		add_ids(&s, w);
	else if (way != WAY_TIME)
		add(&s, db_u64(f->customer_id));
	if (sums != USAGE_SUMS_FULL && sums != USAGE_SUMS_REFUSALS)
		add(&s, db_str(str_from(rollup_period_names[period])));
	if (way == WAY_STARTS) {
		add_starts(&s, period, from_ms, f->to_ms);
	} else if (is_dated(sums, period)) {
		add(&s, db_day(*from_ms));
		add(&s, db_day(f->to_ms));
	} else {
		add(&s, db_time(*from_ms));
		add(&s, db_time(f->to_ms));
	}
	if (way != WAY_STARTS)
		*from_ms = f->to_ms;
	add_filter(&s, sums, f);
	add_among(&s, w);
	return db_each(db, stmt_of(sums, period, way, what),
	    (struct db_in){ s.v, s.n },
	    is_of_refusals(sums) ? &refusal_map : maps[what], fn, arg, e);
}

enum err
store_usage_summary(struct db *db, const struct usage_wish *w,
    enum usage_sums_of sums, enum rollup_period period, db_row_fn *fn,
    void *arg, struct error *e)
{
	int64_t from_ms = w->filter.from_ms;
	enum err err = OK;

	if (sums == USAGE_SUMS_RANKS)
		return read_ranks(db, w, period, fn, arg, e);
	while (!err && from_ms < w->filter.to_ms)
		err = read_some(db, w, sums, period, &from_ms, fn, arg, e);
	return err;
}

enum err
store_usage_summary_count(struct db *db, const struct usage_wish *w,
    enum usage_sums_of sums, enum rollup_period period, uint64_t max,
    uint64_t *ret, struct error *e)
{
	static const enum stmt full[ROLLUP_PERIOD__N] = {
		STMT_SUMMARY_HOURS_COUNT, STMT_SUMMARY_DAYS_COUNT,
		STMT_SUMMARY_MONTHS_COUNT
	};
	bool is_full = sums == USAGE_SUMS_FULL;
	const struct usage_filter *f = &w->filter;
	struct values s = { .n = 0 };

	*ret = 0;
	if ((!is_full && sums != USAGE_SUMS_CALLERS) || f->customer_id)
		return OK;
	if (!is_full)
		add(&s, db_str(str_from(rollup_period_names[period])));
	if (is_dated(sums, period)) {
		add(&s, db_day(f->from_ms));
		add(&s, db_day(f->to_ms));
	} else {
		add(&s, db_time(f->from_ms));
		add(&s, db_time(f->to_ms));
	}
	add(&s, db_u64(max));
	return db_number(db,
	    is_full ? full[period] : STMT_SUMMARY_CALLERS_COUNT,
	    (struct db_in){ s.v, s.n }, ret, e);
}
