/* SPDX-License-Identifier: MIT */
#include "store/refusal.h"

#include <stdlib.h>
#include <string.h>

#include "store/rollup.h"

#define REFUSAL_PERIODS (ROLLUP_MONTH + 1) /* that refusals are summed up by */

static const struct db_field refusal_fields[] = {
	DB_FIELD(struct usage_refusal, customer_id, U64),
	DB_FIELD(struct usage_refusal, hour_ms, TIME),
	DB_FIELD(struct usage_refusal, api_key_id, U64),
	DB_FIELD(struct usage_refusal, model_id, U64),
	DB_FIELD(struct usage_refusal, reason, STR),
	DB_FIELD(struct usage_refusal, refusals, U64),
};
static const struct db_map refusal_map = DB_MAP(struct usage_refusal,
    refusal_fields);

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_str(struct str a, struct str b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : compare_u64(a.n, b.n);
}

int
usage_refusal_compare(const void *pa, const void *pb)
{
	const struct usage_refusal *a = pa, *b = pb;

	if (a->customer_id != b->customer_id)
		return compare_u64(a->customer_id, b->customer_id);
	if (a->hour_ms != b->hour_ms)
		return compare_u64((uint64_t)a->hour_ms, (uint64_t)b->hour_ms);
	if (a->api_key_id != b->api_key_id)
		return compare_u64(a->api_key_id, b->api_key_id);
	if (a->model_id != b->model_id)
		return compare_u64(a->model_id, b->model_id);
	return compare_str(a->reason, b->reason);
}

/* A row of one of the sums; what a table lacks is 0. */
struct refusal_sum {
	uint64_t customer_id;
	enum rollup_period period;
	int64_t start_ms;
	uint64_t api_key_id;
	uint64_t model_id;
	struct str reason;
	uint64_t refusals;
};

static const struct db_field key_fields[] = {
	DB_FIELD(struct refusal_sum, customer_id, U64),
	DB_FIELD_ENUM(struct refusal_sum, period, rollup_period_names),
	DB_FIELD(struct refusal_sum, start_ms, TIME),
	DB_FIELD(struct refusal_sum, api_key_id, U64),
	DB_FIELD(struct refusal_sum, refusals, U64),
};
static const struct db_map key_map = DB_MAP(struct refusal_sum, key_fields);

static const struct db_field total_fields[] = {
	DB_FIELD(struct refusal_sum, customer_id, U64),
	DB_FIELD_ENUM(struct refusal_sum, period, rollup_period_names),
	DB_FIELD(struct refusal_sum, start_ms, TIME),
	DB_FIELD(struct refusal_sum, model_id, U64),
	DB_FIELD(struct refusal_sum, reason, STR),
	DB_FIELD(struct refusal_sum, refusals, U64),
};
static const struct db_map total_map = DB_MAP(struct refusal_sum, total_fields);

/* Order of the primary keys of one table, scope and period. */
static int
compare_sums(const void *pa, const void *pb)
{
	const struct refusal_sum *a = pa, *b = pb;

	if (a->customer_id != b->customer_id)
		return compare_u64(a->customer_id, b->customer_id);
	if (a->start_ms != b->start_ms)
		return compare_u64((uint64_t)a->start_ms,
		    (uint64_t)b->start_ms);
	if (a->api_key_id != b->api_key_id)
		return compare_u64(a->api_key_id, b->api_key_id);
	if (a->model_id != b->model_id)
		return compare_u64(a->model_id, b->model_id);
	return compare_str(a->reason, b->reason);
}

static struct refusal_sum
sum_of(const struct usage_refusal *r, enum rollup_scope scope,
    enum rollup_period period)
{
	bool is_by_key = scope == ROLLUP_FULL;

	return (struct refusal_sum){
		.customer_id = scope == ROLLUP_OF_EVERYBODY ? 0
							    : r->customer_id,
		.period = period,
		.start_ms = rollup_start_ms(r->hour_ms, period),
		.api_key_id = is_by_key ? r->api_key_id : 0,
		.model_id = is_by_key ? 0 : r->model_id,
		.reason = is_by_key ? S("") : r->reason,
		.refusals = r->refusals,
	};
}

/* @sums  room for n */
static enum err
add_sums(struct db *db, enum rollup_scope scope, enum rollup_period period,
    const struct usage_refusal *rows, size_t n, struct refusal_sum *sums,
    struct error *e)
{
	bool is_by_key = scope == ROLLUP_FULL;
	size_t n_sums = 1;

	for (size_t i = 0; i < n; i++)
		sums[i] = sum_of(&rows[i], scope, period);
	qsort(sums, n, sizeof(*sums), compare_sums);
	for (size_t i = 1; i < n; i++) {
		struct refusal_sum *last = &sums[n_sums - 1];

		if (compare_sums(last, &sums[i]) == 0)
			last->refusals += sums[i].refusals;
		else
			sums[n_sums++] = sums[i];
	}
	return db_bulk(db,
	    is_by_key ? STMT_REFUSAL_ADD_KEYS : STMT_REFUSAL_ADD_TOTALS,
	    is_by_key ? &key_map : &total_map, sums, n_sums, e);
}

enum err
store_refusal_add(struct db *db, const struct usage_refusal *rows, size_t n,
    struct arena *a, struct error *e)
{
	/* By key, and by model and reason. */
	static const enum rollup_scope scopes[] = { ROLLUP_FULL,
		ROLLUP_OF_CUSTOMER, ROLLUP_OF_EVERYBODY };
	struct refusal_sum *sums;
	enum err err;

	if (n == 0)
		return OK;
	sums = arena_array(a, struct refusal_sum, n);
	if (!sums)
		return error_arena(e, a);
	err = db_bulk(db, STMT_REFUSAL_ADD, &refusal_map, rows, n, e);
	for (size_t s = 0; s < ARRAY_LEN(scopes) && !err; s++)
		for (int p = 0; p < REFUSAL_PERIODS && !err; p++)
			err = add_sums(db, scopes[s], (enum rollup_period)p,
			    rows, n, sums, e);
	return err;
}
