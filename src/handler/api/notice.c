/* SPDX-License-Identifier: MIT */
/* GET /api/notices: what customers were told, and how far that has come; the
 * newest first. Owners see their customer's. */
#include "store/notice.h"

#include "domain/notice.h"
#include "domain/notice_text.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"

#define WAYS_BYTES KIB(4)

/* A notice as it is shown. */
struct row {
	struct notice_view n;
	struct str uid;
	struct str deliveries; /* JSON */
};

#define AT(m) offsetof(struct row, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(n.notice_id) },
	{ .name = "webhook_id", .kind = RECORD_TEXT, .off = AT(uid) },
	{ .name = "customer_id", .kind = RECORD_ID, .off = AT(n.customer_id) },
	{ .name = "type", .kind = RECORD_TEXT, .off = AT(n.kind) },
	{ .name = "data", .kind = RECORD_JSON, .off = AT(n.payload) },
	{ .name = "created_at", .kind = RECORD_TIME, .off = AT(n.created_at_ms) },
	{ .name = "deliveries", .kind = RECORD_JSON, .off = AT(deliveries) },
};
/* clang-format on */

static const struct record_type record = { "notice", "notice", "notice",
	members, ARRAY_LEN(members), sizeof(struct row) };

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_ID("customer_id"), FILTER_ASCII("type", 64),
	FILTER_ENUM("state", "pending|sent|dead"), FILTER_TIME("created_from"),
	FILTER_TIME("created_to") };

static void
write_time(struct json_out *j, const char *name, int64_t ms)
{
	if (ms)
		json_out_member_time(j, name, ms);
	else
		json_out_member_null(j, name);
}

static void
write_way(const struct notice_way *w, enum notice_channel channel,
    bool shows_error, struct json_out *j)
{
	if (!w->state.p)
		return;
	json_out_object(j);
	json_out_member_str(j, "channel",
	    str_from(notice_channel_names[channel]));
	json_out_member_str(j, "state", w->state);
	json_out_member_u64(j, "attempts", w->attempts);
	write_time(j, "next_attempt_at", w->next_attempt_at_ms);
	write_time(j, "sent_at", w->sent_at_ms);
	if (shows_error && w->last_error.p)
		json_out_member_str(j, "last_error", w->last_error);
	else
		json_out_member_null(j, "last_error");
	json_out_object_end(j);
}

/* What the mail program says is the operator's. */
static enum err
fill(struct row *row, const struct notice_view *n, bool to_operator,
    struct arena *a, struct error *e)
{
	char uid[NOTICE_UID_BYTES];
	struct json_out j;
	struct buf b;

	row->n = *n;
	notice_uid(n->uid, uid);
	row->uid = arena_strdup(a, str_from(uid));
	buf_init(&b, a, WAYS_BYTES);
	json_out_init(&j, &b);
	json_out_array(&j);
	write_way(&n->email, NOTICE_EMAIL, to_operator, &j);
	write_way(&n->webhook, NOTICE_WEBHOOK, true, &j);
	json_out_array_end(&j);
	return buf_finish(&b, &row->deliveries, e);
}

static enum err
search(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    uint64_t *ret_next, struct error *e)
{
	const struct notice_filter f = {
		.customer_id = m->tenant ? m->tenant : v[0].u64,
		.kind = v[1].text,
		.state = v[2].text,
		.from_ms = v[3].time_ms,
		.to_ms = v[4].time_ms,
	};
	struct newest_end end = { 0, 0 };
	struct notice_view *notices = NULL;
	enum err err = store_notice_page(m->db, &f, after, limit, a, &notices,
	    ret_n, &end, e);
	struct row *rows;

	if (err)
		return err;
	rows = arena_array(a, struct row, *ret_n);
	if (!rows)
		return error_arena(e, a);
	for (size_t i = 0; i < *ret_n && !err; i++)
		err = fill(&rows[i], &notices[i], m->tenant == 0, a, e);
	*ret_rows = rows;
	*ret_next = end.next_id;
	return err;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.search = search,
	.id_off = AT(n.notice_id) };

enum err
api_notice_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_list(app, rq, rs, &record, &listing, e);
}
