/* SPDX-License-Identifier: MIT */
/* The models that are served, with what they cost this customer now. */
#include "domain/catalogue.h"
#include "domain/price.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/price_view.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"

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
};
/* clang-format on */
const struct tmpl_page page_model_list = PAGE("dashboard/model_list",
    model_keys);

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
	return web_price_view(o, p, markup_ppm, false, e);
}

/* Keys may be for some of them only; their pages say so. */
static enum err
add_models(struct tval *o, const struct app *app, int64_t now_ms,
    uint64_t markup_ppm, struct error *e)
{
	const struct catalogue *c = app->catalogue;
	struct tval *list = tval_set_list(o, "models");
	enum err err = OK;

	for (size_t i = 0; !err && i < c->n_models; i++) {
		const struct catalogue_model *m = &c->models[i];
		const struct price *p = catalogue_price_at(m, now_ms);

		if (m->row.is_enabled && m->n_deployments && p)
			err = add_model(list, m, p, markup_ppm, e);
	}
	tval_set_bool(o, "has_models", list && list->first);
	return err;
}

enum err
web_model_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct web_place place;
	struct manager m;
	struct tval *o;
	enum err err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	manager_end(app, &m);
	o = web_place_page(app, rq, &place, &page_model_list, S("Models"));
	view_time(o, "as_of", app->catalogue->loaded_ms);
	err = add_models(o, app, m.now_ms, place.customer.markup_ppm, e);
	return err ? err
		   : web_page_send(app, rq, rs, 200, &page_model_list, o, e);
}
