/* SPDX-License-Identifier: MIT */
/*
 * A price list that an operator pastes, or sends as a file: what it would
 * change, and then just that. The page of the comparison carries the list and a keyed digest of what
 * it shows; the list is compared again before anything is written, and must
 * come to the same.
 */
#include "domain/price_import.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/money.h"
#include "domain/hostmap.h"
#include "domain/price_list.h"
#include "ext/crypto.h"
#include "ext/json.h"
#include "handler/web/form.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/price_view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "store/generation.h"
#include "store/provider.h"

#define LIST_BYTES_MAX   MIB(2) /* stated on the page */
#define SOURCE_BYTES_MAX 100
#define PROVIDERS_MAX    200
#define ABSENT_NAMED_MAX 20 /* entries of models that are not here */
#define DIGEST_INPUT_MAX MIB(8)
#define JSON_DEPTH       2

enum {
	F_FILE,
	F_LIST,
	F_PROVIDER,
	F_FROM,
	F_SOURCE,
};
/* clang-format off */
static const struct form_field fields[] = {
	[F_FILE] = { .name = "file", .label = "The list, as a file", .control = FORM_FILE, .flags = FORM_ASIDE,
	  .hint = "JSON with LiteLLM's names: an object with a member for each model, whose members are USD per token, such as "
	          "input_cost_per_token. 2 MiB at most; a larger one by: tollgate price import" },
	[F_LIST] = { .name = "list", .label = "Or pasted here", .control = FORM_AREA, .flags = FORM_ASIDE },
	[F_PROVIDER] = { .name = "provider_id", .label = "Only models that are served by", .control = FORM_SELECT, .flags = FORM_NUMBERS },
	[F_FROM] = { .name = "effective_from", .label = "Prices hold from (UTC)", .control = FORM_TIME, .hint = "Empty: from now on." },
	[F_SOURCE] = { .name = "source", .label = "Where the list comes from", .control = FORM_TEXT,
	  .hint = "Stands in the note of each version." },
};
static const struct tmpl_key form_keys[] = {
	{ "list_href", TVAL_TEXT }, { "action_href", TVAL_TEXT }, FORM_KEYS("form"),
};
const struct tmpl_page page_price_import = PAGE("admin/price_import", form_keys);
static const struct tmpl_key plan_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "list_href", TVAL_TEXT }, { "back_href", TVAL_TEXT }, { "action_href", TVAL_TEXT },
	{ "message", TVAL_TEXT }, { "digest", TVAL_TEXT },
	{ "list", TVAL_TEXT }, { "provider_id", TVAL_TEXT }, { "effective_from", TVAL_TEXT }, { "source", TVAL_TEXT },
	{ "has_versions", TVAL_BOOL }, { "n_versions", TVAL_TEXT }, VIEW_TIME_KEYS("from"),
	{ "changes", TVAL_LIST }, { "changes.model", TVAL_TEXT }, { "changes.entry", TVAL_TEXT },
	{ "changes.is_new", TVAL_BOOL }, { "changes.warning", TVAL_TEXT },
	{ "changes.rows", TVAL_LIST }, { "changes.rows.what", TVAL_TEXT },
	{ "changes.rows.old", TVAL_TEXT }, { "changes.rows.new", TVAL_TEXT },
	{ "has_others", TVAL_BOOL }, { "others", TVAL_LIST }, { "others.model", TVAL_TEXT },
	{ "others.state", TVAL_TEXT }, { "others.why", TVAL_TEXT },
	{ "ignored", TVAL_LIST }, { "ignored.", TVAL_TEXT }, { "has_ignored", TVAL_BOOL },
	{ "absent", TVAL_TEXT }, { "n_absent", TVAL_TEXT },
};
/* clang-format on */
const struct tmpl_page page_price_plan = PAGE("admin/price_plan", plan_keys);

struct visit {
	struct app *app;
	const struct request *rq;
	struct web_place place;
	struct manager m;
	struct web_form form;
	struct str list; /* from the one field or the other */
	struct price_feed feed;
	struct price_import plan;
	int64_t from_ms; /* when its prices begin to hold; 0: now */
	char digest[2 * CRYPTO_DIGEST_BYTES + 1]; /* of the plan */
};

/* ---- the form ---- */

static enum err
begin_form(struct visit *v, struct error *e)
{
	static const struct provider_filter all = { 0 };
	struct arena *a = v->rq->arena;
	struct form_option *o;
	struct provider *p;
	size_t n;
	enum err err = web_form_init(&v->form, fields, ARRAY_LEN(fields), true,
	    a, e);

	if (!err)
		err = store_provider_page(v->m.db, &all, 0, PROVIDERS_MAX, a,
		    &p, &n, e);
	if (err)
		return err;
	o = arena_array(a, struct form_option, n + 1);
	if (!o)
		return error_arena(e, a);
	o[0] = (struct form_option){ S(""), S("any provider") };
	for (size_t i = 0; i < n; i++)
		o[i + 1] = (struct form_option){
			arena_printf(a, "%llu",
			    (unsigned long long)p[i].provider_id),
			p[i].name
		};
	web_form_set_options(&v->form, "provider_id", o, n + 1);
	return OK;
}

static enum err
begin(struct visit *v, struct app *app, const struct request *rq,
    struct error *e)
{
	enum err err;

	*v = (struct visit){ .app = app, .rq = rq };
	err = web_place_begin(app, rq, &v->place, &v->m, e);
	if (err)
		return err;
	err = begin_form(v, e);
	if (err)
		manager_end(app, &v->m);
	return err;
}

static struct str
href(const struct visit *v, const char *more)
{
	struct str base = web_place_href(v->app, v->rq->arena, &v->place,
	    "prices", 0, NULL);

	return arena_printf(v->rq->arena, "%" PRI_STR "%s", STR_ARG(base),
	    more);
}

static enum err
show_form(const struct visit *v, struct response *rs, int status,
    const struct error *refused, struct error *e)
{
	struct tval *o = web_place_page(v->app, v->rq, &v->place,
	    &page_price_import, S("Import a price list"));

	tval_set_text(o, "list_href", href(v, ""));
	tval_set_text(o, "action_href", href(v, "/import"));
	web_form_view(tval_set_object(o, "form"), &v->form, refused);
	return web_page_send(v->app, v->rq, rs, status, &page_price_import, o,
	    e);
}

/* ---- the comparison ---- */

static enum err
read_options(struct visit *v, struct price_import_options *ret, struct error *e)
{
	const struct json *body;
	struct str text;
	uint64_t id = 0;
	enum err err = web_form_body(&v->form, NULL, S(""), v->rq->arena, &text,
	    e);

	*ret = (struct price_import_options){ 0 };
	if (!err)
		err = json_parse_object(v->rq->arena, text, JSON_DEPTH, &body,
		    e);
	if (!err && json_has(body, "provider_id"))
		err = json_get_u64(body, "provider_id", 1, UINT32_MAX, &id, e);
	ret->provider_id = id;
	if (!err && json_has(body, "source"))
		err = json_get_str(body, "source", 1, SOURCE_BYTES_MAX,
		    &ret->source, e);
	if (!err && json_has(body, "effective_from"))
		err = json_get_str(body, "effective_from", 1, 64, &text, e);
	if (!err && json_has(body, "effective_from") &&
	    !clock_parse(text, &ret->from_ms))
		return error_public(e, ERR_BAD_PARAM, "effective_from",
		    "That is no time.");
	return err;
}

static void
add_version(struct buf *b, const struct price_import_model *m)
{
	buf_addf(b, "%llu %llu %lld %lld",
	    (unsigned long long)m->model.model_id,
	    (unsigned long long)m->old.price_version_id,
	    (long long)m->new.effective_from_ms,
	    (long long)m->new.request_pusd);
	for (size_t x = 0; x < TOK_CONTEXT__MAX; x++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++)
			buf_addf(b, " %lld", (long long)m->new.tok_pusd[x][c]);
	buf_add(b, m->new.note);
	buf_add_char(b, '\n');
}

static bool
is_version(const struct price_import_model *m)
{
	return m->state == PRICE_IMPORT_NEW || m->state == PRICE_IMPORT_CHANGED;
}

/* Of what would be written, and over what. */
static enum err
digest(struct visit *v, struct error *e)
{
	uint8_t bytes[CRYPTO_DIGEST_BYTES];
	struct str text;
	struct buf b;
	enum err err;

	buf_init(&b, v->rq->arena, DIGEST_INPUT_MAX);
	buf_add(&b, S("price import\n"));
	for (size_t i = 0; i < v->plan.n; i++)
		if (is_version(&v->plan.models[i]))
			add_version(&b, &v->plan.models[i]);
	err = buf_finish(&b, &text, e);
	if (err)
		return err;
	crypto_digest(v->app->shared->pepper, text.p, text.n, bytes);
	hex_encode(bytes, sizeof(bytes), v->digest);
	return OK;
}

static enum err
read_form(struct visit *v, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct form pairs;
	enum err err = form_init_body(&pairs, a,
	    request_header(v->rq, "content-type"), v->rq->body, e);

	return err ? err : web_form_read_pairs(&v->form, &pairs, a, e);
}

/* The one that was sent, and which field it came by. */
static enum err
read_list(struct visit *v, const char **ret_field, struct error *e)
{
	struct str file = v->form.text[F_FILE];
	struct str pasted = v->form.text[F_LIST];

	/* Some editors begin a file of text with this mark. */
	if (str_starts(file, S("\xef\xbb\xbf")))
		file = str_skip(file, 3);
	if (file.n && pasted.n)
		return error_public(e, ERR_BAD_PARAM, "file",
		    "Choose a file or paste the list, not both.");
	if (!file.n && !pasted.n)
		return error_public(e, ERR_BAD_PARAM, "file",
		    "Choose a file that is not empty, or paste the list.");
	*ret_field = fields[file.n ? F_FILE : F_LIST].name;
	v->list = file.n ? file : pasted;
	/* Which the page of the comparison can't know any more. */
	if (!v->form.text[F_SOURCE].n)
		v->form.text[F_SOURCE] = file.n ? S("list in a file")
						: S("pasted list");
	if (v->list.n > LIST_BYTES_MAX)
		return error_public(e, ERR_BAD_PARAM, *ret_field,
		    "The list is larger than 2 MiB. Leave out models that are "
		    "not here, or use tollgate price import.");
	return OK;
}

static enum err
plan(struct visit *v, struct error *e)
{
	struct price_import_options opt;
	struct arena *a = v->rq->arena;
	const char *field = NULL;
	enum err err = read_form(v, e);
	struct str typed = v->form.text[F_SOURCE];

	if (!err)
		err = read_list(v, &field, e);
	if (!err)
		err = read_options(v, &opt, e);
	if (!err)
		v->from_ms = opt.from_ms;
	if (!err)
		err = price_feed_read(v->list, a, &v->feed, e);
	if (err == ERR_BAD_JSON)
		err = error_public(e, ERR_BAD_PARAM, field,
		    "That is no JSON object as LiteLLM's price list is.");
	if (!err)
		err = price_import_plan(v->m.db, &v->feed, &opt, a, &v->plan,
		    e);
	if (!err)
		err = digest(v, e);
	/* The list may come the other way next time. */
	if (err)
		v->form.text[F_SOURCE] = typed;
	return err;
}

/* ---- how it reads ---- */

/* USD for a million tokens. */
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
add_row(struct tval *rows, struct str what, struct str old, struct str new)
{
	struct tval *row = tval_push_object(rows);

	tval_set_text(row, "what", what);
	tval_set_text(row, "old", old);
	tval_set_text(row, "new", new);
}

/* What changes; of a model that has no price yet, what says something. */
static bool
is_shown(const struct price_import_model *m, size_t x, size_t c)
{
	if (m->state == PRICE_IMPORT_CHANGED)
		return m->old.tok_pusd[x][c] != m->new.tok_pusd[x][c];
	return x == TOK_NORMAL ||
	       m->new.tok_pusd[TOK_NORMAL][c] != m->new.tok_pusd[x][c];
}

static void
add_change(struct tval *list, const struct price_import_model *m)
{
	struct tval *o = tval_push_object(list);
	struct tval *rows = tval_set_list(o, "rows");
	bool is_new = m->state == PRICE_IMPORT_NEW;

	if (!rows)
		return; /* which the arena remembers */
	tval_set_text(o, "model", m->model.name);
	tval_set_text(o, "entry", m->entry->name);
	tval_set_bool(o, "is_new", is_new);
	tval_set_text(o, "warning",
	    m->is_threshold_off
		? arena_printf(o->a,
		      "Its long-context prices are for prompts of more than "
		      "%lld tokens: set that threshold in the model.",
		      (long long)m->entry->long_threshold_tok)
		: S(""));
	for (size_t x = 0; x < TOK_CONTEXT__MAX; x++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++)
			if (is_shown(m, x, c))
				add_row(rows,
				    arena_printf(o->a, "%s%s",
					web_price_classes[c],
					x == TOK_LONG ? ", long context" : ""),
				    is_new ? S("–")
					   : million_text(o->a,
						 m->old.tok_pusd[x][c]),
				    million_text(o->a, m->new.tok_pusd[x][c]));
	if (m->old.request_pusd != m->new.request_pusd)
		add_row(rows, S("A request"),
		    is_new ? S("–")
			   : view_money_text(o->a, m->old.request_pusd),
		    view_money_text(o->a, m->new.request_pusd));
}

static void
add_models(struct tval *o, const struct price_import *p)
{
	struct tval *changes = tval_set_list(o, "changes");
	struct tval *others = tval_set_list(o, "others");
	struct tval *ignored = tval_set_list(o, "ignored");

	for (size_t i = 0; ignored && i < p->n; i++) {
		const struct price_import_model *m = &p->models[i];
		struct tval *row;

		if (is_version(m)) {
			add_change(changes, m);
		} else {
			row = tval_push_object(others);
			tval_set_text(row, "model", m->model.name);
			tval_set_text(row, "state",
			    str_from(price_import_states[m->state]));
			tval_set_text(row, "why", m->why.p ? m->why : S(""));
		}
		for (size_t k = 0; m->entry && k < m->entry->n_ignored &&
				   k < PRICE_FEED_IGNORED_MAX;
		     k++)
			tval_push_text(ignored,
			    arena_printf(o->a, "%" PRI_STR ": %" PRI_STR,
				STR_ARG(m->entry->name),
				STR_ARG(m->entry->ignored[k])));
	}
	tval_set_bool(o, "has_others", others && others->first);
	tval_set_bool(o, "has_ignored", ignored && ignored->first);
}

/* A list has thousands of models that are not here. */
static void
add_absent(struct tval *o, const struct price_feed *feed)
{
	struct buf b;
	size_t n = 0;

	if (!o)
		return;
	buf_init(&b, o->a, KIB(64));
	for (size_t i = 0; i < feed->n; i++) {
		if (feed->entries[i].is_used)
			continue;
		if (n < ABSENT_NAMED_MAX && feed->entries[i].name.n < KIB(1)) {
			buf_add(&b, n ? S(", ") : S(""));
			buf_add(&b, feed->entries[i].name);
		}
		n++;
	}
	if (n > ABSENT_NAMED_MAX)
		buf_add(&b, S(" …"));
	tval_set_text(o, "absent", buf_str(&b));
	tval_set_text(o, "n_absent", n ? view_count_text(o->a, n) : S(""));
}

/* @message  above it; or "" */
static enum err
show_plan(const struct visit *v, struct response *rs, int status,
    struct str message, struct error *e)
{
	struct tval *o = web_place_page(v->app, v->rq, &v->place,
	    &page_price_plan, S("What the list changes"));

	tval_set_text(o, "list_href", href(v, ""));
	tval_set_text(o, "back_href", href(v, "/import"));
	tval_set_text(o, "action_href", href(v, "/import/apply"));
	tval_set_text(o, "message", message);
	tval_set_text(o, "digest",
	    arena_strdup(v->rq->arena, str_from(v->digest)));
	tval_set_text(o, "list", v->list);
	for (size_t i = F_PROVIDER; i < ARRAY_LEN(fields); i++)
		tval_set_text(o, fields[i].name, v->form.text[i]);
	view_second(o, "as_of", clock_now_ms());
	tval_set_bool(o, "has_versions", v->plan.n_versions > 0);
	view_count(o, "n_versions", v->plan.n_versions);
	view_time(o, "from", v->from_ms);
	add_models(o, &v->plan);
	add_absent(o, &v->feed);
	return web_page_send(v->app, v->rq, rs, status, &page_price_plan, o, e);
}

static enum err
show_refused(const struct visit *v, struct response *rs, struct error *e)
{
	struct error refused = *e;

	error_clear(e);
	return show_form(v, rs, err_info(refused.code)->http_status, &refused,
	    e);
}

enum err
web_price_import_form(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct visit v;
	enum err err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);

	if (!err)
		err = begin(&v, app, rq, e);
	if (err)
		return err;
	err = show_form(&v, rs, 200, NULL, e);
	manager_end(app, &v.m);
	return err;
}

enum err
web_price_import_plan(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, e);

	if (err)
		return err;
	err = plan(&v, e);
	if (!err)
		err = show_plan(&v, rs, 200, S(""), e);
	else if (web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}

static enum err
apply(struct visit *v, struct response *rs, struct error *e)
{
	enum err err;

	if (!str_eq(v->form.etag, str_from(v->digest)))
		return show_plan(v, rs, 409,
		    S("Nothing was changed: prices or models are not what they "
		      "were when this was compared. This is what the list "
		      "changes now."),
		    e);
	err = price_import_apply(v->m.db, &v->m.audit, &v->plan, v->rq->arena,
	    e);
	if (err)
		return err;
	if (v->m.map)
		hostmap_slot_bump(v->m.map, GENERATION_CATALOGUE);
	return web_place_redirect(v->app, v->rq, rs, &v->place, "prices",
	    "prices_imported", e);
}

enum err
web_price_import_apply(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, e);

	if (err)
		return err;
	err = plan(&v, e);
	if (!err)
		err = apply(&v, rs, e);
	if (err && web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}
