/* SPDX-License-Identifier: MIT */
/* The page of one request: all that is known of it, and its cost's making. */
#include "handler/web/request.h"

#include "base/clock.h"
#include "domain/principal.h"
#include "handler/web/page.h"
#include "handler/web/usage_filter.h"
#include "handler/web/view.h"
#include "handler/web/web.h"

static const struct tmpl_key request_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "list_href", TVAL_TEXT },
	{ "request_id", TVAL_TEXT },
	{ "facts", TVAL_LIST },
	{ "facts.name", TVAL_TEXT },
	{ "facts.text", TVAL_TEXT },
	VIEW_TIME_KEYS("admitted"),
	VIEW_TIME_KEYS("posted"),
	{ "has_cost", TVAL_BOOL },
	{ "has_price", TVAL_BOOL },
	{ "price_version", TVAL_TEXT },
	VIEW_TIME_KEYS("price_since"),
	{ "is_rerated", TVAL_BOOL },
	{ "has_original", TVAL_BOOL },
	VIEW_MONEY_KEYS("original"),
	REQUEST_COST_KEYS,
};
const struct tmpl_page page_request = PAGE("dashboard/request", request_keys);

/* What belongs to a row. */
struct found {
	struct usage_view v;
	struct price price;
	bool has_price;
	struct web_usage_filter names;
};

static enum err
load_names(const struct manager *m, struct found *f, struct arena *a,
    struct error *e)
{
	const struct usage_row *row = &f->v.row;
	const struct {
		enum name_kind kind;
		uint64_t id;
	} named[] = { { NAME_KEY, row->api_key_id },
		{ NAME_USER, row->user_id }, { NAME_PROJECT, row->project_id },
		{ NAME_AGENT, row->agent_id },
		{ NAME_CONNECTOR, row->connector_id },
		{ NAME_MODEL, row->model_id } };
	enum err err = OK;

	f->names.filter.customer_id = row->customer_id;
	for (size_t i = 0; i < ARRAY_LEN(named) && !err; i++)
		err = web_usage_names(&f->names, m, named[i].kind, &named[i].id,
		    1, a, e);
	return err;
}

static enum err
load(const struct manager *m, struct str id_text, struct arena *a,
    struct found *f, struct error *e)
{
	struct uuid7 id;
	enum err err;

	if (!uuid7_parse(id_text, &id))
		return error_set(e, ERR_NOT_FOUND, "no request id");
	err = store_usage_view(m->db, m->tenant, &id, a, &f->v, e);
	if (!err && f->v.price_version_id) {
		err = store_price_by_id(m->db, f->v.price_version_id, a,
		    &f->price, e);
		f->has_price = !err;
	}
	return err ? err : load_names(m, f, a, e);
}

static void
add_fact(struct tval *list, const char *name, struct str text)
{
	struct tval *o;

	if (!text.n)
		return;
	o = tval_push_object(list);
	tval_set_text(o, "name", str_from(name));
	tval_set_text(o, "text", text);
}

static void
add_named(struct tval *list, const char *name, const struct found *f,
    enum name_kind kind, uint64_t id)
{
	if (list && id)
		add_fact(list, name,
		    web_usage_name(&f->names, kind, id, list->a));
}

/* Those that there are, whether or not their cost is known. */
static void
add_tokens(struct tval *list, const struct usage_row *row)
{
	for (int context = 0; context < TOK_CONTEXT__MAX; context++)
		for (int class = 0; class < TOK_CLASS__MAX; class ++) {
			uint64_t n = row->tok[context][class];
			struct tval *o = n ? tval_push_object(list) : NULL;

			if (!o)
				continue;
			tval_set_textf(o, "name", "%s%s, tokens",
			    request_class_names[class],
			    context == TOK_LONG ? ", long context" : "");
			view_count(o, "text", n);
		}
}

static void
add_facts(struct tval *o, const struct found *f)
{
	static const char *const sources[USAGE_FROM__MAX] = {
		"reported by the provider", "counted by this gateway",
		"estimated by this gateway"
	};
	const struct usage_row *row = &f->v.row;
	struct tval *list = tval_set_list(o, "facts");

	if (!list)
		return;
	add_fact(list, "Status", str_from(usage_status_names[row->status]));
	add_fact(list, "Error code", row->error_code);
	add_fact(list, "Model asked for", row->model_requested);
	add_named(list, "Model", f, NAME_MODEL, row->model_id);
	add_fact(list, "Provider", row->provider_used);
	add_named(list, "API key", f, NAME_KEY, row->api_key_id);
	add_named(list, "User", f, NAME_USER, row->user_id);
	add_named(list, "Project", f, NAME_PROJECT, row->project_id);
	add_named(list, "Agent", f, NAME_AGENT, row->agent_id);
	add_named(list, "Connector", f, NAME_CONNECTOR, row->connector_id);
	add_fact(list, "Time to first token",
	    view_duration_text(list->a, row->time_to_first_token_ms));
	add_fact(list, "Duration",
	    view_duration_text(list->a, (int64_t)row->latency_ms));
	add_fact(list, "Attempts", view_count_text(list->a, row->attempts));
	add_tokens(list, row);
	add_fact(list, "Tokens were", str_from(sources[row->usage_source]));
	add_fact(list, "Recorded by",
	    row->origin == USAGE_API ? S("POST /api/usage")
				     : S("this gateway"));
}

static void
add_price(struct tval *o, const struct found *f)
{
	const struct usage_view *v = &f->v;
	bool has_original = v->row.cost_pusd != DB_MONEY_NULL;

	tval_set_bool(o, "has_cost", v->cost_pusd != DB_MONEY_NULL);
	tval_set_bool(o, "has_price", f->has_price);
	tval_set_textf(o, "price_version", "%llu",
	    (unsigned long long)v->price_version_id);
	view_time(o, "price_since",
	    f->has_price ? f->price.effective_from_ms : 0);
	tval_set_bool(o, "is_rerated",
	    v->row.cost_pusd != v->cost_pusd ||
		v->row.price_version_id != v->price_version_id);
	tval_set_bool(o, "has_original", has_original);
	view_money(o, "original", has_original ? v->row.cost_pusd : 0);
}

enum err
web_request_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct found f = { 0 };
	char id[UUID7_TEXT_BYTES];
	struct web_place place;
	struct manager m;
	struct tval *o;
	enum err err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	err = load(&m, rq->path_param[1], rq->arena, &f, e);
	manager_end(app, &m);
	if (err)
		return err;
	uuid7_format(&f.v.row.request_id, id);
	o = web_place_page(app, rq, &place, &page_request, S("Request"));
	tval_set_text(o, "list_href",
	    web_place_href(app, rq->arena, &place, "requests", 0, NULL));
	view_second(o, "as_of", m.now_ms);
	tval_set_text(o, "request_id", str_from(id));
	view_second(o, "admitted", f.v.row.request_timestamp_ms);
	view_second(o, "posted", f.v.created_at_ms);
	add_facts(o, &f);
	add_price(o, &f);
	request_cost_add(o, &f.v, f.has_price ? &f.price : NULL,
	    principal_is_operator(app->who));
	return web_page_send(app, rq, rs, 200, &page_request, o, e);
}
