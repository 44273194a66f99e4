/* SPDX-License-Identifier: MIT */
#include "store/usage_page.h"

#include "store/fields.h"
#include "store/store_priv.h"

static const struct db_field view_fields[] = {
	DB_FIELD(struct usage_view, usage_id, U64),
	DB_FIELD(struct usage_view, created_at_ms, TIME),
	DB_FIELD(struct usage_view, updated_at_ms, TIME),
	DB_FIELD(struct usage_view, row.request_id.b, B16),
	DB_FIELD(struct usage_view, row.request_timestamp_ms, TIME),
	DB_FIELD(struct usage_view, row.customer_id, U64),
	DB_FIELD(struct usage_view, row.api_key_id, ID),
	DB_FIELD(struct usage_view, row.user_id, U64),
	DB_FIELD(struct usage_view, row.project_id, ID),
	DB_FIELD(struct usage_view, row.agent_id, ID),
	DB_FIELD(struct usage_view, row.connector_id, ID),
	DB_FIELD(struct usage_view, row.model_id, U64),
	DB_FIELD(struct usage_view, row.model_requested, STR),
	DB_FIELD(struct usage_view, row.provider_id, ID),
	DB_FIELD(struct usage_view, row.provider_used, STR),
	DB_FIELDS_TOK(struct usage_view, row.tok, U64),
	DB_FIELD(struct usage_view, row.cost_pusd, MONEY),
	DB_FIELD(struct usage_view, row.provider_cost_pusd, MONEY),
	DB_FIELD(struct usage_view, row.price_version_id, ID),
	DB_FIELD(struct usage_view, row.markup_ppm, PPM),
	DB_FIELD_ENUM(struct usage_view, row.status, usage_status_names),
	DB_FIELD(struct usage_view, row.error_code, STR),
	DB_FIELD_ENUM(struct usage_view, row.usage_source, usage_source_names),
	DB_FIELD_ENUM(struct usage_view, row.origin, usage_origin_names),
	DB_FIELD(struct usage_view, row.latency_ms, U64),
	DB_FIELD(struct usage_view, row.time_to_first_token_ms, OPT),
	DB_FIELD(struct usage_view, row.attempts, U64),
};
static const struct db_map view_map = DB_MAP(struct usage_view, view_fields);

/* The narrowest first. */
enum stmt
store_usage_page_stmt(uint64_t tenant, const struct usage_filter *f)
{
	if (f->agent_id)
		return STMT_USAGE_PAGE_AGENT;
	if (f->connector_id)
		return STMT_USAGE_PAGE_CONNECTOR;
	if (f->api_key_id)
		return STMT_USAGE_PAGE_KEY;
	if (f->user_id)
		return STMT_USAGE_PAGE_USER;
	if (tenant || f->customer_id)
		return STMT_USAGE_PAGE_CUSTOMER;
	return f->model_id ? STMT_USAGE_PAGE_MODEL : STMT_USAGE_PAGE_ALL;
}

static uint64_t
lead_of(enum stmt id, uint64_t tenant, const struct usage_filter *f)
{
	if (id == STMT_USAGE_PAGE_AGENT)
		return f->agent_id;
	if (id == STMT_USAGE_PAGE_CONNECTOR)
		return f->connector_id;
	if (id == STMT_USAGE_PAGE_KEY)
		return f->api_key_id;
	if (id == STMT_USAGE_PAGE_USER)
		return f->user_id;
	if (id == STMT_USAGE_PAGE_MODEL)
		return f->model_id;
	return tenant ? tenant : f->customer_id;
}

enum err
store_usage_page(struct db *db, uint64_t tenant, const struct usage_filter *f,
    struct usage_cursor after, uint64_t limit, struct arena *a,
    struct usage_view **ret, size_t *ret_n, struct error *e)
{
	enum stmt id = store_usage_page_stmt(tenant, f);
	/* No row has the id 0, so without a cursor `to` itself is left out. */
	int64_t last_ms = after.usage_id ? after.time_ms : f->to_ms;
	const struct db_val v[] = {
		db_u64(lead_of(id, tenant, f)),
		db_time(f->from_ms),
		db_time(last_ms),
		db_time(last_ms),
		db_u64(after.usage_id),
		DB_TWICE(db_id(tenant)),
		DB_TWICE(db_id(f->customer_id)),
		DB_TWICE(db_id(f->api_key_id)),
		DB_TWICE(db_id(f->user_id)),
		DB_TWICE(db_id(f->project_id)),
		DB_TWICE(db_id(f->agent_id)),
		DB_TWICE(db_id(f->connector_id)),
		DB_TWICE(db_id(f->model_id)),
		DB_TWICE(db_id(f->provider_id)),
		DB_TWICE(db_str(f->status)),
		DB_TWICE(db_str(f->origin)),
		db_u64(limit),
	};
	size_t skip = id == STMT_USAGE_PAGE_ALL ? 1 : 0;

	return db_all(db, id, (struct db_in){ v + skip, ARRAY_LEN(v) - skip },
	    a, &view_map, ret, ret_n, e);
}

enum err
store_usage_view(struct db *db, uint64_t tenant, const struct uuid7 *request_id,
    struct arena *a, struct usage_view *ret, struct error *e)
{
	return db_one(db, STMT_USAGE_VIEW,
	    DB_IN(db_b16(request_id->b), DB_TWICE(db_id(tenant))), a, &view_map,
	    ret, e);
}

enum err
store_usage_posted(struct db *db, struct arena *a, struct usage_view *v,
    struct error *e)
{
	static const struct db_map map = { view_fields, 3,
		sizeof(struct usage_view) };

	struct usage_view posted;
	enum err err = db_one(db, STMT_USAGE_POSTED,
	    DB_IN(db_b16(v->row.request_id.b),
		db_time(v->row.request_timestamp_ms)),
	    a, &map, &posted, e);

	if (!err) {
		v->usage_id = posted.usage_id;
		v->created_at_ms = posted.created_at_ms;
		v->updated_at_ms = posted.updated_at_ms;
	}
	return err;
}
