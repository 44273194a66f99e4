/* SPDX-License-Identifier: MIT */
/* The operator's page that asks a provider one question, for the password. */
#include "domain/provider_test.h"

#include "base/clock.h"
#include "handler/model_write.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/settings.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"

#define US_PER_MS 1000

/* clang-format off */
static const struct tmpl_key test_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "list_href", TVAL_TEXT }, { "list_name", TVAL_TEXT }, { "action_href", TVAL_TEXT },
	{ "message", TVAL_TEXT }, { "has_models", TVAL_BOOL },
	{ "models", TVAL_LIST }, { "models.id", TVAL_TEXT }, { "models.name", TVAL_TEXT }, { "models.is_on", TVAL_BOOL },
	{ "has_result", TVAL_BOOL }, { "is_good", TVAL_BOOL }, { "result", TVAL_TEXT },
	{ "status", TVAL_TEXT }, { "first_byte", TVAL_TEXT }, { "total", TVAL_TEXT },
	{ "words", TVAL_TEXT }, { "error_code", TVAL_TEXT },
	{ "has_usage", TVAL_BOOL }, { "in_tok", TVAL_TEXT }, { "out_tok", TVAL_TEXT },
	{ "has_cost", TVAL_BOOL }, VIEW_MONEY_KEYS("cost"),
};
/* clang-format on */
const struct tmpl_page page_provider_test = PAGE("admin/provider_test",
    test_keys);

enum {
	F_CSRF,
	F_MODEL,
	F_PASSWORD,
	F__N
};
static const struct param_spec field_spec[F__N] = {
	[F_CSRF] = { .name = "csrf",
	    .type = PARAM_ASCII,
	    .min = 1,
	    .max = 128 },
	[F_MODEL] = { .name = "model_id",
	    .type = PARAM_U64,
	    .min = 1,
	    .max = UINT32_MAX },
	[F_PASSWORD] = { .name = "current_password",
	    .type = PARAM_TEXT,
	    .max = WEB_PASSWORD_BYTES_MAX },
};

struct visit {
	struct app *app;
	const struct request *rq;
	struct web_place place;
	struct manager m;
	struct provider provider;
	struct model_view *models; /* those that are served there */
	size_t n_models;
	uint64_t model_id; /* which one was chosen; 0: none yet */
	struct str message;
	int status;
	struct provider_test test;
	bool has_result;
};

static enum err
load(struct visit *v, struct error *e)
{
	struct arena *a = v->rq->arena;
	uint64_t id = 0;
	size_t n = 0;
	enum err err = web_place_id(&v->place, v->rq, &id, e);

	if (!err)
		err = store_provider_by_id(v->m.db, id, a, &v->provider, e);
	if (!err && v->provider.archived_at_ms)
		return error_public(e, ERR_NOT_FOUND, "id",
		    "There is no such provider.");
	if (!err)
		err = model_view_list(v->m.db, a, false, &v->models, &n, e);
	for (size_t i = 0; !err && i < n; i++)
		if (v->models[i].provider &&
		    v->models[i].provider->provider_id == id)
			v->models[v->n_models++] = v->models[i];
	return err;
}

static enum err
begin(struct visit *v, struct app *app, const struct request *rq,
    struct error *e)
{
	enum err err;

	*v = (struct visit){ .app = app,
		.rq = rq,
		.message = S(""),
		.status = 200 };
	err = web_place_begin(app, rq, &v->place, &v->m, e);
	if (err)
		return err;
	err = load(v, e);
	if (err)
		manager_end(app, &v->m);
	return err;
}

static const struct model_view *
chosen(const struct visit *v)
{
	for (size_t i = 0; i < v->n_models; i++)
		if (v->models[i].model->model_id == v->model_id)
			return &v->models[i];
	return NULL;
}

/* ---- how it reads ---- */

static struct str
result_text(const struct provider_test *t)
{
	if (t->why)
		return str_from(err_info(t->why)->public_text);
	if (t->is_good)
		return S("It answers.");
	return t->status == 401 || t->status == 403
		   ? S("It refuses our credential.")
		   : S("It answered, but not with what was asked for.");
}

static void
add_result(struct tval *o, const struct visit *v)
{
	const struct provider_test *t = &v->test;

	tval_set_bool(o, "has_result", v->has_result);
	tval_set_bool(o, "is_good", t->is_good);
	tval_set_text(o, "result", v->has_result ? result_text(t) : S(""));
	tval_set_textf(o, "status", "%d", t->status);
	view_duration(o, "first_byte",
	    t->first_byte_us ? t->first_byte_us / US_PER_MS : -1);
	view_duration(o, "total", t->total_us ? t->total_us / US_PER_MS : -1);
	tval_set_text(o, "words", v->has_result ? t->words : S(""));
	tval_set_text(o, "error_code", v->has_result ? t->error_code : S(""));
	tval_set_bool(o, "has_usage", t->has_usage);
	view_count(o, "in_tok", t->in_tok);
	view_count(o, "out_tok", t->out_tok);
	tval_set_bool(o, "has_cost", t->has_cost);
	view_money(o, "cost", t->cost_pusd);
}

static enum err
show(const struct visit *v, struct response *rs, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct tval *o = web_place_page(v->app, v->rq, &v->place,
	    &page_provider_test,
	    arena_printf(a, "Test of %" PRI_STR, STR_ARG(v->provider.name)));
	struct tval *list = tval_set_list(o, "models");

	view_second(o, "as_of", clock_now_ms());
	tval_set_text(o, "list_name", v->provider.name);
	tval_set_text(o, "list_href",
	    web_place_href(v->app, a, &v->place, "providers",
		v->provider.provider_id, NULL));
	tval_set_text(o, "action_href",
	    web_place_href(v->app, a, &v->place, "providers",
		v->provider.provider_id, "test"));
	tval_set_text(o, "message", v->message);
	tval_set_bool(o, "has_models", v->n_models > 0);
	for (size_t i = 0; i < v->n_models; i++) {
		const struct model *m = v->models[i].model;
		struct tval *row = tval_push_object(list);

		tval_set_textf(row, "id", "%llu",
		    (unsigned long long)m->model_id);
		tval_set_text(row, "name", m->name);
		tval_set_bool(row, "is_on", m->model_id == v->model_id);
	}
	add_result(o, v);
	return web_page_send(v->app, v->rq, rs, v->status, &page_provider_test,
	    o, e);
}

enum err
web_provider_test_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct visit v;
	enum err err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);

	if (!err)
		err = begin(&v, app, rq, e);
	if (err)
		return err;
	manager_end(app, &v.m);
	return show(&v, rs, e);
}

/* ---- asking ---- */

/* Neither the password's check nor the provider keeps a connection waiting. */
static enum err
ask(struct visit *v, const struct model_view *m, struct error *e)
{
	const struct provider_test_ask ask = { &v->provider, m->model,
		m->deployment, m->price };
	struct arena *a = v->rq->arena;
	enum err err = provider_test_run(&ask, v->app->shared->seal,
	    v->app->conf, v->app->shared->httpc, a, &v->test, e);

	if (!err)
		err = manager_again(v->app, &v->m, e);
	if (err)
		return err;
	v->has_result = true;
	err = provider_test_audit(v->m.db, &v->m.audit, &ask, &v->test, a, e);
	manager_end(v->app, &v->m);
	return err;
}

static enum err
test(struct visit *v, struct str password, struct response *rs, struct error *e)
{
	const struct model_view *m = chosen(v);
	enum err err;

	if (!m)
		err = error_public(e, ERR_BAD_PARAM, "model_id",
		    "Choose a model that is served there.");
	else
		err = web_settings_confirm(v->app, v->rq, rs, password, e);
	if (!err)
		err = ask(v, m, e);
	if (err && !web_door_refused(v->rq, rs, 0, &v->message, &v->status, e))
		return err;
	return show(v, rs, e);
}

enum err
web_provider_test_run(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value field[F__N];
	struct visit v;
	enum err err = param_parse(rq->arena, field_spec, F__N, rq->body, field,
	    e);

	if (!err)
		err = begin(&v, app, rq, e);
	if (err)
		return err;
	manager_end(app, &v.m);
	v.model_id = field[F_MODEL].u64;
	return test(&v, field[F_PASSWORD].text, rs, e);
}
