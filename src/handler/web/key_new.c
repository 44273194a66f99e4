/* SPDX-License-Identifier: MIT */
/*
 * The form of a new key, and the page that shows its secret: once. Whoever
 * loads that page again sends the form again; it carries what the key's
 * public id is made of, so that the key is found and not made once more (until
 * a rotation has given it another id).
 */
#include "base/hex.h"
#include "base/rng.h"
#include "base/secret.h"
#include "domain/budget_quote.h"
#include "domain/catalogue.h"
#include "domain/key.h"
#include "handler/key_make.h"
#include "handler/prompt.h"
#include "handler/web/key.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

#define TOKEN_BYTES 16

static const struct tmpl_key new_keys[] = {
	{ "list_href", TVAL_TEXT },
	{ "action_href", TVAL_TEXT },
	FORM_KEYS("form"),
};
const struct tmpl_page page_key_new = PAGE("dashboard/key_new", new_keys);

static const struct tmpl_key secret_keys[] = {
	{ "list_href", TVAL_TEXT },
	{ "key_href", TVAL_TEXT },
	{ "key_name", TVAL_TEXT },
	{ "was_made_before", TVAL_BOOL },
	{ "secret", TVAL_TEXT },
	{ "may_ask", TVAL_BOOL },
	{ "has_model", TVAL_BOOL },
	{ "model", TVAL_TEXT },
	{ "api_url", TVAL_TEXT },
};
const struct tmpl_page page_key_secret = PAGE("dashboard/key_secret",
    secret_keys);

/* ---- the form ---- */

static enum err
show_form(const struct web_key *v, struct response *rs, int status,
    const struct error *refused, struct error *e)
{
	struct tval *o = web_place_page(v->app, v->rq, &v->place, &page_key_new,
	    S("New API key"));

	tval_set_text(o, "list_href", web_key_href(v, 0, NULL));
	tval_set_text(o, "action_href", web_key_href(v, 0, NULL));
	web_form_view(tval_set_object(o, "form"), &v->form, refused);
	return web_page_send(v->app, v->rq, rs, status, &page_key_new, o, e);
}

static void
set_token(const struct web_key *v, struct web_form *f)
{
	uint8_t bytes[TOKEN_BYTES];
	char text[2 * TOKEN_BYTES + 1];

	rng_bytes(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), text);
	f->etag = arena_strdup(v->rq->arena, str_from(text));
}

enum err
web_key_new(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct web_key v;
	enum err err = web_key_begin(&v, app, rq, false, e);

	if (err)
		return err;
	err = web_key_form(&v, &v.form, e);
	web_key_end(&v);
	if (err)
		return err;
	web_form_set_text(&v.form, "scopes", S("infer"));
	web_form_set_text(&v.form, "user_id",
	    arena_printf(rq->arena, "%llu",
		(unsigned long long)app->who->user_id));
	set_token(&v, &v.form);
	return show_form(&v, rs, 200, NULL, e);
}

/* ---- making it ---- */

/* The public id of the key that this form makes, whoever sends it again. */
static enum err
wanted_id(const struct web_key *v, char ret[KEY_PUBLIC_ID_BYTES],
    struct error *e)
{
	uint8_t token[TOKEN_BYTES];
	struct str what;

	if (!hex_decode(v->form.etag, token, sizeof(token)))
		return error_public(e, ERR_BAD_REQUEST, NULL,
		    "The form is not complete. Open it again.");
	what = arena_printf(v->rq->arena, "key form:%llu:%llu:%" PRI_STR,
	    (unsigned long long)v->place.customer.customer_id,
	    (unsigned long long)v->app->who->user_id, STR_ARG(v->form.etag));
	if (!what.p)
		return error_arena(e, v->rq->arena);
	key_public_id_of(v->app->shared->pepper, what, ret);
	return OK;
}

/* ERR_NOT_FOUND: the form has made no key yet. */
static enum err
find_made(struct web_key *v, struct str public_id, struct error *e)
{
	enum err err = store_key_by_public_id(v->m.db, public_id, v->rq->arena,
	    &v->row.k, e);

	if (!err && v->row.k.customer_id != v->place.customer.customer_id)
		err = error_set(e, ERR_NOT_FOUND, "another customer's");
	if (!err)
		v->id = v->row.k.api_key_id;
	return err;
}

static enum err
read_form(struct web_key *v, struct key_make *k, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct str body, customer;
	enum err err = web_key_form(v, &v->form, e);

	if (!err)
		err = web_key_form_read(v, e);
	if (err)
		return err;
	customer = arena_printf(a, "\"customer_id\":%llu",
	    (unsigned long long)v->place.customer.customer_id);
	err = web_form_body(&v->form, NULL, customer, a, &body, e);
	return err ? err : key_make_read(v->app, &v->m, a, body, k, e);
}

static enum err
show_again(struct web_key *v, struct response *rs, struct error *e)
{
	const struct web_secret s = { .title = "This key is made already",
		.was_made_before = true };

	error_clear(e);
	return web_key_show_secret(v, rs, &s, e);
}

static enum err
make(struct web_key *v, struct key_make *k, struct str public_id,
    struct response *rs, struct error *e)
{
	struct web_secret s = { .title = "Your new API key" };
	char text[KEY_TEXT_BYTES] = "";
	enum err err = key_make(&v->m, k, public_id, text, e);

	s.text = str_from(text);
	if (!err) {
		v->row = k->row;
		v->id = k->row.k.api_key_id;
		err = web_key_show_secret(v, rs, &s, e);
	}
	secret_wipe(text, sizeof(text));
	return err;
}

static enum err
create(struct web_key *v, struct response *rs, struct error *e)
{
	char id[KEY_PUBLIC_ID_BYTES];
	struct str public_id = str_make(id, sizeof(id));
	struct key_make k;
	enum err err = read_form(v, &k, e);
	enum err form_err = err;
	struct error form_error = *e;

	/* A form that made its key may be refused by now: its expiry is over,
	 * its project is archived. */
	if (!err || web_form_says(err)) {
		error_clear(e);
		err = wanted_id(v, id, e);
	}
	if (err)
		return err;
	err = find_made(v, public_id, e);
	if (!err)
		return show_again(v, rs, e);
	if (err != ERR_NOT_FOUND)
		return err;
	*e = form_error;
	if (form_err)
		return form_err;
	err = make(v, &k, public_id, rs, e);
	/* Sent twice at once: the other one was faster. */
	if (err == ERR_CONFLICT) {
		form_error = *e;
		error_clear(e);
		err = find_made(v, public_id, e);
		if (!err)
			return show_again(v, rs, e);
		if (err == ERR_NOT_FOUND) {
			*e = form_error;
			err = ERR_CONFLICT;
		}
	}
	return err;
}

enum err
web_key_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct error refused;
	struct web_key v;
	enum err err = web_key_begin(&v, app, rq, false, e);

	if (err)
		return err;
	err = create(&v, rs, e);
	web_key_end(&v);
	if (!web_form_says(err))
		return err;
	refused = *e;
	error_clear(e);
	return show_form(&v, rs, err_info(refused.code)->http_status, &refused,
	    e);
}

/* ---- its secret ---- */

/* By its list in numbers, of one just made, or as text. */
bool
web_key_may_use_model(const struct web_key *v, uint64_t model_id)
{
	struct str rest = v->row.models, one;
	uint64_t id;

	if (v->row.k.all_models)
		return true;
	for (size_t k = 0; k < v->row.n_models; k++)
		if (v->row.model_ids[k] == model_id)
			return true;
	while (rest.n && str_split(&rest, ',', &one))
		if (str_to_u64(one, 1, UINT32_MAX, &id) && id == model_id)
			return true;
	return false;
}

/* One that the key may ask for a chat, for the example: if there is any, one
 * that costs something, so that what it costs is seen. */
static struct str
a_model(const struct web_key *v)
{
	const struct catalogue *c = v->app->catalogue;
	struct str free = S("");

	for (size_t i = 0; i < c->n_models; i++) {
		const struct catalogue_model *m = &c->models[i];
		const struct price *p = catalogue_price_at(m, v->m.now_ms);

		if (!p || !catalogue_model_is_served(m) ||
		    !web_key_may_use_model(v, m->row.model_id) ||
		    prompt_op(m, WIRE_CHAT) != WIRE_CHAT)
			continue;
		if (!budget_price_is_free(p, v->place.customer.markup_ppm))
			return m->row.name;
		if (free.n == 0)
			free = m->row.name;
	}
	return free;
}

enum err
web_key_show_secret(const struct web_key *v, struct response *rs,
    const struct web_secret *s, struct error *e)
{
	struct tval *o = web_place_page(v->app, v->rq, &v->place,
	    &page_key_secret, str_from(s->title));
	struct str model = a_model(v);

	tval_set_text(o, "list_href", web_key_href(v, 0, NULL));
	tval_set_text(o, "key_href", web_key_href(v, v->id, NULL));
	tval_set_text(o, "key_name", v->row.k.name);
	tval_set_bool(o, "was_made_before", s->was_made_before);
	tval_set_text(o, "secret", s->text);
	tval_set_bool(o, "may_ask", (v->row.k.scopes & KEY_SCOPE_INFER) != 0);
	tval_set_bool(o, "has_model", model.n > 0);
	tval_set_text(o, "model", model.n ? model : S("MODEL"));
	tval_set_text(o, "api_url", web_absolute(v->app, v->rq, S("")));
	return web_page_send(v->app, v->rq, rs, 200, &page_key_secret, o, e);
}
