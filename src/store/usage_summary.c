/* SPDX-License-Identifier: MIT */
#include "store/usage_summary.h"

#include <string.h>

#include "store/fields.h"
#include "store/store_priv.h"

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

static const struct db_field refusal_fields[] = {
	DB_FIELD(struct usage_group, by[0], U64),
	DB_FIELD(struct usage_group, by[1], U64),
	DB_FIELD(struct usage_group, refusals, U64),
};
static const struct db_map refusal_map = DB_MAP(struct usage_group,
    refusal_fields);

#define VALUES_MAX 21

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

static enum stmt
stmt_of(enum usage_sums_of sums, enum rollup_period period, bool is_of_one)
{
	static const enum stmt others[][2] = {
		[USAGE_SUMS_ALL] = { STMT_SUMMARY_ALL, STMT_SUMMARY_ALL_OF },
		[USAGE_SUMS_CALLERS] = { STMT_SUMMARY_CALLERS,
		    STMT_SUMMARY_CALLERS_OF },
		[USAGE_SUMS_TOTALS] = { STMT_SUMMARY_TOTALS,
		    STMT_SUMMARY_TOTALS_OF },
		[USAGE_SUMS_REFUSED_TOTALS] = { STMT_SUMMARY_REFUSED_TOTALS,
		    STMT_SUMMARY_REFUSED_TOTALS_OF },
		[USAGE_SUMS_REFUSED_KEYS] = { STMT_SUMMARY_REFUSED_KEYS,
		    STMT_SUMMARY_REFUSED_KEYS_OF },
		[USAGE_SUMS_REFUSALS] = { STMT_SUMMARY_REFUSED,
		    STMT_SUMMARY_REFUSED_OF },
	};
	static const enum stmt full[ROLLUP_PERIOD__N][2] = {
		[ROLLUP_HOUR] = { STMT_SUMMARY_HOURS, STMT_SUMMARY_HOURS_OF },
		[ROLLUP_DAY] = { STMT_SUMMARY_DAYS, STMT_SUMMARY_DAYS_OF },
		[ROLLUP_MONTH] = { STMT_SUMMARY_MONTHS,
		    STMT_SUMMARY_MONTHS_OF },
	};

	return sums == USAGE_SUMS_FULL ? full[period][is_of_one]
				       : others[sums][is_of_one];
}

enum err
store_usage_summary(struct db *db, enum usage_sums_of sums,
    enum rollup_period period, const enum usage_dimension by[USAGE_BY_MAX],
    const struct usage_filter *f, db_row_fn *fn, void *arg, struct error *e)
{
	bool is_dated = sums == USAGE_SUMS_CALLERS ||
			(sums == USAGE_SUMS_FULL && period != ROLLUP_HOUR);
	bool has_period = sums != USAGE_SUMS_FULL &&
			  sums != USAGE_SUMS_REFUSALS;
	/* Of the totals, those of customer 0 are everybody's. */
	bool is_of_one = f->customer_id ||
			 (is_totals(sums) && by[0] != USAGE_BY_CUSTOMER &&
			     by[1] != USAGE_BY_CUSTOMER);
	struct values s = { .n = 0 };

	add(&s, db_u64(by[0]));
	add(&s, db_u64(by[1]));
	if (is_of_one)
		add(&s, db_u64(f->customer_id));
	if (has_period)
		add(&s, db_str(str_from(rollup_period_names[period])));
	add(&s, is_dated ? db_day(f->from_ms) : db_time(f->from_ms));
	add(&s, is_dated ? db_day(f->to_ms) : db_time(f->to_ms));
	add_filter(&s, sums, f);
	return db_each(db, stmt_of(sums, period, is_of_one),
	    (struct db_in){ s.v, s.n },
	    is_of_refusals(sums) ? &refusal_map : &group_map, fn, arg, e);
}
