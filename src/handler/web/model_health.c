/* SPDX-License-Identifier: MIT */
/* The operator's list of models: where each is served, what it costs, how it
 * has fared. */
#include "domain/model_health.h"

#include "base/money.h"
#include "domain/model_server.h"
#include "domain/price.h"
#include "handler/model_write.h"
#include "handler/web/find.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "http/url.h"

#define PER_PAGE      50 /* each with a few look-ups of its own */
#define SERVER_MS     20 /* a server of this host answers in less than one */
#define MILLION       1000000
#define BASIS_POINTS  10000
#define HUNDREDTHS    100
#define UNIX_SCHEME_N 5

/* clang-format off */
static const struct tmpl_key models_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "new_href", TVAL_TEXT }, { "import_href", TVAL_TEXT },
	{ "has_models", TVAL_BOOL },
	{ "models", TVAL_LIST }, { "models.name", TVAL_TEXT },
	{ "models.edit_href", TVAL_TEXT }, { "models.price_href", TVAL_TEXT },
	{ "models.state", TVAL_TEXT }, { "models.is_on", TVAL_BOOL },
	{ "models.notice", TVAL_TEXT }, { "models.provider", TVAL_TEXT },
	{ "models.kind", TVAL_TEXT }, { "models.context", TVAL_TEXT },
	{ "models.has_price", TVAL_BOOL },
	VIEW_MONEY_KEYS("models.price_in"), VIEW_MONEY_KEYS("models.price_out"),
	{ "models.rate_day", TVAL_TEXT }, { "models.rate_week", TVAL_TEXT },
	VIEW_TIME_KEYS("models.ok_at"), VIEW_TIME_KEYS("models.failure_at"),
	{ "models.error_code", TVAL_TEXT },
	{ "has_more", TVAL_BOOL }, { "more_href", TVAL_TEXT },
	WEB_FIND_KEYS,
};
/* clang-format on */
const struct tmpl_page page_model_health = PAGE("admin/model_health",
    models_keys);

enum {
	Q_AFTER,
	Q_FIND,
	Q_DONE,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { .name = "after", .type = PARAM_U64, .max = INT64_MAX },
	[Q_FIND] = { .name = "find",
	    .type = PARAM_TEXT,
	    .max = WEB_FIND_BYTES },
	[Q_DONE] = WEB_DONE_PARAM,
};

/* "0.25%"; "–" of no requests; down to hundredths, and never 0 for what is not. */
static struct str
rate_text(struct arena *a, uint64_t failed, uint64_t requests)
{
	uint64_t parts;

	if (requests == 0)
		return S("–");
	/* So many requests that this wraps would take ages. */
	parts = failed * BASIS_POINTS / requests;
	if (failed && !parts)
		return S("<0.01%");
	if (!failed)
		return S("0%");
	return arena_printf(a, "%llu.%02llu%%",
	    (unsigned long long)(parts / HUNDREDTHS),
	    (unsigned long long)(parts % HUNDREDTHS));
}

static void
set_last(struct tval *o, const char *at, const struct model_health_last *l)
{
	if (!l->last.time_ms)
		view_time_word(o, at, S("–"));
	else if (l->is_day)
		view_time_day(o, at, l->last.time_ms);
	else
		view_time(o, at, l->last.time_ms);
}

static void
set_health(struct tval *o, const struct model_health *h)
{
	static const char *const keys[MODEL_HEALTH__N] = { "rate_day",
		"rate_week" };
	const struct model_last *f = &h->failure.last;

	for (int i = 0; o && i < MODEL_HEALTH__N; i++)
		tval_set_text(o, keys[i],
		    rate_text(o->a, h->failed[i], h->requests[i]));
	set_last(o, "ok_at", &h->ok);
	set_last(o, "failure_at", &h->failure);
	tval_set_text(o, "error_code",
	    !f->time_ms || h->failure.is_day ? S("")
	    : f->error_code.n                ? f->error_code
			      : str_from(usage_status_names[f->status]));
}

/* Prices of a million tokens. */
static enum err
set_price(struct tval *o, const struct price *p, struct error *e)
{
	static const struct price none;
	int64_t in = 0, out = 0;
	enum err err;

	tval_set_bool(o, "has_price", p != NULL);
	if (!p)
		p = &none;
	err = money_mul_tok(p->tok_pusd[TOK_NORMAL][TOK_IN], MILLION, &in, e);
	if (!err)
		err = money_mul_tok(p->tok_pusd[TOK_NORMAL][TOK_OUT], MILLION,
		    &out, e);
	view_money(o, "price_in", in);
	view_money(o, "price_out", out);
	return err;
}

/* Of a local model that nothing else keeps from being served. */
static bool
is_server_silent(const struct model_view *v, struct arena *a)
{
	struct str url = v->provider ? v->provider->base_url : S("");
	const char *path;

	if (!v->model->is_enabled || !v->deployment ||
	    !v->deployment->model_path.p || !str_starts(url, S("unix:")))
		return false;
	path = arena_cstr(a, str_skip(url, UNIX_SCHEME_N));
	return path && !model_server_is_healthy(path, SERVER_MS);
}

static void
set_state(struct tval *o, const struct app *app, const struct model_view *v)
{
	struct str notice, state = S("Served");

	if (!o)
		return;
	notice = model_notice(app, v, o->a);
	if (!v->model->is_enabled)
		state = S("Off");
	else if (!v->deployment || !v->provider)
		state = S("Served nowhere");
	else if (!v->price) {
		state = S("No price");
		notice = S("Not served until it has one.");
	} else if (!v->provider->is_enabled)
		state = S("Provider off");
	else if (notice.p)
		state = S("Down");
	else if (is_server_silent(v, o->a)) {
		state = S("No answer");
		notice = S("Its model server does not answer. It may be "
			   "loading the weights; otherwise its log says why.");
	}
	tval_set_text(o, "state", state);
	tval_set_bool(o, "is_on", str_eq(state, S("Served")));
	tval_set_text(o, "notice", notice.p ? notice : S(""));
}

static enum err
add_model(struct tval *list, const struct app *app,
    const struct web_place *place, const struct model_view *v,
    const struct model_health *h, struct error *e)
{
	struct tval *o = tval_push_object(list);
	const struct model *m = v->model;

	if (!o)
		return OK; /* which the arena remembers */
	tval_set_text(o, "name", m->name);
	tval_set_text(o, "edit_href",
	    web_place_href(app, o->a, place, "models", m->model_id, NULL));
	tval_set_text(o, "price_href",
	    web_place_href(app, o->a, place, "prices", m->model_id, NULL));
	set_state(o, app, v);
	tval_set_text(o, "provider", v->provider ? v->provider->name : S("–"));
	tval_set_text(o, "kind",
	    v->provider ? str_from(provider_kind_names[v->provider->kind])
			: S("–"));
	tval_set_text(o, "context",
	    m->context_length > 0
		? view_count_text(o->a, (uint64_t)m->context_length)
		: S(""));
	set_health(o, h);
	return set_price(o, v->price, e);
}

/* The models of this page, and how they fared. */
struct shown {
	struct model_view *views;
	struct model_health *health;
	size_t n;
	bool has_more;
	struct str find; /* in their names; n == 0: all */
};

static enum err
load(const struct manager *m, const struct param_value *query, struct arena *a,
    struct shown *ret, struct error *e)
{
	size_t n = 0;
	enum err err = model_view_list(m->db, a, false, &ret->views, &n, e);

	ret->find = query[Q_FIND].text;
	for (size_t i = 0; !err && i < n && !ret->has_more; i++) {
		const struct model_view *v = &ret->views[i];

		if (v->model->model_id <= query[Q_AFTER].u64 ||
		    !web_find_fits(v->model->name, ret->find))
			continue;
		ret->has_more = ret->n == PER_PAGE;
		if (!ret->has_more)
			ret->views[ret->n++] = *v;
	}
	if (err || !ret->n)
		return err;
	ret->health = arena_array(a, struct model_health, ret->n);
	if (!ret->health)
		return error_arena(e, a);
	for (size_t i = 0; i < ret->n; i++)
		ret->health[i] = (struct model_health){
			.model_id = ret->views[i].model->model_id,
		};
	return model_health_load(m->db, m->now_ms, ret->health, ret->n, a, e);
}

static struct str
more_href(const struct app *app, struct arena *a, const struct web_place *place,
    const struct shown *s)
{
	struct buf b;
	struct url u;

	if (!s->has_more)
		return S("");
	buf_init(&b, a, KIB(2));
	web_place_url(&u, &b, app, place, "models");
	if (s->find.n)
		url_arg(&u, "find", s->find);
	url_arg_u64(&u, "after", s->views[s->n - 1].model->model_id);
	return buf_str(&b);
}

static enum err
show(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct shown *s, int64_t now_ms,
    struct response *rs, struct error *e)
{
	struct arena *a = rq->arena;
	struct tval *o = web_place_page(app, rq, place, &page_model_health,
	    S("Models"));
	struct tval *list = tval_set_list(o, "models");
	enum err err = OK;

	view_time(o, "as_of", now_ms);
	tval_set_text(o, "new_href",
	    web_place_href(app, a, place, "models", 0, "new"));
	tval_set_text(o, "import_href",
	    web_place_href(app, a, place, "prices", 0, "import"));
	for (size_t i = 0; !err && i < s->n; i++)
		err = add_model(list, app, place, &s->views[i], &s->health[i],
		    e);
	tval_set_bool(o, "has_models", s->n > 0);
	tval_set_bool(o, "has_more", s->has_more);
	tval_set_text(o, "more_href", more_href(app, a, place, s));
	web_find_add(o, s->n || s->find.n ? WEB_FIND_MODEL : NULL, s->find,
	    web_place_href(app, a, place, "models", 0, NULL));
	return err ? err
		   : web_page_send(app, rq, rs, 200, &page_model_health, o, e);
}

enum err
web_model_health(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value query[Q__N];
	struct shown s = { 0 };
	struct web_place place;
	struct manager m;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	err = load(&m, query, rq->arena, &s, e);
	manager_end(app, &m);
	return err ? err : show(app, rq, &place, &s, m.now_ms, rs, e);
}
