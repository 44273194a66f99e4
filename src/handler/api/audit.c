/* SPDX-License-Identifier: MIT */
/* GET /api/audit: what was changed, and who failed to sign in; the newest
 * first. Owners see what concerns their customer. */
#include "store/audit.h"

#include "handler/api/api.h"
#include "handler/api/resource.h"

#define AT(m) offsetof(struct audit, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(audit_id) },
	{ .name = "created_at", .kind = RECORD_TIME, .off = AT(created_at_ms) },
	{ .name = "actor", .kind = RECORD_ENUM, .off = AT(actor), .names = audit_actor_names, .n_names = AUDIT__N },
	{ .name = "actor_id", .kind = RECORD_ID, .off = AT(actor_id) },
	{ .name = "customer_id", .kind = RECORD_ID, .off = AT(customer_id) },
	{ .name = "action", .kind = RECORD_TEXT, .off = AT(action) },
	{ .name = "object", .kind = RECORD_TEXT, .off = AT(object) },
	{ .name = "object_id", .kind = RECORD_ID, .off = AT(object_id) },
	{ .name = "is_success", .kind = RECORD_BOOL, .off = AT(is_success) },
	{ .name = "client_address", .kind = RECORD_TEXT, .off = AT(client_address) },
	{ .name = "request_id", .kind = RECORD_TEXT, .off = AT(request_id) },
	{ .name = "detail", .kind = RECORD_JSON, .off = AT(detail) },
};
/* clang-format on */

static const struct record_type record = { "audit", "audit", "audit row",
	members, ARRAY_LEN(members), sizeof(struct audit) };

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_ID("customer_id"),
	FILTER_ENUM("actor",
	    "system|command|user|api_key|operator_key|anonymous"),
	FILTER_ASCII("action", 64), FILTER_ASCII("object", 32),
	{ .name = "object_id", .type = PARAM_U64, .min = 1, .max = INT64_MAX },
	FILTER_BOOL("is_success"), FILTER_TIME("created_from"),
	FILTER_TIME("created_to") };

static enum err
search(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    uint64_t *ret_next, struct error *e)
{
	const struct audit_filter f = {
		.customer_id = v[0].u64,
		.actor = v[1].text,
		.action = v[2].text,
		.object = v[3].text,
		.object_id = v[4].u64,
		.is_success = v[5].is_set ? (int64_t)v[5].u64 : -1,
		.from_ms = v[6].time_ms,
		.to_ms = v[7].time_ms,
	};
	struct newest_end end = { 0, 0 };
	struct audit *rows = NULL;
	enum err err = store_audit_page(m->db, m->tenant, &f, after, limit,
	    AUDIT_SEARCH_MAX, a, &rows, ret_n, &end, e);

	*ret_rows = rows;
	*ret_next = end.next_id;
	return err;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.search = search,
	.id_off = AT(audit_id) };

enum err
api_audit_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_list(app, rq, rs, &record, &listing, e);
}
