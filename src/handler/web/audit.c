/* SPDX-License-Identifier: MIT */
/*
 * The page Audit log: who changed what, the newest first; a customer's, or
 * below /admin everybody's. A page looks at so many entries at most, so one
 * whose filters fit few of many ends early and says where it stopped.
 */
#include "base/clock.h"
#include "domain/principal.h"
#include "handler/web/audit_actor.h"
#include "handler/web/audit_view.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/usage_filter.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"

#define PER_PAGE       40
#define LOOK_AT_MAX    10000 /* entries, where filters may let few through */
#define HREF_BYTES_MAX KIB(4)
#define DATE_CHARS     10

enum {
	Q_ACTOR,
	Q_ACTION,
	Q_OBJECT,
	Q_OBJECT_ID,
	Q_OUTCOME,
	Q_FROM,
	Q_TO,
	Q_CUSTOMER,
	Q_BEFORE,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_ACTOR] = { .name = "actor",
	    .type = PARAM_ENUM,
	    .choices = "system|command|user|api_key|operator_key|anonymous" },
	[Q_ACTION] = { .name = "action",
	    .type = PARAM_ASCII,
	    .min = 1,
	    .max = 64 },
	[Q_OBJECT] = { .name = "object",
	    .type = PARAM_ASCII,
	    .min = 1,
	    .max = 32 },
	[Q_OBJECT_ID] = { .name = "object_id",
	    .type = PARAM_U64,
	    .min = 1,
	    .max = INT64_MAX },
	[Q_OUTCOME] = { .name = "outcome",
	    .type = PARAM_ENUM,
	    .choices = "failed|done" },
	[Q_FROM] = { .name = "from", .type = PARAM_TIME },
	[Q_TO] = { .name = "to", .type = PARAM_TIME },
	/* On the operator's page. */
	[Q_CUSTOMER] = { .name = "customer_id",
	    .type = PARAM_U64,
	    .min = 1,
	    .max = UINT32_MAX },
	[Q_BEFORE] = { .name = "before",
	    .type = PARAM_U64,
	    .min = 1,
	    .max = INT64_MAX },
};

static const struct tmpl_key audit_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "is_admin", TVAL_BOOL },
	{ "action_href", TVAL_TEXT },
	WEB_USAGE_SELECT_KEYS("selects"),
	{ "texts", TVAL_LIST },
	{ "texts.name", TVAL_TEXT },
	{ "texts.label", TVAL_TEXT },
	{ "texts.type", TVAL_TEXT },
	{ "texts.value", TVAL_TEXT },
	{ "has_rows", TVAL_BOOL },
	{ "has_filters", TVAL_BOOL },
	{ "rows", TVAL_LIST },
	VIEW_TIME_KEYS("rows.time"),
	{ "rows.actor", TVAL_TEXT },
	{ "rows.address", TVAL_TEXT },
	{ "rows.action", TVAL_TEXT },
	{ "rows.same_href", TVAL_TEXT },
	{ "rows.object", TVAL_TEXT },
	{ "rows.object_href", TVAL_TEXT },
	{ "rows.customer", TVAL_TEXT },
	{ "rows.customer_href", TVAL_TEXT },
	{ "rows.is_failure", TVAL_BOOL },
	{ "rows.request_id", TVAL_TEXT },
	AUDIT_CHANGES_KEYS("rows"),
	{ "is_cut", TVAL_BOOL },
	{ "looked_at", TVAL_TEXT },
	VIEW_TIME_KEYS("cut_at"),
	{ "has_more", TVAL_BOOL },
	{ "more_href", TVAL_TEXT },
};
const struct tmpl_page page_audit = PAGE("dashboard/audit", audit_keys);

static const char *const actor_options[] = { "|Anybody", "user|A user",
	"api_key|An API key", "operator_key|An operator key",
	"command|The command line", "system|The service itself",
	"anonymous|Somebody not signed in", NULL };
static const char *const outcome_options[] = { "|All", "done|Done",
	"failed|Failed", NULL };

struct found {
	const struct param_value *v;
	struct audit_filter filter;
	struct audit *rows;
	struct str actors[PER_PAGE];
	size_t n;
	/* Of the rows that are shown. */
	struct newest_end end;
};

static struct audit_filter
read_filter(const struct param_value *v, bool is_admin)
{
	return (struct audit_filter){
		.customer_id = is_admin ? v[Q_CUSTOMER].u64 : 0,
		.actor = v[Q_ACTOR].text,
		.action = v[Q_ACTION].text,
		.object = v[Q_OBJECT].text,
		.object_id = v[Q_OBJECT_ID].u64,
		.is_success = v[Q_OUTCOME].is_set ? (int64_t)v[Q_OUTCOME].u64
						  : -1,
		.from_ms = v[Q_FROM].time_ms,
		/* A day that is named is part of the time. */
		.to_ms = v[Q_TO].is_set && v[Q_TO].text.n == DATE_CHARS
			     ? v[Q_TO].time_ms + DAY_MS
			     : v[Q_TO].time_ms,
	};
}

static bool
has_filter(const struct param_value *v)
{
	for (int i = 0; i < Q_BEFORE; i++)
		if (v[i].is_set)
			return true;
	return false;
}

static enum err
load_rows(const struct manager *m, struct found *r, struct arena *a,
    struct error *e)
{
	/* One more tells whether there is a next page. */
	enum err err = store_audit_page(m->db, m->tenant, &r->filter,
	    r->v[Q_BEFORE].u64, PER_PAGE + 1, LOOK_AT_MAX, a, &r->rows, &r->n,
	    &r->end, e);

	if (err)
		return err;
	if (r->n > PER_PAGE) {
		r->n = PER_PAGE;
		r->end.next_id = r->rows[PER_PAGE - 1].audit_id;
	}
	return OK;
}

/* Each is looked up once. */
static enum err
load_actors(const struct manager *m, struct found *r, struct arena *a,
    struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < r->n && !err; i++) {
		const struct audit *row = &r->rows[i];

		for (size_t k = 0; k < i && !r->actors[i].p; k++)
			if (r->rows[k].actor == row->actor &&
			    r->rows[k].actor_id == row->actor_id)
				r->actors[i] = r->actors[k];
		if (!r->actors[i].p)
			err = web_audit_actor(m, row, a, &r->actors[i], e);
	}
	return err;
}

/* Pages of a customer's things. */
static const struct {
	const char *object;
	const char *path;
} pages_of[] = {
	{ "agent", "agents" },
	{ "api_key", "keys" },
	{ "connector", "connectors" },
	{ "project", "projects" },
	{ "user", "members" },
};

static struct str
object_href(const struct app *app, struct arena *a, const struct audit *row)
{
	for (size_t i = 0; i < ARRAY_LEN(pages_of) && row->customer_id; i++)
		if (row->object_id &&
		    str_eq(row->object, str_from(pages_of[i].object)))
			return arena_printf(a, "%" PRI_STR "/%s/%llu",
			    STR_ARG(web_href(app, a, "/dashboard",
				row->customer_id)),
			    pages_of[i].path,
			    (unsigned long long)row->object_id);
	return S("");
}

static struct str
object_text(struct arena *a, const struct audit *row)
{
	if (!row->object.n)
		return S("");
	return row->object_id
		   ? arena_printf(a, "%" PRI_STR " %llu", STR_ARG(row->object),
			 (unsigned long long)row->object_id)
		   : row->object;
}

/* This page with its filters. @action  instead of the one asked for; NULL: that */
static void
page_url(struct url *u, struct buf *b, const struct app *app,
    const struct web_place *place, const struct found *r, struct str action)
{
	web_place_url(u, b, app, place, "audit");
	for (int i = 0; i < Q_BEFORE; i++) {
		struct str text = i == Q_ACTION && action.p ? action
							    : r->v[i].text;

		if (text.n)
			url_arg(u, query_spec[i].name, text);
	}
}

static struct str
same_href(const struct app *app, struct arena *a, const struct web_place *place,
    const struct found *r, struct str action)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	page_url(&u, &b, app, place, r, action);
	return buf_str(&b);
}

static struct str
more_href(const struct app *app, struct arena *a, const struct web_place *place,
    const struct found *r)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	page_url(&u, &b, app, place, r, (struct str){ NULL, 0 });
	url_arg_u64(&u, "before", r->end.next_id);
	return buf_str(&b);
}

static void
add_rows(struct tval *o, const struct app *app, const struct web_place *place,
    const struct found *r)
{
	struct tval *list = tval_set_list(o, "rows");

	for (size_t i = 0; list && i < r->n; i++) {
		const struct audit *a = &r->rows[i];
		struct tval *row = tval_push_object(list);

		view_second(row, "time", a->created_at_ms);
		tval_set_text(row, "actor", r->actors[i]);
		tval_set_text(row, "address",
		    a->client_address.p ? a->client_address : S(""));
		tval_set_text(row, "action", a->action);
		tval_set_text(row, "same_href",
		    same_href(app, list->a, place, r, a->action));
		tval_set_text(row, "object", object_text(list->a, a));
		tval_set_text(row, "object_href", object_href(app, list->a, a));
		tval_set_textf(row, "customer", "%llu",
		    (unsigned long long)a->customer_id);
		tval_set_text(row, "customer_href",
		    a->customer_id
			? web_href(app, list->a, "/dashboard", a->customer_id)
			: S(""));
		tval_set_bool(row, "is_failure", !a->is_success);
		tval_set_text(row, "request_id",
		    a->request_id.p ? a->request_id : S(""));
		audit_changes_add(row, a->detail);
	}
}

static void
add_text(struct tval *list, const struct found *r, int at, const char *label,
    const char *type)
{
	struct tval *o = tval_push_object(list);
	struct str value = r->v[at].text.p ? r->v[at].text : S("");

	if (at == Q_FROM || at == Q_TO)
		value.n = value.n < DATE_CHARS ? value.n : DATE_CHARS;
	tval_set_text(o, "name", str_from(query_spec[at].name));
	tval_set_text(o, "label", str_from(label));
	tval_set_text(o, "type", str_from(type));
	tval_set_text(o, "value", value);
}

static void
add_filters(struct tval *o, const struct found *r, bool is_admin)
{
	struct tval *selects = tval_set_list(o, "selects");
	struct tval *texts = tval_set_list(o, "texts");

	web_usage_select(selects, "actor", "Who", actor_options,
	    r->v[Q_ACTOR].text);
	web_usage_select(selects, "outcome", "Outcome", outcome_options,
	    r->v[Q_OUTCOME].text);
	add_text(texts, r, Q_ACTION, "Action, such as key.revoke", "text");
	add_text(texts, r, Q_OBJECT, "Kind of thing, such as api_key", "text");
	add_text(texts, r, Q_OBJECT_ID, "The thing's number", "text");
	if (is_admin)
		add_text(texts, r, Q_CUSTOMER, "Customer's number", "text");
	add_text(texts, r, Q_FROM, "From (UTC)", "date");
	add_text(texts, r, Q_TO, "To, that day included", "date");
	tval_set_bool(o, "has_filters", has_filter(r->v));
}

static struct tval *
view(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct found *r, int64_t now_ms)
{
	struct tval *o = web_place_page(app, rq, place, &page_audit,
	    S("Audit log"));

	view_second(o, "as_of", now_ms);
	tval_set_bool(o, "is_admin", place->is_admin);
	tval_set_text(o, "action_href",
	    web_place_href(app, rq->arena, place, "audit", 0, NULL));
	add_filters(o, r, place->is_admin);
	tval_set_bool(o, "has_rows", r->n > 0);
	add_rows(o, app, place, r);
	tval_set_bool(o, "is_cut", r->end.cut_ms != 0);
	view_count(o, "looked_at", LOOK_AT_MAX);
	view_second(o, "cut_at", r->end.cut_ms);
	tval_set_bool(o, "has_more", r->end.next_id != 0);
	tval_set_text(o, "more_href",
	    r->end.next_id ? more_href(app, rq->arena, place, r) : S(""));
	return o;
}

enum err
web_audit_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct found *r = arena_new(rq->arena, struct found);
	struct param_value v[Q__N];
	struct web_place place;
	struct manager m;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query, v,
	    e);

	if (!err && !r)
		err = error_arena(e, rq->arena);
	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	r->v = v;
	r->filter = read_filter(v, place.is_admin);
	if (!place.is_admin && v[Q_CUSTOMER].is_set)
		err = error_public(e, ERR_BAD_PARAM, "customer_id",
		    "There is no parameter \"customer_id\" here.");
	if (!err)
		err = load_rows(&m, r, rq->arena, e);
	if (!err)
		err = load_actors(&m, r, rq->arena, e);
	manager_end(app, &m);
	return err ? err
		   : web_page_send(app, rq, rs, 200, &page_audit,
			 view(app, rq, &place, r, m.now_ms), e);
}

enum err
web_admin_audit_list(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return web_audit_list(app, rq, rs, e);
}
