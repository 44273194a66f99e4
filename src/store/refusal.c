/* SPDX-License-Identifier: MIT */
#include "store/refusal.h"

#include <string.h>

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

enum err
store_refusal_add(struct db *db, const struct usage_refusal *rows, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_REFUSAL_ADD, &refusal_map, rows, n, e);
}
