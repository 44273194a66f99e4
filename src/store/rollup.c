/* SPDX-License-Identifier: MIT */
#include "store/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "store/fields.h"
#include "store/usage.h"

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
/* clang-format on */

static const struct db_field hour_fields[] = {
	DB_FIELD(struct rollup_hour, customer_id, U64),
	DB_FIELD(struct rollup_hour, hour_ms, TIME),
	DB_FIELD(struct rollup_hour, project_id, U64),
	DB_FIELD(struct rollup_hour, user_id, U64),
	DB_FIELD(struct rollup_hour, api_key_id, U64),
	DB_FIELD(struct rollup_hour, model_id, U64),
	DB_FIELD(struct rollup_hour, provider_id, U64),
	DB_FIELD(struct rollup_hour, agent_id, U64),
	DB_FIELD(struct rollup_hour, connector_id, U64),
	DB_FIELD_ENUM(struct rollup_hour, status, usage_status_names),
	SUM_FIELDS(struct rollup_hour),
};
static const struct db_map hour_map = DB_MAP(struct rollup_hour, hour_fields);

static const struct db_field day_fields[] = {
	DB_FIELD(struct rollup_day, customer_id, U64),
	DB_FIELD(struct rollup_day, day_ms, DAY),
	DB_FIELD(struct rollup_day, api_key_id, U64),
	DB_FIELD(struct rollup_day, model_id, U64),
	DB_FIELD(struct rollup_day, failed_requests, U64),
	SUM_FIELDS(struct rollup_day),
};
static const struct db_map day_map = DB_MAP(struct rollup_day, day_fields);

static int64_t
floor_ms(int64_t time_ms, int64_t unit_ms)
{
	return time_ms - time_ms % unit_ms;
}

void
rollup_hour_of(const struct usage_row *u, struct rollup_hour *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->customer_id = u->customer_id;
	ret->hour_ms = floor_ms(u->request_timestamp_ms, HOUR_MS);
	ret->project_id = u->project_id;
	ret->user_id = u->user_id;
	ret->api_key_id = u->api_key_id;
	ret->model_id = u->model_id;
	ret->provider_id = u->provider_id;
	ret->agent_id = u->agent_id;
	ret->connector_id = u->connector_id;
	ret->status = u->status;
}

void
rollup_day_of(const struct usage_row *u, struct rollup_day *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->customer_id = u->customer_id;
	ret->day_ms = floor_ms(u->request_timestamp_ms, DAY_MS);
	ret->api_key_id = u->api_key_id;
	ret->model_id = u->model_id;
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

/* A primary key as numbers, in its order; unused places are 0. */
#define KEY_N 10

struct rollup_key {
	uint64_t n[KEY_N];
};

static struct rollup_key
hour_key(const struct rollup_hour *h)
{
	return (struct rollup_key){ { h->customer_id, (uint64_t)h->hour_ms,
	    h->project_id, h->user_id, h->api_key_id, h->model_id,
	    h->provider_id, h->agent_id, h->connector_id, h->status } };
}

static struct rollup_key
day_key(const struct rollup_day *d)
{
	return (struct rollup_key){ { d->customer_id, (uint64_t)d->day_ms,
	    d->api_key_id, d->model_id } };
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
rollup_hour_compare(const void *a, const void *b)
{
	struct rollup_key ka = hour_key(a), kb = hour_key(b);

	return key_compare(&ka, &kb);
}

int
rollup_day_compare(const void *a, const void *b)
{
	struct rollup_key ka = day_key(a), kb = day_key(b);

	return key_compare(&ka, &kb);
}

enum err
store_rollup_hours(struct db *db, const struct rollup_hour *rows, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_ROLLUP_HOURS, &hour_map, rows, n, e);
}

enum err
store_rollup_days(struct db *db, const struct rollup_day *rows, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_ROLLUP_DAYS, &day_map, rows, n, e);
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

/* Sums wait here for a full statement; rows come sorted, so do sums. */
#define PENDING_MAX 64

static enum err
add_hours(struct db *db, const struct keyed_row *rows, size_t n,
    struct arena *a, struct error *e)
{
	struct rollup_hour *sums = arena_array(a, struct rollup_hour,
	    PENDING_MAX);
	size_t n_sums = 0;
	enum err err = OK;

	if (!sums)
		return error_arena(e, a);
	for (size_t i = 0; err == OK && i < n; i++) {
		bool is_new = i == 0 ||
			      keyed_compare(&rows[i - 1], &rows[i]) != 0;

		if (is_new && n_sums == PENDING_MAX) {
			err = store_rollup_hours(db, sums, n_sums, e);
			n_sums = 0;
		}
		if (is_new)
			rollup_hour_of(rows[i].u, &sums[n_sums++]);
		if (err == OK)
			err = rollup_sums_add(&sums[n_sums - 1].sums, rows[i].u,
			    e);
	}
	if (err != OK)
		return err;
	return store_rollup_hours(db, sums, n_sums, e);
}

/* A client that left has not been failed by anybody. */
static bool
is_failed(const struct usage_row *u)
{
	return u->status != USAGE_OK && u->status != USAGE_CLIENT_CLOSED;
}

static enum err
add_days(struct db *db, const struct keyed_row *rows, size_t n, struct arena *a,
    struct error *e)
{
	struct rollup_day *sums = arena_array(a, struct rollup_day,
	    PENDING_MAX);
	size_t n_sums = 0;
	enum err err = OK;

	if (!sums)
		return error_arena(e, a);
	for (size_t i = 0; err == OK && i < n; i++) {
		bool is_new = i == 0 ||
			      keyed_compare(&rows[i - 1], &rows[i]) != 0;

		if (is_new && n_sums == PENDING_MAX) {
			err = store_rollup_days(db, sums, n_sums, e);
			n_sums = 0;
		}
		if (is_new)
			rollup_day_of(rows[i].u, &sums[n_sums++]);
		sums[n_sums - 1].failed_requests += is_failed(rows[i].u);
		if (err == OK)
			err = rollup_sums_add(&sums[n_sums - 1].sums, rows[i].u,
			    e);
	}
	if (err != OK)
		return err;
	return store_rollup_days(db, sums, n_sums, e);
}

enum err
store_rollup_usage(struct db *db, const struct usage_row *rows, size_t n,
    struct arena *a, struct error *e)
{
	struct keyed_row *keyed = arena_array(a, struct keyed_row, n);
	struct rollup_hour hour;
	struct rollup_day day;
	enum err err;

	if (!keyed)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		rollup_hour_of(&rows[i], &hour);
		keyed[i] = (struct keyed_row){ hour_key(&hour), &rows[i] };
	}
	qsort(keyed, n, sizeof(keyed[0]), keyed_compare);
	err = add_hours(db, keyed, n, a, e);
	if (err != OK)
		return err;

	for (size_t i = 0; i < n; i++) {
		rollup_day_of(keyed[i].u, &day);
		keyed[i].key = day_key(&day);
	}
	qsort(keyed, n, sizeof(keyed[0]), keyed_compare);
	return add_days(db, keyed, n, a, e);
}
