/* SPDX-License-Identifier: MIT */
/* What the forms on a key's page do: its settings, on and off, a new secret,
 * and its end. */
#include "handler/web/key.h"

#include "base/secret.h"
#include "handler/key_change.h"
#include "handler/key_read.h"
#include "handler/web/web.h"
#include "http/form.h"

#define ETAG_CHARS 64

static enum err
change(struct web_key *v, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct web_form shown;
	struct str body;
	enum err err = web_key_form(v, &v->form, e);

	if (!err)
		err = web_key_fill(v, &shown, e);
	if (!err)
		err = web_key_form_read(v, e);
	if (!err)
		err = web_form_body(&v->form, &shown, S(""), a, &body, e);
	if (err)
		return err;
	if (v->form.etag.n)
		v->m.if_match = v->form.etag;
	return key_change(v->app, &v->m, v->id, body, a, &v->row, e);
}

enum err
web_key_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct web_key v;
	enum err err = web_key_begin(&v, app, rq, true, e);

	if (err)
		return err;
	err = change(&v, e);
	if (!err)
		err = web_key_redirect(&v, rs, "key_saved", e);
	else if (web_form_says(err))
		err = web_key_refused(&v, rs, true, e);
	web_key_end(&v);
	return err;
}

/* A field of a small form; "" when it is not there. */
static enum err
field(const struct request *rq, const char *name, struct str *ret,
    struct error *e)
{
	enum err err = form_get(rq->arena, rq->body, name, ret, e);

	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	*ret = S("");
	return OK;
}

enum err
web_key_toggle(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct key_manager km = key_manager_of(app);
	struct str wanted;
	struct web_key v;
	bool is_on;
	enum err err = field(rq, "wanted", &wanted, e);

	if (err)
		return err;
	is_on = str_eq(wanted, S("on"));
	if (!is_on && !str_eq(wanted, S("off")))
		return error_public(e, ERR_BAD_PARAM, "wanted",
		    "wanted must be on or off.");
	err = web_key_begin(&v, app, rq, true, e);
	if (err)
		return err;
	v.m.extra = &km;
	err = key_switch(&v.m, v.id, is_on, rq->arena, &v.row, e);
	if (!err)
		err = web_key_redirect(&v, rs, is_on ? "key_on" : "key_off", e);
	else if (web_form_says(err))
		err = web_key_refused(&v, rs, false, e);
	web_key_end(&v);
	return err;
}

enum err
web_key_revoke(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct key_manager km = key_manager_of(app);
	struct web_key v;
	enum err err = web_key_begin(&v, app, rq, true, e);

	if (err)
		return err;
	v.m.extra = &km;
	err = resource_archive(&key_resource, &v.m, v.id, rq->arena, &v.row, e);
	if (!err)
		err = web_key_redirect(&v, rs, "key_revoked", e);
	else if (web_form_says(err))
		err = web_key_refused(&v, rs, false, e);
	web_key_end(&v);
	return err;
}

/* ---- a new secret ---- */

static enum err
read_rotation(const struct request *rq, uint64_t *ret_s, struct str *ret_etag,
    struct error *e)
{
	struct str text;
	enum err err = field(rq, "grace_seconds", &text, e);

	if (!err)
		err = field(rq, "etag", ret_etag, e);
	if (err)
		return err;
	/* Without it a page that is loaded again would rotate again. */
	if (!ret_etag->n || ret_etag->n > ETAG_CHARS)
		return error_public(e, ERR_BAD_PARAM, "etag",
		    "The form is not complete. Open the key's page again.");
	if (!str_to_u64(text.n ? text : S("0"), 0, KEY_GRACE_MAX_S, ret_s))
		return error_public(e, ERR_BAD_PARAM, "grace_seconds",
		    "grace_seconds must be 0 to %d.", KEY_GRACE_MAX_S);
	return OK;
}

static enum err
rotate(struct web_key *v, uint64_t grace_s, struct response *rs,
    struct error *e)
{
	struct key_manager km = key_manager_of(v->app);
	struct web_secret secret = { .title = "The new secret" };
	char text[KEY_TEXT_BYTES] = "";
	enum err err;

	v->m.extra = &km;
	err = key_rotate(&v->m, v->id, grace_s, text, v->rq->arena, &v->row, e);
	secret.text = str_from(text);
	if (!err)
		err = web_key_show_secret(v, rs, &secret, e);
	secret_wipe(text, sizeof(text));
	return err;
}

enum err
web_key_rotate(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct web_secret again = { .title = "The new secret",
		.was_made_before = true };
	struct web_key v;
	struct str etag;
	uint64_t grace_s;
	enum err err = read_rotation(rq, &grace_s, &etag, e);

	if (!err)
		err = web_key_begin(&v, app, rq, true, e);
	if (err)
		return err;
	v.m.if_match = etag;
	err = rotate(&v, grace_s, rs, e);
	if (err == ERR_PRECONDITION) {
		error_clear(e);
		err = web_key_show_secret(&v, rs, &again, e);
	} else if (web_form_says(err)) {
		err = web_key_refused(&v, rs, false, e);
	}
	web_key_end(&v);
	return err;
}
