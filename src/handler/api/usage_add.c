/* SPDX-License-Identifier: MIT */
/* POST /api/usage: one event or an array of them, recorded at once. */
#include "domain/usage_add.h"

#include <string.h>

#include "base/json_scan.h"
#include "domain/principal.h"
#include "handler/api/api.h"
#include "handler/api/usage_read.h"
#include "handler/idempotency.h"

#define JSON_DEPTH 4
#define ANSWER_MAX MIB(2)

struct rendering {
	enum usage_reader reader;
	bool is_batch;
};

/* A batch is answered by what its rows have become, not by what was sent:
 * the answer may be kept for a day. */
static void
write_short(const struct usage_view *v, struct json_out *j)
{
	char id[UUID7_TEXT_BYTES];

	uuid7_format(&v->row.request_id, id);
	json_out_member_u64(j, "id", v->usage_id);
	json_out_member_str(j, "request_id", str_from(id));
	json_out_member_time(j, "request_timestamp",
	    v->row.request_timestamp_ms);
	if (v->row.cost_pusd == DB_MONEY_NULL)
		json_out_member_null(j, "cost_in_usd");
	else
		json_out_member_usd(j, "cost_in_usd", v->row.cost_pusd);
}

static enum err
render(const struct usage_view *rows, size_t n, void *arg, struct arena *a,
    struct str *ret, struct error *e)
{
	const struct rendering *how = arg;
	struct json_out j;
	struct buf b;

	buf_init(&b, a, ANSWER_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	if (!how->is_batch) {
		usage_row_json(&rows[0], how->reader, &j);
	} else {
		json_out_member_str(&j, "object", S("list"));
		json_out_key(&j, "data");
		json_out_array(&j);
		for (size_t i = 0; i < n; i++) {
			json_out_object(&j);
			write_short(&rows[i], &j);
			json_out_object_end(&j);
		}
		json_out_array_end(&j);
	}
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

static enum err
read_one(const struct request *rq, struct str text, struct usage_event *ret,
    struct error *e)
{
	const struct json *body;
	enum err err = json_parse_object(rq->arena, text, JSON_DEPTH, &body, e);

	return err ? err : usage_event_read(body, rq->start_ms, ret, e);
}

/* Say in which element. */
static enum err
name_element(struct error *e, size_t i)
{
	char text[sizeof(e->public_text)], param[sizeof(e->param)];

	memcpy(text, e->public_text, sizeof(text));
	memcpy(param, e->param, sizeof(param));
	return error_public(e, e->code, param[0] ? param : NULL,
	    "Element %zu: %s", i,
	    text[0] ? text : err_info(e->code)->public_text);
}

static enum err
read_batch(const struct request *rq, struct usage_event **ret, size_t *ret_n,
    struct error *e)
{
	struct json_member element;
	struct json_walk w;
	size_t n = 0;

	*ret = arena_array(rq->arena, struct usage_event, USAGE_ADD_MAX);
	if (!*ret)
		return error_arena(e, rq->arena);
	json_walk_init(&w, str_trim(rq->body));
	for (; json_walk_next(&w, &element); n++) {
		enum err err;

		if (n == USAGE_ADD_MAX)
			return error_public(e, ERR_BAD_PARAM, NULL,
			    "More than %d events at once.", USAGE_ADD_MAX);
		err = read_one(rq, element.value, &(*ret)[n], e);
		if (err)
			return name_element(e, n);
	}
	*ret_n = n;
	return n ? OK
		 : error_public(e, ERR_BAD_PARAM, NULL,
		       "There is no event in the array.");
}

static enum err
read_events(const struct request *rq, struct usage_event **ret, size_t *ret_n,
    bool *ret_is_batch, struct error *e)
{
	struct json_scan scan = { .depth_max = JSON_DEPTH };

	*ret_is_batch = json_scan(&scan, rq->body) && scan.kind == JSON_ARRAY;
	if (*ret_is_batch)
		return read_batch(rq, ret, ret_n, e);
	*ret = arena_array(rq->arena, struct usage_event, 1);
	*ret_n = 1;
	return *ret ? read_one(rq, rq->body, *ret, e)
		    : error_arena(e, rq->arena);
}

static enum err
add(struct app *app, const struct request *rq, struct usage_add *u,
    struct error *e)
{
	struct manager m;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	err = usage_add(&m, u, rq->arena, e);
	manager_end(app, &m);
	return err;
}

enum err
api_usage_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct rendering how = { .reader = usage_reader_of(app->who) };
	struct usage_add u = { .render = render, .arg = &how };
	struct idempotency idempotency = { 0 };
	struct usage_event *events;
	bool is_given;
	enum err err = idempotency_read(app->who, rq, "usage", &idempotency,
	    &is_given, e);

	idempotency.status = 201;
	if (!err)
		err = read_events(rq, &events, &u.n, &how.is_batch, e);
	if (err)
		return err;
	u.events = events;
	u.idempotency = is_given ? &idempotency : NULL;
	err = add(app, rq, &u, e);
	if (err)
		return err;
	if (u.is_replay)
		idempotency_mark(rs, &u.first);
	response_header(rs, "content-type", S("application/json"));
	response_header(rs, "cache-control", S("no-store"));
	rs->status = 201;
	response_body(rs, u.answer);
	return OK;
}
