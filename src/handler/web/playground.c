/* SPDX-License-Identifier: MIT */
/* The playground's page before anything is asked: a key and its models. */
#include "handler/web/playground.h"

#include "domain/catalogue.h"
#include "handler/web/web.h"
#include "http/param.h"

#define LIMIT_TOK_START "500" /* an answer's length that costs little */

/* clang-format off */
static const struct form_field fields[] = {
	{ .name = "key_id", .label = "API key", .control = FORM_HIDDEN, .flags = FORM_NUMBERS },
	{ .name = "model", .label = "Model", .control = FORM_SELECT, .flags = FORM_NEEDED },
	{ .name = "system", .label = "System prompt", .control = FORM_AREA,
	  .hint = "What the model shall be or keep to." },
	{ .name = "prompt", .label = "Prompt", .control = FORM_AREA, .flags = FORM_NEEDED },
	{ .name = "max_tokens", .label = "Max. tokens", .control = FORM_NUMBER, .flags = FORM_SMALL,
	  .hint = "Of the answer. Empty: what model and limits allow." },
	{ .name = "temperature", .label = "Temperature", .control = FORM_NUMBER, .flags = FORM_SMALL,
	  .hint = "Such as 0.7. Empty: the model's own." },
};
/* clang-format on */

enum {
	Q_KEY,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_KEY] = { .name = "key_id",
	    .type = PARAM_U64,
	    .min = 1,
	    .max = UINT32_MAX },
};

/* ---- a visit ---- */

enum err
playground_begin(struct playground *p, struct app *app,
    const struct request *rq, struct error *e)
{
	enum err err = web_key_begin(&p->v, app, rq, false, e);

	if (err)
		return err;
	err = web_form_init(&p->v.form, fields, ARRAY_LEN(fields), true,
	    rq->arena, e);
	if (err)
		web_key_end(&p->v);
	return err;
}

enum err
playground_choose(struct playground *p, uint64_t api_key_id, struct error *e)
{
	struct web_key *v = &p->v;
	enum err err = resource_load(&key_resource, &v->m, api_key_id,
	    v->rq->arena, &v->row, e);

	if (err)
		return err;
	v->id = api_key_id;
	if (web_key_may_change(v))
		return OK;
	return error_public(e, ERR_FORBIDDEN, NULL,
	    "This key is another member's: only owners may use it here.");
}

struct str
playground_obstacle(const struct playground *p)
{
	if (p->v.row.state != KEY_ACTIVE)
		return S("This key is not active. Choose another one, or "
			 "switch it on.");
	if (!(p->v.row.k.scopes & KEY_SCOPE_INFER))
		return S("This key may not send requests to models. Choose "
			 "another one, or allow it on the key's page.");
	return S("");
}

/* ---- what there is to choose from ---- */

static enum err
offer_keys(struct playground *p, struct error *e)
{
	const struct principal *who = p->v.app->who;
	bool sees_all = principal_is_operator(who) || principal_is_owner(who);
	const struct key_filter f = {
		.state = KEY_ACTIVE + 1,
		.scopes = KEY_SCOPE_INFER,
		.user_id = sees_all ? 0 : who->user_id,
	};
	struct arena *a = p->v.rq->arena;
	struct key *rows = NULL;
	uint64_t next;
	size_t n = 0;
	enum err err = store_key_first(p->v.m.db, p->v.m.tenant, &f,
	    PLAYGROUND_KEYS_MAX + 1, a, &rows, &n, &next, e);

	if (err)
		return err;
	p->keys = arena_array(a, struct form_option, n + 1);
	if (!p->keys)
		return error_arena(e, a);
	/* What the search didn't reach may have more. */
	p->has_more_keys = next != 0;
	for (size_t i = 0; i < n && i < PLAYGROUND_KEYS_MAX; i++)
		p->keys[p->n_keys++] = (struct form_option){
			arena_printf(a, "%llu",
			    (unsigned long long)rows[i].api_key_id),
			arena_printf(a, "%" PRI_STR ", %" PRI_STR,
			    STR_ARG(rows[i].name),
			    STR_ARG(web_key_text(a, rows[i].public_id))),
		};
	return OK;
}

static bool
is_served(const struct catalogue_model *m, int64_t now_ms)
{
	return catalogue_model_is_served(m) && catalogue_price_at(m, now_ms);
}

static enum err
offer_models(struct playground *p, struct error *e)
{
	const struct catalogue *c = p->v.app->catalogue;
	struct form_option *o = arena_array(p->v.rq->arena, struct form_option,
	    c->n_models + 1);
	size_t n = 0;

	if (!o)
		return error_arena(e, p->v.rq->arena);
	for (size_t i = 0; i < c->n_models; i++) {
		const struct model *row = &c->models[i].row;

		if (is_served(&c->models[i], p->v.m.now_ms) &&
		    web_key_may_use_model(&p->v, row->model_id))
			o[n++] = (struct form_option){ row->name, row->name };
	}
	web_form_set_options(&p->v.form, "model", o, n);
	return OK;
}

enum err
playground_offer(struct playground *p, struct error *e)
{
	enum err err = offer_keys(p, e);

	if (!err && p->v.id)
		err = offer_models(p, e);
	p->is_offered = !err;
	return err;
}

/* ---- the page ---- */

static void
set_text(struct web_form *f, const char *name, struct str text)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (str_eq(str_from(f->fields[i].name), str_from(name)))
			f->text[i] = text;
}

/* The key that the address names, else the first that is offered. */
static enum err
choose(struct playground *p, const struct param_value *wanted, struct error *e)
{
	uint64_t id = wanted->u64;
	enum err err = offer_keys(p, e);

	if (err || (!wanted->is_set && !p->n_keys))
		return err;
	if (!wanted->is_set &&
	    !str_to_u64(p->keys[0].value, 1, UINT32_MAX, &id))
		return error_set(e, ERR_CORRUPT, "an id of no number");
	err = playground_choose(p, id, e);
	if (err)
		return err;
	set_text(&p->v.form, "key_id",
	    arena_printf(p->v.rq->arena, "%llu", (unsigned long long)id));
	set_text(&p->v.form, "max_tokens", S(LIMIT_TOK_START));
	return offer_models(p, e);
}

enum err
web_playground_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value query[Q__N];
	struct playground p = { 0 };
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);

	if (!err)
		err = playground_begin(&p, app, rq, e);
	if (err)
		return err;
	err = choose(&p, &query[Q_KEY], e);
	web_key_end(&p.v);
	return err ? err : playground_page(&p, rs, 200, NULL, NULL, e);
}
