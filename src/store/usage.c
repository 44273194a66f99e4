/* SPDX-License-Identifier: MIT */
#include "store/usage.h"

#include "store/fields.h"

const char *const usage_origin_names[USAGE_ORIGIN__MAX] = { "gateway", "api" };
const char *const usage_status_names[USAGE_STATUS__MAX] = USAGE_STATUS_NAMES;
const char *const usage_source_names[USAGE_FROM__MAX] = USAGE_FROM_NAMES;

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

enum err
store_usage_insert(struct db *db, const struct usage_row *rows, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_USAGE_INSERT, &usage_map, rows, n, e);
}

enum err
store_usage_by_request_id(struct db *db, const struct uuid7 *id,
    struct arena *a, struct usage_row *ret, struct error *e)
{
	return db_one(db, STMT_USAGE_BY_REQUEST_ID, DB_IN(db_b16(id->b)), a,
	    &usage_map, ret, e);
}
