/* SPDX-License-Identifier: MIT */
#include "store/usage.h"

#include <string.h>

#include "store/fields.h"

const char *const usage_origin_names[USAGE_ORIGIN__MAX] = { "gateway", "api" };
const char *const usage_status_names[USAGE_STATUS__MAX] = {
	USAGE_STATUS_NAMES
};
const char *const usage_source_names[USAGE_FROM__MAX] = { USAGE_FROM_NAMES };

static const struct db_field usage_fields[] = {
	DB_FIELD(struct usage_row, request_id.b, B16),
	DB_FIELD(struct usage_row, request_timestamp_ms, TIME),
	DB_FIELD(struct usage_row, customer_id, U64),
	DB_FIELD(struct usage_row, api_key_id, U64),
	DB_FIELD(struct usage_row, user_id, U64),
	DB_FIELD(struct usage_row, project_id, ID),
	DB_FIELD(struct usage_row, agent_id, ID),
	DB_FIELD(struct usage_row, connector_id, ID),
	DB_FIELD(struct usage_row, model_id, U64),
	DB_FIELD(struct usage_row, model_requested, STR),
	DB_FIELD(struct usage_row, provider_id, ID),
	DB_FIELD(struct usage_row, provider_used, STR),
	DB_FIELDS_TOK(struct usage_row, tok, U64),
	DB_FIELD(struct usage_row, cost_pusd, MONEY),
	DB_FIELD(struct usage_row, provider_cost_pusd, MONEY),
	DB_FIELD(struct usage_row, price_version_id, ID),
	DB_FIELD(struct usage_row, markup_ppm, PPM),
	DB_FIELD_ENUM(struct usage_row, status, usage_status_names),
	DB_FIELD(struct usage_row, error_code, STR),
	DB_FIELD_ENUM(struct usage_row, usage_source, usage_source_names),
	DB_FIELD_ENUM(struct usage_row, origin, usage_origin_names),
	DB_FIELD(struct usage_row, latency_ms, U64),
	DB_FIELD(struct usage_row, time_to_first_token_ms, OPT),
	DB_FIELD(struct usage_row, attempts, U64),
};
static const struct db_map usage_map = DB_MAP(struct usage_row, usage_fields);

/* Of a row that usage_row_is_usual(). */
static const struct db_field usual_fields[] = {
	DB_FIELD(struct usage_row, request_id.b, B16),
	DB_FIELD(struct usage_row, request_timestamp_ms, TIME),
	DB_FIELD(struct usage_row, customer_id, U64),
	DB_FIELD(struct usage_row, api_key_id, U64),
	DB_FIELD(struct usage_row, user_id, U64),
	DB_FIELD(struct usage_row, project_id, ID),
	DB_FIELD(struct usage_row, model_id, U64),
	DB_FIELD(struct usage_row, model_requested, STR),
	DB_FIELD(struct usage_row, provider_id, ID),
	DB_FIELD(struct usage_row, provider_used, STR),
	DB_FIELD(struct usage_row, tok[TOK_NORMAL][TOK_IN], U64),
	DB_FIELD(struct usage_row, tok[TOK_NORMAL][TOK_IN_CACHED], U64),
	DB_FIELD(struct usage_row, tok[TOK_NORMAL][TOK_OUT], U64),
	DB_FIELD(struct usage_row, tok[TOK_NORMAL][TOK_OUT_REASONING], U64),
	DB_FIELD(struct usage_row, cost_pusd, MONEY),
	DB_FIELD(struct usage_row, provider_cost_pusd, MONEY),
	DB_FIELD(struct usage_row, price_version_id, ID),
	DB_FIELD(struct usage_row, markup_ppm, PPM),
	DB_FIELD_ENUM(struct usage_row, status, usage_status_names),
	DB_FIELD_ENUM(struct usage_row, usage_source, usage_source_names),
	DB_FIELD(struct usage_row, latency_ms, U64),
	DB_FIELD(struct usage_row, time_to_first_token_ms, OPT),
};
/* Agent, connector, error, origin, attempts and twelve classes of tokens: a new
 * field is either among the usual ones or in usage_row_is_usual(). */
#define N_UNUSUAL 17
_Static_assert(ARRAY_LEN(usage_fields) == ARRAY_LEN(usual_fields) + N_UNUSUAL,
    "a field would be lost from usual rows");
static const struct db_map usual_map = DB_MAP(struct usage_row, usual_fields);

bool
usage_row_is_usual(const struct usage_row *row)
{
	const uint64_t *tok = row->tok[TOK_NORMAL];
	uint64_t rest = tok[TOK_CACHE_WRITE] | tok[TOK_IN_AUDIO] |
			tok[TOK_OUT_AUDIO] | tok[TOK_OUT_IMAGE];

	for (size_t i = 0; i < TOK_CLASS__MAX; i++)
		rest |= row->tok[TOK_LONG][i];
	return rest == 0 && row->agent_id == 0 && row->connector_id == 0 &&
	       !row->error_code.p && row->origin == USAGE_GATEWAY &&
	       row->attempts == 1;
}

enum err
store_usage_insert(struct db *db, const struct usage_row *rows, size_t n,
    struct error *e)
{
	enum err err = OK;

	for (size_t from = 0, to; err == OK && from < n; from = to) {
		bool usual = usage_row_is_usual(&rows[from]);

		for (to = from + 1;
		     to < n && usage_row_is_usual(&rows[to]) == usual; to++)
			;
		err = usual ? db_bulk(db, STMT_USAGE_INSERT_USUAL, &usual_map,
				  &rows[from], to - from, e)
			    : db_bulk(db, STMT_USAGE_INSERT, &usage_map,
				  &rows[from], to - from, e);
	}
	return err;
}

enum err
store_usage_by_request_id(struct db *db, const struct uuid7 *id,
    struct arena *a, struct usage_row *ret, struct error *e)
{
	return db_one(db, STMT_USAGE_BY_REQUEST_ID, DB_IN(db_b16(id->b)), a,
	    &usage_map, ret, e);
}

struct usage_count {
	uint8_t request_id[16];
	uint64_t n;
};

static const struct db_field count_fields[] = {
	DB_FIELD(struct usage_count, request_id, B16),
	DB_FIELD(struct usage_count, n, U64),
};
static const struct db_map count_map = DB_MAP(struct usage_count, count_fields);

enum err
store_usage_count(struct db *db, const struct uuid7 *ids, size_t n,
    struct arena *a, uint64_t *ret_counts, struct error *e)
{
	struct db_val v[USAGE_COUNT_MAX];
	struct usage_count *rows = NULL;
	size_t n_rows = 0;
	enum err err;

	ASSERT(n >= 1 && n <= USAGE_COUNT_MAX);
	/* The statement has a fixed number of parameters: repeat the last. */
	for (size_t i = 0; i < USAGE_COUNT_MAX; i++)
		v[i] = db_b16(ids[i < n ? i : n - 1].b);
	err = db_all(db, STMT_USAGE_COUNT, (struct db_in){ v, USAGE_COUNT_MAX },
	    a, &count_map, &rows, &n_rows, e);
	for (size_t i = 0; i < n && err == OK; i++) {
		ret_counts[i] = 0;
		for (size_t k = 0; k < n_rows; k++)
			if (memcmp(rows[k].request_id, ids[i].b, 16) == 0)
				ret_counts[i] = rows[k].n;
	}
	return err;
}
