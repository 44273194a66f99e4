/* SPDX-License-Identifier: MIT */
#include "store/usage_page.h"

#include <string.h>

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
	DB_FIELD(struct usage_view, cost_pusd, MONEY),
	DB_FIELD(struct usage_view, provider_cost_pusd, MONEY),
	DB_FIELD(struct usage_view, price_version_id, ID),
};
static const struct db_map view_map = DB_MAP(struct usage_view, view_fields);

static const struct db_field reach_fields[] = {
	DB_FIELD(struct usage_cursor, time_ms, TIME),
	DB_FIELD(struct usage_cursor, usage_id, U64),
};
static const struct db_map reach_map = DB_MAP(struct usage_cursor,
    reach_fields);

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

static enum stmt
reach_stmt(enum stmt page)
{
	if (page == STMT_USAGE_PAGE_AGENT)
		return STMT_USAGE_REACH_AGENT;
	if (page == STMT_USAGE_PAGE_CONNECTOR)
		return STMT_USAGE_REACH_CONNECTOR;
	if (page == STMT_USAGE_PAGE_KEY)
		return STMT_USAGE_REACH_KEY;
	if (page == STMT_USAGE_PAGE_USER)
		return STMT_USAGE_REACH_USER;
	if (page == STMT_USAGE_PAGE_CUSTOMER)
		return STMT_USAGE_REACH_CUSTOMER;
	return page == STMT_USAGE_PAGE_MODEL ? STMT_USAGE_REACH_MODEL
					     : STMT_USAGE_REACH_ALL;
}

/* Whether every row that the index leads to is one that is asked for: only
 * one thing is. */
static bool
is_exact(uint64_t tenant, const struct usage_filter *f)
{
	uint64_t customer_id = tenant ? tenant : f->customer_id;
	int n = (customer_id != 0) + (f->api_key_id != 0) + (f->user_id != 0) +
		(f->project_id != 0) + (f->agent_id != 0) +
		(f->connector_id != 0) + (f->model_id != 0) +
		(f->provider_id != 0) + (f->status.p != NULL) +
		(f->origin.p != NULL);

	if (f->project_id || f->provider_id || f->status.p || f->origin.p)
		return false;
	return n <= 1;
}

/* Ends the search at *from_ms, if there is more than it may look at. */
static enum err
bound(struct db *db, enum stmt id, uint64_t lead, int64_t last_ms,
    uint64_t last_id, struct arena *a, int64_t *from_ms, bool *ret_is_cut,
    struct error *e)
{
	const struct db_val v[] = { db_u64(lead), db_time(*from_ms),
		db_time(last_ms), db_time(last_ms), db_u64(last_id),
		db_u64(USAGE_SEARCH_MAX) };
	size_t skip = id == STMT_USAGE_REACH_ALL ? 1 : 0;
	struct usage_cursor reached;
	enum err err = db_one(db, id,
	    (struct db_in){ v + skip, ARRAY_LEN(v) - skip }, a, &reach_map,
	    &reached, e);

	*ret_is_cut = err == OK;
	if (err == OK)
		*from_ms = reached.time_ms;
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return OK;
}

enum err
store_usage_page(struct db *db, uint64_t tenant, const struct usage_filter *f,
    struct usage_cursor after, uint64_t limit, struct arena *a,
    struct usage_view **ret, size_t *ret_n, struct usage_cursor *ret_next,
    struct error *e)
{
	enum stmt id = store_usage_page_stmt(tenant, f);
	uint64_t lead = lead_of(id, tenant, f);
	/* No row has the id 0, so without a cursor `to` itself is left out. */
	int64_t last_ms = after.usage_id ? after.time_ms : f->to_ms;
	int64_t from_ms = f->from_ms;
	bool is_cut = false;
	enum err err = is_exact(tenant, f)
			   ? OK
			   : bound(db, reach_stmt(id), lead, last_ms,
				 after.usage_id, a, &from_ms, &is_cut, e);
	const struct db_val v[] = {
		db_u64(lead),
		db_time(from_ms),
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

	if (!err)
		err = db_all(db, id,
		    (struct db_in){ v + skip, ARRAY_LEN(v) - skip }, a,
		    &view_map, ret, ret_n, e);
	if (err)
		return err;
	*ret_next = (struct usage_cursor){ 0, 0 };
	if (*ret_n == limit && limit > 0)
		*ret_next = (struct usage_cursor){
			(*ret)[limit - 1].row.request_timestamp_ms,
			(*ret)[limit - 1].usage_id
		};
	else if (is_cut)
		/* All of that instant was looked at. */
		*ret_next = (struct usage_cursor){ from_ms, 1 };
	return OK;
}

struct floor_row {
	int64_t time_ms;
};
static const struct db_field floor_fields[] = {
	DB_FIELD(struct floor_row, time_ms, TIME),
};
static const struct db_map floor_map = DB_MAP(struct floor_row, floor_fields);

static enum stmt
floor_stmt(enum stmt page)
{
	if (page == STMT_USAGE_PAGE_AGENT)
		return STMT_USAGE_FLOOR_AGENT;
	if (page == STMT_USAGE_PAGE_CONNECTOR)
		return STMT_USAGE_FLOOR_CONNECTOR;
	if (page == STMT_USAGE_PAGE_KEY)
		return STMT_USAGE_FLOOR_KEY;
	if (page == STMT_USAGE_PAGE_USER)
		return STMT_USAGE_FLOOR_USER;
	return STMT_USAGE_FLOOR_CUSTOMER;
}

enum err
store_usage_floor(struct db *db, uint64_t tenant, const struct usage_filter *f,
    struct usage_cursor after, uint64_t n_rows, struct arena *a,
    int64_t *ret_ms, struct error *e)
{
	enum stmt page = store_usage_page_stmt(tenant, f);
	int64_t last_ms = after.usage_id ? after.time_ms : f->to_ms;
	struct floor_row row;
	enum err err;

	ASSERT(tenant != 0 && n_rows > 0);
	err = db_one(db, floor_stmt(page),
	    DB_IN(db_u64(lead_of(page, tenant, f)), db_time(f->from_ms),
		db_time(last_ms), db_u64(n_rows - 1)),
	    a, &floor_map, &row, e);
	if (err == ERR_NOT_FOUND) {
		error_clear(e);
		*ret_ms = f->from_ms;
		return OK;
	}
	if (!err)
		*ret_ms = row.time_ms;
	return err;
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
store_usage_view_by_id(struct db *db, uint64_t tenant, uint64_t usage_id,
    struct arena *a, struct usage_view *ret, struct error *e)
{
	return db_one(db, STMT_USAGE_VIEW_BY_ID,
	    DB_IN(db_u64(usage_id), DB_TWICE(db_id(tenant))), a, &view_map, ret,
	    e);
}

static const struct db_field posted_fields[] = {
	DB_FIELD(struct usage_view, row.request_id.b, B16),
	DB_FIELD(struct usage_view, usage_id, U64),
	DB_FIELD(struct usage_view, created_at_ms, TIME),
	DB_FIELD(struct usage_view, updated_at_ms, TIME),
};
static const struct db_map posted_map = DB_MAP(struct usage_view,
    posted_fields);

/* n of 1..USAGE_COUNT_MAX. */
static enum err
find_posted(struct db *db, struct arena *a, struct usage_view *v, size_t n,
    struct error *e)
{
	struct db_val in[USAGE_COUNT_MAX + 2];
	int64_t from_ms = INT64_MAX, to_ms = 0;
	struct usage_view *rows = NULL;
	size_t n_rows = 0, n_found = 0;
	enum err err;

	for (size_t i = 0; i < n; i++) {
		int64_t at_ms = v[i].row.request_timestamp_ms;

		from_ms = at_ms < from_ms ? at_ms : from_ms;
		to_ms = at_ms > to_ms ? at_ms : to_ms;
	}
	/* The statement has a fixed number of parameters: repeat the last. */
	for (size_t i = 0; i < USAGE_COUNT_MAX; i++)
		in[i] = db_b16(v[i < n ? i : n - 1].row.request_id.b);
	in[USAGE_COUNT_MAX] = db_time(from_ms);
	in[USAGE_COUNT_MAX + 1] = db_time(to_ms);
	err = db_all(db, STMT_USAGE_POSTED, (struct db_in){ in, ARRAY_LEN(in) },
	    a, &posted_map, &rows, &n_rows, e);
	for (size_t i = 0; i < n && !err; i++)
		for (size_t k = 0; k < n_rows; k++)
			if (memcmp(rows[k].row.request_id.b,
				v[i].row.request_id.b, UUID7_BYTES) == 0) {
				v[i].usage_id = rows[k].usage_id;
				v[i].created_at_ms = rows[k].created_at_ms;
				v[i].updated_at_ms = rows[k].updated_at_ms;
				v[i].cost_pusd = v[i].row.cost_pusd;
				v[i].provider_cost_pusd =
				    v[i].row.provider_cost_pusd;
				v[i].price_version_id =
				    v[i].row.price_version_id;
				n_found++;
			}
	return err || n_found == n
		   ? err
		   : error_set(e, ERR_NOT_FOUND, "%zu of %zu rows", n_found, n);
}

enum err
store_usage_posted(struct db *db, struct arena *a, struct usage_view *v,
    size_t n, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < n && !err; i += USAGE_COUNT_MAX)
		err = find_posted(db, a, v + i,
		    n - i < USAGE_COUNT_MAX ? n - i : USAGE_COUNT_MAX, e);
	return err;
}
