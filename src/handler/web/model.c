/* SPDX-License-Identifier: MIT */
/* The models that are served, with what they cost this customer now. */
#include "domain/budget_quote.h"
#include "domain/catalogue.h"
#include "domain/price.h"
#include "handler/web/find.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/price_view.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "http/url.h"
#include "store/key.h"

#define PER_PAGE       15 /* what a page of 60 KB has room for */
#define HREF_BYTES_MAX KIB(4)

enum {
	Q_AFTER,
	Q_FIND,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { .name = "after", .type = PARAM_U64, .max = INT64_MAX },
	[Q_FIND] = { .name = "find",
	    .type = PARAM_TEXT,
	    .max = WEB_FIND_BYTES },
};

/* clang-format off */
static const struct tmpl_key model_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "has_models", TVAL_BOOL },
	{ "models", TVAL_LIST },
	{ "models.name", TVAL_TEXT },
	{ "models.name_id", TVAL_TEXT },
	{ "models.description", TVAL_TEXT },
	{ "models.is_free", TVAL_BOOL },
	{ "models.context", TVAL_TEXT },
	{ "models.output_max", TVAL_TEXT },
	{ "models.has_long", TVAL_BOOL },
	{ "models.long_from", TVAL_TEXT },
	WEB_PRICE_KEYS("models"),
	VIEW_DAY_KEYS("models.since"),
	{ "models.keys", TVAL_TEXT }, { "models.keys_href", TVAL_TEXT },
	{ "newest_keys", TVAL_TEXT },
	{ "has_more", TVAL_BOOL }, { "more_href", TVAL_TEXT },
	WEB_FIND_KEYS,
};
/* clang-format on */
const struct tmpl_page page_model_list = PAGE("dashboard/model", model_keys);

static struct str
tokens_text(struct arena *a, int64_t n)
{
	struct str count = view_count_text(a, n > 0 ? (uint64_t)n : 0);

	return n > 0 ? arena_printf(a, "%" PRI_STR " tokens", STR_ARG(count))
		     : S("");
}

struct visit {
	const struct app *app;
	const struct request *rq;
	struct web_place place;
	struct key_uses uses;
	struct str find; /* in their names; n == 0: all */
	int64_t now_ms;
};

/* How many keys may use it. */
static struct str
keys_text(struct arena *a, const struct key_uses *uses, uint64_t model_id)
{
	uint64_t n = uses->n_all;

	for (size_t i = 0; i < uses->n_models; i++)
		if (uses->models[i].model_id == model_id)
			n += uses->models[i].n_keys;
	if (n == 0)
		return S("No active key may use it");
	if (n < uses->n_active)
		return arena_printf(a,
		    "%" PRI_STR " of %" PRI_STR " active keys may use it",
		    STR_ARG(view_count_text(a, n)),
		    STR_ARG(view_count_text(a, uses->n_active)));
	return n == 1
		   ? S("The one active key may use it")
		   : arena_printf(a, "All %" PRI_STR " active keys may use it",
			 STR_ARG(view_count_text(a, n)));
}

static struct str
keys_href(struct arena *a, const struct visit *v, uint64_t model_id)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, v->app, &v->place, "keys");
	url_arg(&u, "state", S("active"));
	url_arg_u64(&u, "model_id", model_id);
	return buf_str(&b);
}

static enum err
add_model(struct tval *list, const struct visit *v,
    const struct catalogue_model *m, const struct price *p, struct error *e)
{
	struct tval *o = tval_push_object(list);
	const struct model *row = &m->row;

	if (!o)
		return OK;
	tval_set_text(o, "name", row->name);
	tval_set_textf(o, "name_id", "model-%llu",
	    (unsigned long long)row->model_id);
	tval_set_text(o, "description", row->description);
	tval_set_bool(o, "is_free",
	    budget_price_is_free(p, v->place.customer.markup_ppm));
	tval_set_text(o, "context", tokens_text(o->a, row->context_length));
	tval_set_text(o, "output_max", tokens_text(o->a, row->max_output_tok));
	tval_set_bool(o, "has_long", row->long_context_threshold_tok >= 0);
	view_count(o, "long_from",
	    row->long_context_threshold_tok >= 0
		? (uint64_t)row->long_context_threshold_tok
		: 0);
	view_day(o, "since", p->effective_from_ms);
	tval_set_text(o, "keys", keys_text(o->a, &v->uses, row->model_id));
	tval_set_text(o, "keys_href", keys_href(o->a, v, row->model_id));
	return web_price_view(o, p, v->place.customer.markup_ppm, false, e);
}

static void
add_more(struct tval *o, const struct visit *v, uint64_t after)
{
	struct buf b;
	struct url u;

	tval_set_bool(o, "has_more", after != 0);
	if (!o)
		return;
	buf_init(&b, o->a, HREF_BYTES_MAX);
	web_place_url(&u, &b, v->app, &v->place, "models");
	if (v->find.n)
		url_arg(&u, "find", v->find);
	url_arg_u64(&u, "after", after);
	tval_set_text(o, "more_href", buf_str(&b));
}

/* Those behind an id, up to a page of them. */
static enum err
add_models(struct tval *o, const struct visit *v, uint64_t after,
    struct error *e)
{
	const struct catalogue *c = v->app->catalogue;
	struct tval *list = tval_set_list(o, "models");
	uint64_t last = 0;
	size_t n = 0;
	enum err err = OK;

	for (size_t i = 0; !err && n <= PER_PAGE && i < c->n_models; i++) {
		const struct catalogue_model *m = &c->models[i];
		const struct price *p = catalogue_price_at(m, v->now_ms);

		if (!catalogue_model_is_served(m) || !p ||
		    m->row.model_id <= after ||
		    !web_find_fits(m->row.name, v->find))
			continue;
		if (n++ == PER_PAGE)
			break;
		last = m->row.model_id;
		err = add_model(list, v, m, p, e);
	}
	tval_set_bool(o, "has_models", n > 0);
	web_find_add(o, n || v->find.n ? WEB_FIND_MODEL : NULL, v->find,
	    web_place_href(v->app, v->rq->arena, &v->place, "models", 0, NULL));
	add_more(o, v, n > PER_PAGE ? last : 0);
	return err;
}

enum err
web_model_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct visit v = { .app = app, .rq = rq };
	struct manager m;
	struct tval *o;
	struct param_value query[Q__N];
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);

	if (!err)
		err = web_place_begin(app, rq, &v.place, &m, e);
	if (err)
		return err;
	v.now_ms = m.now_ms;
	v.find = query[Q_FIND].text;
	err = store_key_uses(m.db, v.place.customer.customer_id, rq->arena,
	    &v.uses, e);
	manager_end(app, &m);
	if (err)
		return err;
	o = web_place_page(app, rq, &v.place, &page_model_list, S("Models"));
	view_time(o, "as_of", app->catalogue->loaded_ms);
	tval_set_text(o, "newest_keys",
	    v.uses.n_seen == KEY_USES_MAX
		? view_count_text(rq->arena, KEY_USES_MAX)
		: S(""));
	err = add_models(o, &v, query[Q_AFTER].u64, e);
	return err ? err
		   : web_page_send(app, rq, rs, 200, &page_model_list, o, e);
}
