/* SPDX-License-Identifier: MIT */
/* The operator's pages of prices: what holds now, a model's versions, and the
 * form of a new one, which is POST /api/prices' body. */
#include "domain/price.h"

#include <string.h>

#include "base/json_out.h"
#include "base/money.h"
#include "domain/price_list.h"
#include "domain/price_set.h"
#include "handler/model_write.h"
#include "handler/price_body.h"
#include "handler/web/admin_list.h"
#include "handler/web/form_page.h"
#include "handler/web/page.h"
#include "handler/web/price_view.h"
#include "handler/web/web.h"
#include "http/param.h"

#define VERSIONS_MAX  100 /* of a page, the newest */
#define ROW_BYTES_MAX KIB(16)

/* ---- what holds now ---- */

static struct str
million_text(struct arena *a, int64_t token_pusd)
{
	struct error e = { 0 };
	int64_t pusd;

	if (money_mul_tok(token_pusd, 1000000, &pusd, &e))
		return S("more than can be shown");
	return view_money_text(a, pusd);
}

static void
add_row(struct tval *list, const struct model_view *v)
{
	const struct price *p = v->price;
	struct tval *cells = admin_list_row(list, v->model->model_id,
	    v->model->name, p ? S("In force") : S("None yet"), p != NULL);

	if (!cells || !p)
		return;
	admin_list_text(cells,
	    million_text(cells->a, p->tok_pusd[TOK_NORMAL][TOK_IN]));
	admin_list_text(cells,
	    million_text(cells->a, p->tok_pusd[TOK_NORMAL][TOK_OUT]));
	admin_list_text(cells, view_money_text(cells->a, p->request_pusd));
	admin_list_time(cells, p->effective_from_ms);
}

static enum err
rows(struct app *app, const struct manager *m, const struct admin_list_ask *ask,
    struct tval *list, uint64_t *ret_last, struct error *e)
{
	struct model_view *v;
	size_t n, n_shown = 0;
	uint64_t last = 0;
	enum err err;

	(void)app;
	if (!list)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	err = model_view_list(m->db, list->a, false, &v, &n, e);
	for (size_t i = 0; !err && i < n; i++) {
		const struct model *model = v[i].model;

		if (model->model_id <= ask->after ||
		    !web_find_fits(model->name, ask->find))
			continue;
		if (n_shown++ == ADMIN_LIST_MAX) {
			*ret_last = last;
			break;
		}
		last = model->model_id;
		add_row(list, &v[i]);
	}
	return err;
}

static const char *const heads[] = { "Input, USD a million",
	"Output, USD a million", "A request, USD", "Since" };
static const struct admin_list prices = { "Prices",
	"What models cost now, without any customer's markup. Choose one for "
	"all classes, its versions, and a new one.",
	"Import a price list", "import", "prices", heads, ARRAY_LEN(heads),
	rows, WEB_FIND_MODEL,
	"A price belongs to a model, and there is no model yet.", "New model",
	"models" };

enum err
web_price_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return web_admin_list(app, rq, rs, &prices, e);
}

/* ---- one model ---- */

struct visit {
	struct app *app;
	const struct request *rq;
	struct web_place place;
	struct manager m;
	struct model_view model;
	struct web_form form;
};

static enum err
begin(struct visit *v, struct app *app, const struct request *rq,
    struct error *e)
{
	uint64_t id = 0;
	enum err err;

	*v = (struct visit){ .app = app, .rq = rq };
	err = web_place_begin(app, rq, &v->place, &v->m, e);
	if (err)
		return err;
	err = web_place_id(&v->place, rq, &id, e);
	if (!err)
		err = model_view_load(v->m.db, rq->arena, id, &v->model, e);
	if (err)
		manager_end(app, &v->m);
	return err;
}

static struct str
model_href(const struct visit *v, const char *verb)
{
	return web_place_href(v->app, v->rq->arena, &v->place, "prices",
	    v->model.model->model_id, verb);
}

/* clang-format off */
static const struct tmpl_key versions_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "list_href", TVAL_TEXT }, { "model_href", TVAL_TEXT }, { "new_href", TVAL_TEXT },
	{ "may_add", TVAL_BOOL }, { "has_long", TVAL_BOOL }, { "long_from", TVAL_TEXT },
	{ "has_versions", TVAL_BOOL }, { "has_older", TVAL_BOOL },
	{ "versions", TVAL_LIST }, { "versions.number", TVAL_TEXT },
	{ "versions.is_in_force", TVAL_BOOL }, { "versions.is_to_come", TVAL_BOOL },
	{ "versions.state", TVAL_TEXT }, { "versions.note", TVAL_TEXT },
	VIEW_TIME_KEYS("versions.from"), VIEW_TIME_KEYS("versions.to"),
	WEB_PRICE_KEYS("versions"),
};
/* clang-format on */
const struct tmpl_page page_prices = PAGE("admin/price", versions_keys);

/* @newer_ms  when the next one begins; 0: there is none */
static enum err
add_version(struct tval *list, const struct price *p,
    const struct price *in_force, int64_t newer_ms, int64_t now_ms,
    struct error *e)
{
	struct tval *o = tval_push_object(list);
	bool is_to_come = p->effective_from_ms > now_ms;

	tval_set_textf(o, "number", "%llu",
	    (unsigned long long)p->price_version_id);
	tval_set_bool(o, "is_in_force", p == in_force);
	tval_set_bool(o, "is_to_come", is_to_come);
	tval_set_text(o, "state",
	    p == in_force ? S("In force")
	    : is_to_come  ? S("To come")
			  : S("Over"));
	tval_set_text(o, "note", p->note.p ? p->note : S(""));
	view_second(o, "from", p->effective_from_ms);
	view_second(o, "to", newer_ms);
	return web_price_view(o, p, MARKUP_NONE_PPM, true, e);
}

static enum err
add_versions(struct tval *o, const struct visit *v, struct error *e)
{
	struct tval *list = tval_set_list(o, "versions");
	struct price *p = NULL;
	const struct price *in_force;
	size_t n = 0;
	enum err err = store_price_list(v->m.db, v->model.model->model_id,
	    v->rq->arena, &p, &n, e);

	if (err)
		return err;
	in_force = price_at(p, n, v->m.now_ms);
	tval_set_bool(o, "has_versions", n > 0);
	tval_set_bool(o, "has_older", n > VERSIONS_MAX);
	for (size_t i = 0; !err && i < n && i < VERSIONS_MAX; i++)
		err = add_version(list, &p[i], in_force,
		    i ? p[i - 1].effective_from_ms : 0, v->m.now_ms, e);
	return err;
}

enum err
web_price_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	static const struct param_spec spec[] = { WEB_DONE_PARAM };
	struct param_value query[ARRAY_LEN(spec)];
	const struct model *m;
	struct visit v;
	struct tval *o;
	enum err err = param_parse(rq->arena, spec, ARRAY_LEN(spec), rq->query,
	    query, e);

	if (!err)
		err = begin(&v, app, rq, e);
	if (err)
		return err;
	m = v.model.model;
	o = web_place_page(app, rq, &v.place, &page_prices,
	    arena_printf(rq->arena, "Prices of %" PRI_STR, STR_ARG(m->name)));
	view_second(o, "as_of", v.m.now_ms);
	tval_set_text(o, "list_href",
	    web_place_href(app, rq->arena, &v.place, "prices", 0, NULL));
	tval_set_text(o, "model_href",
	    m->archived_at_ms ? S("")
			      : web_place_href(app, rq->arena, &v.place,
				    "models", m->model_id, NULL));
	tval_set_text(o, "new_href", model_href(&v, "new"));
	tval_set_bool(o, "may_add", !m->archived_at_ms);
	tval_set_bool(o, "has_long", m->long_context_threshold_tok >= 0);
	view_count(o, "long_from",
	    m->long_context_threshold_tok > 0
		? (uint64_t)m->long_context_threshold_tok
		: 0);
	err = add_versions(o, &v, e);
	manager_end(app, &v.m);
	return err ? err : web_page_send(app, rq, rs, 200, &page_prices, o, e);
}

/* ---- a new version ---- */

/* clang-format off */
#define PRICE(n, l, h) { .name = "prices/" n, .label = l, .control = FORM_NUMBER, .flags = FORM_SMALL, .hint = h }
static const struct form_field fields[] = {
	{ .name = "effective_from", .label = "Holds from (UTC)", .control = FORM_TIME,
	  .hint = "Empty: from now on. Requests that are under way keep the price they began with." },
	{ .name = "prices/input", .label = "Input", .control = FORM_NUMBER, .flags = FORM_NEEDED | FORM_SMALL,
	  .legend = "USD a million tokens", .hint = "Such as 0.15; 0 is free." },
	{ .name = "prices/cached_input", .label = "Input from the cache", .control = FORM_NUMBER, .flags = FORM_SMALL,
	  .hint = "Empty: as input." },
	PRICE("cache_write", "Written to the cache", "Empty: as input."),
	{ .name = "prices/output", .label = "Output", .control = FORM_NUMBER, .flags = FORM_NEEDED | FORM_SMALL },
	{ .name = "prices/reasoning", .label = "Reasoning", .control = FORM_NUMBER, .flags = FORM_SMALL,
	  .hint = "Empty: as output." },
	PRICE("audio_input", "Audio input", "Empty: as input."),
	PRICE("audio_output", "Audio output", "Empty: as output."),
	PRICE("image_output", "Image output", "Empty: as output."),
	{ .name = "prices/long_input", .label = "Input", .control = FORM_NUMBER, .flags = FORM_SMALL | FORM_FOLD,
	  .legend = "USD a million tokens, of long contexts", .hint = "Empty: as normal." },
	PRICE("long_cached_input", "Input from the cache", NULL),
	PRICE("long_cache_write", "Written to the cache", NULL),
	PRICE("long_output", "Output", NULL),
	PRICE("long_reasoning", "Reasoning", NULL),
	PRICE("long_audio_input", "Audio input", NULL),
	PRICE("long_audio_output", "Audio output", NULL),
	PRICE("long_image_output", "Image output", NULL),
	{ .name = "prices/request", .label = "USD for each request", .control = FORM_NUMBER, .legend = "Besides",
	  .hint = "Owed by each request that used a token." },
	{ .name = "note", .label = "Note", .control = FORM_TEXT,
	  .hint = "Where it comes from, and of when." },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(fields) <= FORM_FIELD_MAX, "fields of a price");

static void
clear_field(struct web_form *f, const char *price)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (strncmp(f->fields[i].name, "prices/", 7) == 0 &&
		    strcmp(f->fields[i].name + 7, price) == 0)
			f->text[i] = S("");
}

/* Prices that would follow from the others anyhow are not said, so that they
 * follow those when they change. */
static void
clear_implied(struct web_form *f, const struct price *p)
{
	bool has_long = memcmp(p->tok_pusd[TOK_LONG], p->tok_pusd[TOK_NORMAL],
			    sizeof(p->tok_pusd[TOK_LONG])) != 0;

	for (size_t c = 0; c < TOK_CLASS__MAX; c++) {
		enum tok_class base = price_classes[c].otherwise;

		if (!has_long)
			clear_field(f, price_classes[c].names[TOK_LONG]);
		if (base != c &&
		    p->tok_pusd[TOK_NORMAL][c] == p->tok_pusd[TOK_NORMAL][base])
			clear_field(f, price_classes[c].names[TOK_NORMAL]);
	}
}

/* The prices that hold now, to begin with. */
static enum err
fill_form(struct visit *v, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct json_out j;
	struct str json;
	struct buf b;
	enum err err = web_form_init(&v->form, fields, ARRAY_LEN(fields), true,
	    a, e);

	if (err || !v->model.price)
		return err;
	buf_init(&b, a, ROW_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	price_body_write(&j, v->model.price);
	json_out_object_end(&j);
	err = buf_finish(&b, &json, e);
	if (!err)
		err = web_form_fill(&v->form, json, a, e);
	if (!err)
		clear_implied(&v->form, v->model.price);
	return err;
}

static enum err
show_form(const struct visit *v, struct response *rs,
    const struct error *refused, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct str name = v->model.model->name;
	const struct web_form_page p = {
		.title = arena_printf(a, "New prices of %" PRI_STR,
		    STR_ARG(name)),
		.list_name = arena_printf(a, "Prices of %" PRI_STR,
		    STR_ARG(name)),
		.list_href = model_href(v, NULL),
		.intro = S("A version is never changed: a newer one takes its "
			   "place. Every request keeps the version that it "
			   "was charged by."),
		.action_href = model_href(v, NULL),
	};

	return web_form_page_send(v->app, v->rq, rs, &v->place, &p, &v->form,
	    refused, e);
}

enum err
web_price_new(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, e);

	if (err)
		return err;
	err = fill_form(&v, e);
	if (!err)
		err = show_form(&v, rs, NULL, e);
	manager_end(app, &v.m);
	return err;
}

static enum err
create(struct visit *v, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct str body, more = arena_printf(a, "\"model_id\":%llu",
			     (unsigned long long)v->model.model->model_id);
	struct price p;
	enum err err = web_form_init(&v->form, fields, ARRAY_LEN(fields), true,
	    a, e);

	if (!err)
		err = web_form_read(&v->form, v->rq->body, a, e);
	if (!err)
		err = web_form_body(&v->form, NULL, more, a, &body, e);
	if (!err)
		err = price_body_version(body, a, &p, e);
	return err ? err : price_set(v->m.db, v->m.map, &v->m.audit, &p, a, e);
}

static enum err
redirect(const struct visit *v, struct response *rs, struct error *e)
{
	struct str path = model_href(v, NULL);

	return web_page_redirect(rs,
	    arena_printf(v->rq->arena, "%" PRI_STR "?done=price_made",
		STR_ARG(path)),
	    e);
}

enum err
web_price_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct error refused;
	struct visit v;
	enum err err = begin(&v, app, rq, e);

	if (err)
		return err;
	err = create(&v, e);
	if (!err) {
		err = redirect(&v, rs, e);
	} else if (web_form_says(err)) {
		refused = *e;
		error_clear(e);
		err = show_form(&v, rs, &refused, e);
	}
	manager_end(app, &v.m);
	return err;
}
