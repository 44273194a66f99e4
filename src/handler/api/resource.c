/* SPDX-License-Identifier: MIT */
#include "handler/api/resource.h"

#include <string.h>

#include "handler/api/cursor.h"

#define JSON_DEPTH 4

/* ---- one ---- */

enum err
resource_id(const struct resource *r, const struct request *rq, uint64_t *ret,
    struct error *e)
{
	if (str_to_u64(rq->path_param[0], 1, UINT32_MAX, ret))
		return OK;
	return error_public(e, ERR_NOT_FOUND, "id", "There is no such %s.",
	    r->record->title);
}

enum err
resource_respond(const struct resource *r, const struct manager *m,
    const void *row, struct response *rs, int status, struct error *e)
{
	char etag[RECORD_ETAG_BYTES];
	struct json_out j;

	record_etag(r->record, row, rs->arena, etag);
	response_header(rs, "etag", str_from(etag));
	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	record_write(r->record, row, m->tenant == 0, &j);
	json_out_object_end(&j);
	return response_json(rs, status, &j, e);
}

/* One row that a request is about, and who asks. */
struct visit {
	struct manager m;
	uint64_t id;
	void *row; /* room for it */
};

/* Then manager_end(), unless it failed. */
static enum err
begin(struct app *app, const struct request *rq, const struct resource *r,
    struct visit *v, struct error *e)
{
	enum err err = resource_id(r, rq, &v->id, e);

	v->row = arena_alloc(rq->arena, r->record->row_bytes);
	if (!v->row)
		return error_arena(e, rq->arena);
	return err ? err : manager_begin(app, rq, &v->m, e);
}

enum err
resource_show(struct app *app, const struct request *rq, struct response *rs,
    const struct resource *r, struct error *e)
{
	struct visit v;
	enum err err = begin(app, rq, r, &v, e);

	if (err)
		return err;
	err = resource_load(r, &v.m, v.id, rq->arena, v.row, e);
	manager_end(app, &v.m);
	return err ? err : resource_respond(r, &v.m, v.row, rs, 200, e);
}

/* ---- bodies ---- */

enum err
resource_body_parse(const struct request *rq, const struct manager *m,
    unsigned flag, struct resource_body *ret, struct error *e)
{
	*ret = (struct resource_body){
		.input = {
			.flag = flag,
			.is_operator = m->tenant == 0,
			.now_ms = m->now_ms,
		},
	};
	return json_parse_object(rq->arena, rq->body, JSON_DEPTH, &ret->json,
	    e);
}

enum err
resource_body_read(const struct resource *r, struct arena *a, void *row,
    void *arg, struct error *e)
{
	const struct resource_body *b = arg;
	enum err err = record_read(r->record, b->json, &b->input, a, row, e);

	return err || !b->read_others ? err
				      : b->read_others(b->json, row, b->arg, e);
}

enum err
resource_read_grace(const struct request *rq, uint64_t max_s, uint64_t *ret_s,
    struct error *e)
{
	static const char *const names[] = { "grace_seconds" };
	const struct json *body;
	enum err err;

	*ret_s = 0;
	if (rq->body.n == 0)
		return OK;
	err = json_parse_object(rq->arena, rq->body, 2, &body, e);
	if (!err)
		err = json_only(body, names, ARRAY_LEN(names), e);
	if (err || !json_has(body, names[0]))
		return err;
	return json_get_u64(body, names[0], 0, max_s, ret_s, e);
}

/* What a tenant makes is its own, whether or not the body says so. */
static enum err
own(const struct resource *r, const struct manager *m, void *row,
    struct error *e)
{
	uint64_t id;

	if (m->tenant == 0 || r->customer_off == SIZE_MAX)
		return OK;
	memcpy(&id, (char *)row + r->customer_off, sizeof(id));
	if (id == 0)
		memcpy((char *)row + r->customer_off, &m->tenant,
		    sizeof(m->tenant));
	return id ? resource_check_customer(m, id, e) : OK;
}

static enum err
make(struct manager *m, const struct request *rq, const struct resource *r,
    void *row, struct error *e)
{
	struct resource_body body;
	enum err err = resource_body_parse(rq, m, RECORD_NEW, &body, e);

	if (!err)
		err = resource_body_read(r, rq->arena, row, &body, e);
	if (!err)
		err = own(r, m, row, e);
	return err ? err : resource_create(r, m, rq->arena, row, e);
}

enum err
resource_make(struct app *app, const struct request *rq,
    const struct resource *r, void *row, struct error *e)
{
	struct manager m;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	err = make(&m, rq, r, row, e);
	manager_end(app, &m);
	return err;
}

enum err
resource_post(struct app *app, const struct request *rq, struct response *rs,
    const struct resource *r, void *row, struct error *e)
{
	struct manager m;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	err = make(&m, rq, r, row, e);
	manager_end(app, &m);
	return err ? err : resource_respond(r, &m, row, rs, 201, e);
}

enum err
resource_patch(struct app *app, const struct request *rq, struct response *rs,
    const struct resource *r, struct error *e)
{
	struct resource_body body;
	struct visit v;
	enum err err = begin(app, rq, r, &v, e);

	if (err)
		return err;
	err = resource_body_parse(rq, &v.m, RECORD_SET, &body, e);
	if (!err)
		err = resource_change(r, &v.m, v.id, resource_body_read, &body,
		    rq->arena, v.row, e);
	manager_end(app, &v.m);
	return err ? err : resource_respond(r, &v.m, v.row, rs, 200, e);
}

enum err
resource_delete(struct app *app, const struct request *rq, struct response *rs,
    const struct resource *r, struct error *e)
{
	struct visit v;
	enum err err = begin(app, rq, r, &v, e);

	if (err)
		return err;
	err = resource_archive(r, &v.m, v.id, rq->arena, v.row, e);
	manager_end(app, &v.m);
	return err ? err : resource_respond(r, &v.m, v.row, rs, 200, e);
}

/* ---- lists ---- */

enum err
list_page_read(const struct request *rq, const struct param_spec *spec,
    const struct param_value *v, size_t n, struct list_page *ret,
    struct error *e)
{
	*ret = (struct list_page){
		.limit = v[1].is_set ? v[1].u64 : LIST_LIMIT,
		.tie = cursor_tie(rq, spec, v, n),
	};
	return v[0].is_set ? cursor_read(ret->tie, v[0].text, &ret->after, 1, e)
			   : OK;
}

void
list_begin(struct response *rs, struct json_out *j)
{
	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, j);
	json_out_object(j);
	json_out_member_str(j, "object", S("list"));
	json_out_key(j, "data");
	json_out_array(j);
}

void
list_page_end(const struct list_page *page, uint64_t last_id,
    struct json_out *j)
{
	char cursor[CURSOR_TEXT_BYTES];

	if (!last_id) {
		json_out_member_null(j, "next_cursor");
		return;
	}
	cursor_write(page->tie, &last_id, 1, cursor);
	json_out_member_str(j, "next_cursor", str_from(cursor));
}

/* A filter by another customer finds nobody: 404, as everywhere else. */
static enum err
check_filters(const struct listing *l, const struct manager *m,
    const struct param_value *v, struct error *e)
{
	for (size_t i = 0; i < l->n_params; i++)
		if (v[i].is_set &&
		    strcmp(l->params[i].name, "customer_id") == 0)
			return resource_check_customer(m, v[i].u64, e);
	return OK;
}

static enum err
write_list(const struct list_page *page, struct response *rs,
    const struct record_type *record, const struct listing *l,
    const struct manager *m, const char *rows, size_t n, uint64_t next,
    struct error *e)
{
	size_t n_shown = n > page->limit ? (size_t)page->limit : n;
	struct json_out j;

	list_begin(rs, &j);
	for (size_t i = 0; i < n_shown; i++) {
		json_out_object(&j);
		record_write(record, rows + i * record->row_bytes,
		    m->tenant == 0, &j);
		json_out_object_end(&j);
	}
	json_out_array_end(&j);
	if (n > n_shown)
		memcpy(&next,
		    rows + (n_shown - 1) * record->row_bytes + l->id_off,
		    sizeof(next));
	list_page_end(page, next, &j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
resource_list(struct app *app, const struct request *rq, struct response *rs,
    const struct record_type *record, const struct listing *l, struct error *e)
{
	struct param_value v[LIST_PARAM_MAX];
	struct list_page page;
	struct manager m;
	void *rows = NULL;
	uint64_t next = 0;
	size_t n = 0;
	enum err err;

	ASSERT(l->n_params <= LIST_PARAM_MAX);
	err = param_parse(rq->arena, l->params, l->n_params, rq->query, v, e);
	if (!err)
		err = list_page_read(rq, l->params, v, l->n_params, &page, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	m.extra = (void *)(uintptr_t)app->catalogue;
	err = check_filters(l, &m, v, e);
	/* One more tells whether there is a next page. */
	if (!err && l->search)
		err = l->search(&m, v + LIST_N_PARAMS, page.after,
		    page.limit + 1, rq->arena, &rows, &n, &next, e);
	else if (!err)
		err = l->page(&m, v + LIST_N_PARAMS, page.after, page.limit + 1,
		    rq->arena, &rows, &n, e);
	manager_end(app, &m);
	return err ? err
		   : write_list(&page, rs, record, l, &m, rows, n, next, e);
}
