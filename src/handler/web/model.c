/* SPDX-License-Identifier: MIT */
/* The models that are served, with what they cost this customer now. */
#include "base/money.h"
#include "domain/catalogue.h"
#include "domain/price.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "http/url.h"

#define PER_PAGE       15 /* what a page of 60 KB has room for */
#define HREF_BYTES_MAX KIB(4)

enum {
	Q_AFTER,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { .name = "after", .type = PARAM_U64, .max = INT64_MAX },
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
	{ "models.prices", TVAL_LIST },
	{ "models.prices.what", TVAL_TEXT },
	{ "models.prices.normal", TVAL_TEXT },
	{ "models.prices.long", TVAL_TEXT },
	{ "models.has_request", TVAL_BOOL },
	VIEW_MONEY_KEYS("models.request"),
	VIEW_DAY_KEYS("models.since"),
	{ "has_more", TVAL_BOOL }, { "more_href", TVAL_TEXT },
};
/* clang-format on */
const struct tmpl_page page_model_list = PAGE("dashboard/model_list",
    model_keys);

static const char *const classes[TOK_CLASS__MAX] = {
	[TOK_IN] = "Input",
	[TOK_IN_CACHED] = "Input from the cache",
	[TOK_CACHE_WRITE] = "Input written to the cache",
	[TOK_IN_AUDIO] = "Audio input",
	[TOK_OUT] = "Output",
	[TOK_OUT_REASONING] = "Reasoning",
	[TOK_OUT_AUDIO] = "Audio output",
	[TOK_OUT_IMAGE] = "Image output",
};

/* Whether nothing of it costs anything: said by zeros, not by silence. */
static bool
is_free(const struct price *p)
{
	for (unsigned c = 0; c < TOK_CONTEXT__MAX; c++)
		for (unsigned k = 0; k < TOK_CLASS__MAX; k++)
			if (p->tok_pusd[c][k])
				return false;
	return p->request_pusd == 0;
}

/*
 * A million tokens times the markup in millionths: that is the price of one
 * token times the markup's number, exactly.
 */
static enum err
set_million(struct tval *o, const char *key, int64_t token_pusd,
    uint64_t markup_ppm, struct error *e)
{
	int64_t million_pusd;
	enum err err = money_mul_tok(token_pusd, markup_ppm, &million_pusd, e);

	if (!err && o)
		tval_set_text(o, key, view_money_text(o->a, million_pusd));
	return err;
}

/* Media that a model has no price for it doesn't have. */
static bool
is_shown(const struct price *p, unsigned class)
{
	bool is_media = class == TOK_IN_AUDIO || class == TOK_OUT_AUDIO ||
			class == TOK_OUT_IMAGE;

	return !is_media || p->tok_pusd[TOK_NORMAL][class] ||
	       p->tok_pusd[TOK_LONG][class];
}

static enum err
add_prices(struct tval *o, const struct price *p, uint64_t markup_ppm,
    struct error *e)
{
	struct tval *list = tval_set_list(o, "prices");
	int64_t request_pusd = 0;
	enum err err = OK;

	for (unsigned k = 0; !err && k < TOK_CLASS__MAX; k++) {
		struct tval *row;

		if (!is_shown(p, k))
			continue;
		row = tval_push_object(list);
		tval_set_text(row, "what", str_from(classes[k]));
		err = set_million(row, "normal", p->tok_pusd[TOK_NORMAL][k],
		    markup_ppm, e);
		if (!err)
			err = set_million(row, "long", p->tok_pusd[TOK_LONG][k],
			    markup_ppm, e);
	}
	if (!err)
		err = money_mul_ppm(p->request_pusd, markup_ppm, &request_pusd,
		    e);
	tval_set_bool(o, "has_request", request_pusd != 0);
	view_money(o, "request", request_pusd);
	return err;
}

static struct str
tokens_text(struct arena *a, int64_t n)
{
	struct str count = view_count_text(a, n > 0 ? (uint64_t)n : 0);

	return n > 0 ? arena_printf(a, "%" PRI_STR " tokens", STR_ARG(count))
		     : S("");
}

static enum err
add_model(struct tval *list, const struct catalogue_model *m,
    const struct price *p, uint64_t markup_ppm, struct error *e)
{
	struct tval *o = tval_push_object(list);
	const struct model *row = &m->row;

	if (!o)
		return OK;
	tval_set_text(o, "name", row->name);
	tval_set_textf(o, "name_id", "model-%llu",
	    (unsigned long long)row->model_id);
	tval_set_text(o, "description", row->description);
	tval_set_bool(o, "is_free", is_free(p));
	tval_set_text(o, "context", tokens_text(o->a, row->context_length));
	tval_set_text(o, "output_max", tokens_text(o->a, row->max_output_tok));
	tval_set_bool(o, "has_long", row->long_context_threshold_tok >= 0);
	view_count(o, "long_from",
	    row->long_context_threshold_tok >= 0
		? (uint64_t)row->long_context_threshold_tok
		: 0);
	view_day(o, "since", p->effective_from_ms);
	return add_prices(o, p, markup_ppm, e);
}

static void
add_more(struct tval *o, const struct app *app, const struct web_place *place,
    uint64_t after)
{
	struct buf b;
	struct url u;

	tval_set_bool(o, "has_more", after != 0);
	if (!o)
		return;
	buf_init(&b, o->a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, "models");
	url_arg_u64(&u, "after", after);
	tval_set_text(o, "more_href", buf_str(&b));
}

/* Those behind an id, up to a page of them. Keys may be for some of them
 * only; their pages say so. */
static enum err
add_models(struct tval *o, const struct app *app, const struct web_place *place,
    int64_t now_ms, uint64_t after, struct error *e)
{
	const struct catalogue *c = app->catalogue;
	struct tval *list = tval_set_list(o, "models");
	uint64_t last = 0;
	size_t n = 0;
	enum err err = OK;

	for (size_t i = 0; !err && n <= PER_PAGE && i < c->n_models; i++) {
		const struct catalogue_model *m = &c->models[i];
		const struct price *p = catalogue_price_at(m, now_ms);

		if (!m->row.is_enabled || !m->n_deployments || !p ||
		    m->row.model_id <= after)
			continue;
		if (n++ == PER_PAGE)
			break;
		last = m->row.model_id;
		err = add_model(list, m, p, place->customer.markup_ppm, e);
	}
	tval_set_bool(o, "has_models", list && list->first);
	add_more(o, app, place, n > PER_PAGE ? last : 0);
	return err;
}

enum err
web_model_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct web_place place;
	struct manager m;
	struct tval *o;
	struct param_value query[Q__N];
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	manager_end(app, &m);
	o = web_place_page(app, rq, &place, &page_model_list, S("Models"));
	view_time(o, "as_of", app->catalogue->loaded_ms);
	err = add_models(o, app, &place, m.now_ms, query[Q_AFTER].u64, e);
	return err ? err
		   : web_page_send(app, rq, rs, 200, &page_model_list, o, e);
}
