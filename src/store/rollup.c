/* SPDX-License-Identifier: MIT */
#include "store/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "store/fields.h"
#include "store/usage.h"
#include "store/usage_ranks.h"

/* clang-format off */
#define SUM_FIELDS(S) \
	DB_FIELD(S, sums.requests, U64), \
	DB_FIELD(S, sums.unpriced_requests, U64), \
	DB_FIELD(S, sums.estimated_requests, U64), \
	DB_FIELDS_TOK(S, sums.tok, U64), \
	DB_FIELD(S, sums.cost_pusd, MONEY), \
	DB_FIELD(S, sums.provider_cost_pusd, MONEY), \
	DB_FIELD(S, sums.latency_ms, U64), \
	DB_FIELD(S, sums.time_to_first_token_ms, U64), \
	DB_FIELDS_HIST(S, sums.latency), \
	DB_FIELDS_HIST(S, sums.ttft)

/* Keys and sums; times of usage_hourly are of another type. */
#define FULL_FIELDS(TIME_TYPE) \
	DB_FIELD(struct rollup, customer_id, U64), \
	DB_FIELD(struct rollup, start_ms, TIME_TYPE), \
	DB_FIELD(struct rollup, project_id, U64), \
	DB_FIELD(struct rollup, user_id, U64), \
	DB_FIELD(struct rollup, api_key_id, U64), \
	DB_FIELD(struct rollup, model_id, U64), \
	DB_FIELD(struct rollup, provider_id, U64), \
	DB_FIELD(struct rollup, agent_id, U64), \
	DB_FIELD(struct rollup, connector_id, U64), \
	DB_FIELD_ENUM(struct rollup, status, usage_status_names), \
	SUM_FIELDS(struct rollup)
/* clang-format on */

const char *const rollup_period_names[ROLLUP_PERIOD__N] = { "hour", "day",
	"month", "pentad" };

static const struct db_field hour_fields[] = { FULL_FIELDS(TIME) };
static const struct db_map hour_map = DB_MAP(struct rollup, hour_fields);
static const struct db_field day_fields[] = { FULL_FIELDS(DAY) };
static const struct db_map day_map = DB_MAP(struct rollup, day_fields);

static const struct db_field caller_fields[] = {
	DB_FIELD_ENUM(struct rollup, period, rollup_period_names),
	DB_FIELD(struct rollup, start_ms, DAY),
	DB_FIELD(struct rollup, customer_id, U64),
	DB_FIELD(struct rollup, project_id, U64),
	DB_FIELD(struct rollup, user_id, U64),
	DB_FIELD(struct rollup, api_key_id, U64),
	DB_FIELD(struct rollup, agent_id, U64),
	DB_FIELD(struct rollup, connector_id, U64),
	DB_FIELD(struct rollup, failed_requests, U64),
	SUM_FIELDS(struct rollup),
};
static const struct db_map caller_map = DB_MAP(struct rollup, caller_fields);

static const struct db_field total_fields[] = {
	DB_FIELD(struct rollup, customer_id, U64),
	DB_FIELD_ENUM(struct rollup, period, rollup_period_names),
	DB_FIELD(struct rollup, start_ms, TIME),
	DB_FIELD(struct rollup, model_id, U64),
	DB_FIELD(struct rollup, provider_id, U64),
	DB_FIELD_ENUM(struct rollup, status, usage_status_names),
	SUM_FIELDS(struct rollup),
};
static const struct db_map total_map = DB_MAP(struct rollup, total_fields);

static const struct db_field all_fields[] = {
	DB_FIELD(struct rollup, customer_id, U64),
	DB_FIELD_ENUM(struct rollup, period, rollup_period_names),
	DB_FIELD(struct rollup, start_ms, TIME),
	DB_FIELD(struct rollup, failed_requests, U64),
	SUM_FIELDS(struct rollup),
};
static const struct db_map all_map = DB_MAP(struct rollup, all_fields);

/* Six of a month: days 1, 6, … 26; the last has three to six. */
#define PENTAD_DAYS     5
#define LAST_PENTAD_DAY 26

int64_t
rollup_start_ms(int64_t time_ms, enum rollup_period period)
{
	struct clock_parts c;
	int day = 1;

	if (period == ROLLUP_HOUR)
		return time_ms - time_ms % HOUR_MS;
	if (period == ROLLUP_DAY)
		return time_ms - time_ms % DAY_MS;
	clock_split(time_ms, &c);
	if (period == ROLLUP_PENTAD && c.day > LAST_PENTAD_DAY)
		day = LAST_PENTAD_DAY;
	else if (period == ROLLUP_PENTAD)
		day = c.day - (c.day - 1) % PENTAD_DAYS;
	return clock_join(&(struct clock_parts){ .year = c.year,
	    .month = c.month,
	    .day = day });
}

int64_t
rollup_next_ms(int64_t time_ms, enum rollup_period period)
{
	static const int64_t longest_ms[ROLLUP_PERIOD__N] = {
		[ROLLUP_HOUR] = HOUR_MS,
		[ROLLUP_DAY] = DAY_MS,
		[ROLLUP_PENTAD] = 6 * DAY_MS,
		[ROLLUP_MONTH] = 31 * DAY_MS,
	};

	return rollup_start_ms(rollup_start_ms(time_ms, period) +
				   longest_ms[period],
	    period);
}

/* Of usage_totals. */
static bool
is_by_model(enum rollup_scope scope)
{
	return scope == ROLLUP_OF_CUSTOMER || scope == ROLLUP_OF_EVERYBODY;
}

bool
rollup_has(enum rollup_scope scope, enum rollup_period period)
{
	if (scope == ROLLUP_FULL)
		return period != ROLLUP_PENTAD;
	if (scope == ROLLUP_OF_CALLER)
		return period == ROLLUP_DAY || period == ROLLUP_MONTH;
	return true;
}

void
rollup_of(const struct usage_row *u, enum rollup_scope scope,
    enum rollup_period period, struct rollup *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->period = period;
	ret->start_ms = rollup_start_ms(u->request_timestamp_ms, period);
	if (scope == ROLLUP_FULL || is_by_model(scope)) {
		ret->model_id = u->model_id;
		ret->provider_id = u->provider_id;
		ret->status = u->status;
	}
	if (scope != ROLLUP_OF_EVERYBODY && scope != ROLLUP_ALL_OF_EVERYBODY)
		ret->customer_id = u->customer_id;
	if (scope != ROLLUP_FULL && scope != ROLLUP_OF_CALLER)
		return;
	ret->project_id = u->project_id;
	ret->user_id = u->user_id;
	ret->api_key_id = u->api_key_id;
	ret->agent_id = u->agent_id;
	ret->connector_id = u->connector_id;
}

static enum err
add_costs(struct rollup_sums *s, const struct usage_row *u, struct error *e)
{
	enum err err = OK;

	if (u->cost_pusd == DB_MONEY_NULL)
		s->unpriced_requests++;
	else
		err = money_add(s->cost_pusd, u->cost_pusd, &s->cost_pusd, e);
	if (err == OK && u->provider_cost_pusd != DB_MONEY_NULL)
		err = money_add(s->provider_cost_pusd, u->provider_cost_pusd,
		    &s->provider_cost_pusd, e);
	return err;
}

enum err
rollup_sums_add(struct rollup_sums *s, const struct usage_row *u,
    struct error *e)
{
	s->requests++;
	s->estimated_requests += u->usage_source == USAGE_FROM_ESTIMATE;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			s->tok[x][i] += u->tok[x][i];
	s->latency_ms += u->latency_ms;
	histogram_count(&s->latency, (int64_t)u->latency_ms);
	if (u->time_to_first_token_ms >= 0) {
		s->time_to_first_token_ms +=
		    (uint64_t)u->time_to_first_token_ms;
		histogram_count(&s->ttft, u->time_to_first_token_ms);
	}
	return add_costs(s, u, e);
}

/* A primary key as numbers, the customer first; unused places are 0. */
#define KEY_N 10

struct rollup_key {
	uint64_t n[KEY_N];
};

static struct rollup_key
key_of(const struct rollup *r)
{
	return (struct rollup_key){ { r->customer_id, (uint64_t)r->start_ms,
	    r->project_id, r->user_id, r->api_key_id, r->model_id,
	    r->provider_id, r->agent_id, r->connector_id, r->status } };
}

static int
key_compare(const struct rollup_key *a, const struct rollup_key *b)
{
	for (size_t i = 0; i < KEY_N; i++)
		if (a->n[i] != b->n[i])
			return a->n[i] < b->n[i] ? -1 : 1;
	return 0;
}

int
rollup_compare(const void *a, const void *b)
{
	struct rollup_key ka = key_of(a), kb = key_of(b);

	return key_compare(&ka, &kb);
}

/* A row with the key of its sum, for sorting. */
struct keyed_row {
	struct rollup_key key;
	const struct usage_row *u;
};

static int
keyed_compare(const void *pa, const void *pb)
{
	const struct keyed_row *a = pa, *b = pb;

	return key_compare(&a->key, &b->key);
}

static enum stmt
stmt_of(enum rollup_scope scope, enum rollup_period period)
{
	static const enum stmt full[ROLLUP_PERIOD__N] = { STMT_ROLLUP_HOURS,
		STMT_ROLLUP_DAYS, STMT_ROLLUP_MONTHS };
	static const enum stmt others[ROLLUP_SCOPE__N] = {
		[ROLLUP_OF_CALLER] = STMT_ROLLUP_CALLERS,
		[ROLLUP_OF_CUSTOMER] = STMT_ROLLUP_TOTALS,
		[ROLLUP_ALL_OF_CUSTOMER] = STMT_ROLLUP_ALL,
		[ROLLUP_OF_EVERYBODY] = STMT_ROLLUP_TOTALS,
		[ROLLUP_ALL_OF_EVERYBODY] = STMT_ROLLUP_ALL,
	};

	return scope == ROLLUP_FULL ? full[period] : others[scope];
}

static const struct db_map *
map_of(enum rollup_scope scope, enum rollup_period period)
{
	if (scope == ROLLUP_FULL)
		return period == ROLLUP_HOUR ? &hour_map : &day_map;
	if (scope == ROLLUP_OF_CALLER)
		return &caller_map;
	return is_by_model(scope) ? &total_map : &all_map;
}

/* Sums wait here for a full statement; rows come sorted, so do sums. */
#define PENDING_MAX 64

struct pending {
	struct db *db;
	enum stmt id;
	const struct db_map *map;
	struct rollup *sums;
	size_t n;
};

static enum err
write_pending(struct pending *p, struct error *e)
{
	size_t n = p->n;

	p->n = 0;
	return n ? db_bulk(p->db, p->id, p->map, p->sums, n, e) : OK;
}

static enum err
add_sums(struct pending *p, enum rollup_scope scope, enum rollup_period period,
    const struct keyed_row *rows, size_t n, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; err == OK && i < n; i++) {
		bool is_new = i == 0 ||
			      keyed_compare(&rows[i - 1], &rows[i]) != 0;

		if (is_new && p->n == PENDING_MAX)
			err = write_pending(p, e);
		if (is_new)
			rollup_of(rows[i].u, scope, period, &p->sums[p->n++]);
		if (err != OK)
			break;
		p->sums[p->n - 1].failed_requests += usage_is_failed(
		    rows[i].u->status);
		err = rollup_sums_add(&p->sums[p->n - 1].sums, rows[i].u, e);
	}
	return err;
}

static void
sort_by_key(struct keyed_row *rows, size_t n, enum rollup_scope scope,
    enum rollup_period period)
{
	struct rollup r;

	for (size_t i = 0; i < n; i++) {
		rollup_of(rows[i].u, scope, period, &r);
		rows[i].key = key_of(&r);
	}
	qsort(rows, n, sizeof(rows[0]), keyed_compare);
}

/* All sums of one scope and period. */
static enum err
add_scope(struct pending *p, enum rollup_scope scope, enum rollup_period period,
    struct keyed_row *rows, size_t n, struct error *e)
{
	enum err err = OK;

	if (!rollup_has(scope, period))
		return OK;
	/* Those of one table go in one statement, if they fit. */
	if (p->id != stmt_of(scope, period))
		err = write_pending(p, e);
	p->id = stmt_of(scope, period);
	p->map = map_of(scope, period);
	sort_by_key(rows, n, scope, period);
	return err ? err : add_sums(p, scope, period, rows, n, e);
}

enum err
store_rollup_usage(struct db *db, const struct usage_row *rows, size_t n,
    struct arena *a, struct error *e)
{
	struct keyed_row *keyed = arena_array(a, struct keyed_row, n);
	struct pending p = { .db = db,
		.sums = arena_array(a, struct rollup, PENDING_MAX) };
	enum err err = OK;

	if (!keyed || !p.sums)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++)
		keyed[i].u = &rows[i];
	for (int scope = 0; scope < ROLLUP_SCOPE__N && !err; scope++) {
		if (scope == ROLLUP_OF_CUSTOMER)
			err = write_pending(&p, e);
		if (!err && scope == ROLLUP_OF_CUSTOMER)
			err = store_usage_ranks_add(db, rows, n, a, e);
		for (int period = 0; period < ROLLUP_PERIOD__N && !err;
		     period++)
			err = add_scope(&p, (enum rollup_scope)scope,
			    (enum rollup_period)period, keyed, n, e);
	}
	return err ? err : write_pending(&p, e);
}
