/* SPDX-License-Identifier: MIT */
/*
 * The page Requests: rows of usage, the newest first, by the same statement
 * as GET /api/usage. A page looks at so many rows at most, so one whose
 * filters fit few of many ends early and says where it stopped.
 */
#include "handler/web/request.h"

#include "base/clock.h"
#include "handler/web/page.h"
#include "handler/web/usage_filter.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "store/host.h"

#define PER_PAGE       50
#define LOOK_AT_MAX    2000 /* rows, where filters may let few through */
#define HREF_BYTES_MAX KIB(4)

enum {
	Q_BEFORE_MS,
	Q_BEFORE_ID,
	Q_REQUEST_ID,
	Q_FILTER,
	Q__N = Q_FILTER + WEB_USAGE_N_PARAMS
};
/* clang-format off */
static const struct param_spec query_spec[] = {
	{ .name = "before_ms", .type = PARAM_U64, .min = 1, .max = INT64_MAX / 1000 },
	{ .name = "before_id", .type = PARAM_U64, .min = 1, .max = INT64_MAX },
	{ .name = "request_id", .type = PARAM_ASCII, .min = 1, .max = 64 },
	WEB_USAGE_PARAMS
};
/* clang-format on */
_Static_assert(ARRAY_LEN(query_spec) == Q__N, "a parameter has no place");

static const struct tmpl_key requests_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	VIEW_TIME_KEYS("delayed"),
	{ "action_href", TVAL_TEXT },
	{ "usage_href", TVAL_TEXT },
	WEB_USAGE_SELECT_KEYS("views"),
	WEB_USAGE_FILTER_KEYS,
	VIEW_TIME_KEYS("since"),
	VIEW_TIME_KEYS("until"),
	{ "has_rows", TVAL_BOOL },
	{ "classes", TVAL_LIST },
	{ "classes.", TVAL_TEXT },
	{ "rows", TVAL_LIST },
	REQUEST_ROW_KEYS("rows"),
	{ "rows.key", TVAL_TEXT },
	{ "rows.tokens", TVAL_LIST },
	{ "rows.tokens.", TVAL_TEXT },
	{ "is_cut", TVAL_BOOL },
	{ "looked_at", TVAL_TEXT },
	VIEW_TIME_KEYS("cut_at"),
	{ "has_more", TVAL_BOOL },
	{ "more_href", TVAL_TEXT },
};
const struct tmpl_page page_requests = PAGE("dashboard/request_list",
    requests_keys);

struct found {
	struct web_usage_filter f;
	struct usage_cursor after;
	struct usage_view *rows;
	size_t n;
	bool has_more;
	bool is_cut;
	int64_t now_ms;
	int64_t delayed_since_ms; /* 0: all usage is here */
	int64_t floor_ms;         /* rows before it were not looked at */
};

static bool
has_filter(const struct usage_filter *f)
{
	return f->api_key_id || f->user_id || f->project_id || f->agent_id ||
	       f->connector_id || f->model_id || f->provider_id || f->status.p;
}

static enum err
load_rows(const struct manager *m, struct found *r, struct arena *a,
    struct error *e)
{
	struct usage_filter f = r->f.filter;
	struct usage_cursor next; /* the floor lies before it */
	enum err err = OK;

	r->floor_ms = f.from_ms;
	if (has_filter(&f))
		err = store_usage_floor(m->db, m->tenant, &f, r->after,
		    LOOK_AT_MAX, a, &r->floor_ms, e);
	f.from_ms = r->floor_ms;
	/* One more tells whether there is a next page. */
	if (!err)
		err = store_usage_page(m->db, m->tenant, &f, r->after,
		    PER_PAGE + 1, a, &r->rows, &r->n, &next, e);
	if (err)
		return err;
	r->is_cut = r->n <= PER_PAGE && r->floor_ms > r->f.filter.from_ms;
	r->has_more = r->n > PER_PAGE || r->is_cut;
	if (r->n > PER_PAGE)
		r->n = PER_PAGE;
	return OK;
}

static enum err
load(const struct manager *m, struct found *r, struct arena *a, struct error *e)
{
	uint64_t ids[PER_PAGE];
	enum err err = web_usage_filter_load(&r->f, m, a, e);

	r->now_ms = m->now_ms;
	if (!err)
		err = store_host_delayed_since(m->db, &r->delayed_since_ms, e);
	if (r->f.filter.to_ms <= r->delayed_since_ms)
		r->delayed_since_ms = 0;
	if (!err && !r->f.is_unclear)
		err = load_rows(m, r, a, e);
	for (size_t i = 0; i < r->n && !err; i++)
		ids[i] = r->rows[i].row.api_key_id;
	return err ? err : web_usage_names(&r->f, m, NAME_KEY, ids, r->n, a, e);
}

/* Where the next page begins: behind the last row, or before all that was
 * looked at. */
static struct str
more_href(const struct app *app, struct arena *a, const struct web_place *place,
    const struct found *r)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, "requests");
	web_usage_filter_args(&r->f, &u, NULL);
	if (r->is_cut) {
		url_arg_u64(&u, "before_ms", (uint64_t)r->floor_ms);
		url_arg_u64(&u, "before_id", 1);
	} else if (r->n > 0) {
		const struct usage_view *last = &r->rows[r->n - 1];

		url_arg_u64(&u, "before_ms",
		    (uint64_t)last->row.request_timestamp_ms);
		url_arg_u64(&u, "before_id", last->usage_id);
	}
	return buf_str(&b);
}

/* Input and output always, others where there are any. */
static unsigned
classes_of(const struct found *r)
{
	unsigned classes = 1U << TOK_IN | 1U << TOK_OUT;

	for (size_t i = 0; i < r->n; i++)
		for (int x = 0; x < TOK_CONTEXT__MAX; x++)
			for (int c = 0; c < TOK_CLASS__MAX; c++)
				if (r->rows[i].row.tok[x][c])
					classes |= 1U << c;
	return classes;
}

static struct str
show_href(const struct app *app, struct arena *a, const struct web_place *place,
    struct str id)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, "requests");
	url_segment(&u, id);
	return buf_str(&b);
}

static void
add_row(struct tval *list, struct str base, const struct found *r,
    const struct usage_view *v, unsigned classes)
{
	struct tval *o = tval_push_object(list), *tokens;

	if (!o)
		return;
	request_row_add(o, base, v);
	tval_set_text(o, "key",
	    web_usage_name(&r->f, NAME_KEY, v->row.api_key_id, o->a));
	tokens = tval_set_list(o, "tokens");
	for (int c = 0; c < TOK_CLASS__MAX; c++)
		if (classes & 1U << c)
			tval_push_text(tokens,
			    view_count_text(o->a, v->row.tok[TOK_NORMAL][c] +
						      v->row.tok[TOK_LONG][c]));
}

static void
add_rows(struct tval *o, struct str base, const struct found *r)
{
	unsigned classes = classes_of(r);
	struct tval *names = tval_set_list(o, "classes");
	struct tval *list = tval_set_list(o, "rows");

	for (int c = 0; c < TOK_CLASS__MAX; c++)
		if (classes & 1U << c)
			tval_push_text(names, str_from(request_class_names[c]));
	tval_set_bool(o, "has_rows", r->n > 0);
	for (size_t i = 0; i < r->n; i++)
		add_row(list, base, r, &r->rows[i], classes);
}

/* Sums of what is listed. */
static struct str
usage_href(const struct app *app, struct arena *a,
    const struct web_place *place, const struct found *r)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, "usage");
	web_usage_filter_args(&r->f, &u, NULL);
	return buf_str(&b);
}

static struct tval *
view(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct found *r)
{
	struct tval *o = web_place_page(app, rq, place, &page_requests,
	    S("Requests"));
	struct arena *a = rq->arena;

	view_second(o, "as_of", r->now_ms);
	view_time(o, "delayed", r->delayed_since_ms);
	view_time(o, "since", r->f.filter.from_ms);
	view_time(o, "until", r->f.filter.to_ms);
	tval_set_text(o, "action_href",
	    web_place_href(app, a, place, "requests", 0, NULL));
	tval_set_text(o, "usage_href", usage_href(app, a, place, r));
	web_usage_select(tval_set_list(o, "views"), "range", "Time (UTC)",
	    web_range_options, web_usage_range(&r->f));
	web_usage_filter_add(o, &r->f);
	add_rows(o, web_place_href(app, a, place, "requests", 0, NULL), r);
	tval_set_bool(o, "is_cut", r->is_cut);
	view_count(o, "looked_at", LOOK_AT_MAX);
	view_second(o, "cut_at", r->floor_ms);
	tval_set_bool(o, "has_more", r->has_more);
	tval_set_text(o, "more_href",
	    r->has_more ? more_href(app, a, place, r) : S(""));
	return o;
}

enum err
web_request_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value v[Q__N];
	struct found r = { 0 };
	struct web_place place;
	struct manager m;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query, v,
	    e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	r.after = (struct usage_cursor){ (int64_t)v[Q_BEFORE_MS].u64,
		v[Q_BEFORE_MS].is_set ? v[Q_BEFORE_ID].u64 : 0 };
	err = web_usage_filter_read(v + Q_FILTER, WEB_RANGE_24H,
	    place.customer.customer_id, m.now_ms, &r.f, e);
	if (!err && !v[Q_REQUEST_ID].is_set)
		err = load(&m, &r, rq->arena, e);
	manager_end(app, &m);
	if (err)
		return err;
	if (v[Q_REQUEST_ID].is_set)
		return web_page_redirect(rs,
		    show_href(app, rq->arena, &place, v[Q_REQUEST_ID].text), e);
	return web_page_send(app, rq, rs, web_usage_filter_status(&r.f),
	    &page_requests, view(app, rq, &place, &r), e);
}
