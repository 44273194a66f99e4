/* SPDX-License-Identifier: MIT */
#include "handler/web/manage.h"

#include <string.h>

#include "base/json_out.h"
#include "handler/web/door.h"
#include "handler/web/form_page.h"
#include "handler/web/settings.h"
#include "http/param.h"

#define ROW_BYTES_MAX KIB(256) /* as JSON */
#define JSON_DEPTH    4

/* The form of what else may be done. */
enum {
	A_CSRF,
	A_PASSWORD,
	A__N
};
static const struct param_spec act_spec[A__N] = {
	[A_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[A_PASSWORD] = { "current_password", PARAM_TEXT, 0,
	    WEB_PASSWORD_BYTES_MAX, NULL, false },
};

/* One visit of a page. */
struct visit {
	struct app *app;
	const struct request *rq;
	const struct web_thing *t;
	struct web_place place;
	struct manager m;
	uint64_t id; /* 0: a new one */
	void *row;   /* as it is, or is to be */
	struct web_form form;
	bool is_acting; /* by the form beside the thing's own */
};

/* ---- rows and forms ---- */

static enum err
row_json(const struct visit *v, struct str *ret, struct error *e)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, v->rq->arena, ROW_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	record_write(v->t->resource->record, v->row, v->m.tenant == 0, &j);
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

static enum err
begin_form(const struct visit *v, struct web_form *f, struct error *e)
{
	const struct web_thing *t = v->t;
	enum err err = web_form_init(f, t->fields, t->n_fields, v->id == 0,
	    v->rq->arena, e);

	if (!err && t->options)
		err = t->options(&v->m, &v->place, v->rq->arena, f, e);
	return err;
}

/* A form that shows the row. */
static enum err
fill_form(const struct visit *v, struct web_form *f, struct error *e)
{
	char etag[RECORD_ETAG_BYTES];
	struct arena *a = v->rq->arena;
	struct str json;
	enum err err = begin_form(v, f, e);

	if (!err)
		err = row_json(v, &json, e);
	if (!err)
		err = web_form_fill(f, json, a, e);
	if (err || v->id == 0)
		return err;
	record_etag(v->t->resource->record, v->row, a, etag);
	f->etag = arena_strdup(a, str_from(etag));
	return OK;
}

/* The row of another customer's is not there, whoever asks. */
static enum err
load(struct visit *v, struct error *e)
{
	const struct resource *r = v->t->resource;
	uint64_t customer_id;
	enum err err = resource_load(r, &v->m, v->id, v->rq->arena, v->row, e);

	if (err || v->place.is_admin || r->customer_off == SIZE_MAX)
		return err;
	memcpy(&customer_id, (char *)v->row + r->customer_off,
	    sizeof(customer_id));
	return customer_id == v->place.customer.customer_id
		   ? OK
		   : error_set(e, ERR_NOT_FOUND, "another customer's");
}

/* Begin a visit: where it is, and the row of the id in its path. */
static enum err
begin(struct visit *v, struct app *app, const struct request *rq,
    const struct web_thing *t, bool is_new, struct error *e)
{
	enum err err;

	*v = (struct visit){ .app = app, .rq = rq, .t = t };
	v->row = arena_alloc(rq->arena, t->resource->record->row_bytes);
	if (!v->row)
		return error_arena(e, rq->arena);
	memset(v->row, 0, t->resource->record->row_bytes);
	err = web_place_begin(app, rq, &v->place, &v->m, e);
	if (err)
		return err;
	if (is_new && t->defaults)
		t->defaults(v->row);
	if (t->is_place)
		v->id = v->place.customer.customer_id;
	else if (!is_new)
		err = web_place_id(&v->place, rq, &v->id, e);
	if (!err && t->extra)
		err = t->extra(app, rq, &v->m, e);
	if (!err && !is_new)
		err = load(v, e);
	if (err)
		manager_end(app, &v->m);
	return err;
}

/* ---- the page ---- */

static struct str
title(const struct visit *v)
{
	const struct record_type *type = v->t->resource->record;
	const char *name = v->t->title_member ? v->t->title_member : "name";

	if (v->id == 0)
		return str_from(v->t->new_title);
	for (size_t i = 0; i < type->n_members; i++)
		if (strcmp(type->members[i].name, name) == 0)
			return record_text(&type->members[i], v->row,
			    v->rq->arena);
	return S("");
}

/* A page of the thing, by the verb of its path; "" of a new one. */
static struct str
verb_href(const struct visit *v, const char *verb)
{
	return v->id && verb ? web_place_href(v->app, v->rq->arena, &v->place,
				   v->t->path, v->id, verb)
			     : S("");
}

static void
set_rest(struct web_form_page *p, const struct visit *v)
{
	const struct web_thing *t = v->t;

	p->act_href = verb_href(v, t->act_verb);
	p->link_href = verb_href(v, t->link_verb);
	p->end_href = verb_href(v, t->end_verb);
	if (p->act_href.n) {
		p->act_name = str_from(t->act_name);
		p->act_text = str_from(t->act_text);
	}
	if (p->link_href.n)
		p->link_name = str_from(t->link_name);
	if (p->end_href.n) {
		p->end_name = str_from(t->end_name);
		p->end_text = str_from(t->end_text);
	}
}

static enum err
show(const struct visit *v, struct response *rs, const struct error *refused,
    struct error *e)
{
	const struct web_thing *t = v->t;
	struct arena *a = v->rq->arena;
	struct web_form_page p = {
		.title = title(v),
		.list_name = str_from(t->list_name),
		.list_href = web_place_href(v->app, a, &v->place, t->list_path,
		    0, NULL),
		.action_href = web_place_href(v->app, a, &v->place, t->path,
		    t->is_place ? 0 : v->id, NULL),
	};

	if (v->id == 0 && t->intro)
		p.intro = str_from(t->intro);
	set_rest(&p, v);
	p.is_act_refused = refused && v->is_acting;
	return web_form_page_send(v->app, v->rq, rs, &v->place, &p, &v->form,
	    refused, e);
}

/* The form once more, with what is wrong. Whoever was late sees what the row
 * is by now. */
static enum err
show_refused(struct visit *v, struct response *rs, struct error *e)
{
	struct error refused = *e;
	enum err err = OK;

	error_clear(e);
	if (refused.code == ERR_PRECONDITION) {
		err = load(v, e);
		if (!err)
			err = fill_form(v, &v->form, e);
	}
	return err ? err : show(v, rs, &refused, e);
}

/* ---- what forms do ---- */

struct input {
	struct record_input input;
	const struct json *json;
	const struct web_thing *t;
};

static enum err
read_row(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	const struct input *in = arg;
	enum err err = record_read(r->record, in->json, &in->input, a, row, e);

	return err || !in->t->read_others
		   ? err
		   : in->t->read_others(in->json, row, e);
}

/* The body that the form stands for. */
static enum err
read_input(struct visit *v, struct input *ret, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct web_form shown;
	struct str more = S(""), body;
	enum err err = begin_form(v, &v->form, e);

	if (!err)
		err = web_form_read(&v->form, v->rq->body, a, e);
	if (!err && v->id)
		err = fill_form(v, &shown, e);
	if (err)
		return err;
	if (!v->id && v->t->resource->customer_off != SIZE_MAX &&
	    !v->place.is_admin)
		more = arena_printf(a, "\"customer_id\":%llu",
		    (unsigned long long)v->place.customer.customer_id);
	err = web_form_body(&v->form, v->id ? &shown : NULL, more, a, &body, e);
	if (err)
		return err;
	*ret = (struct input){
		.input = {
			.flag = v->id ? RECORD_SET : RECORD_NEW,
			.is_operator = principal_is_operator(v->m.who),
			.others = v->t->others,
			.n_others = v->t->n_others,
			.now_ms = v->m.now_ms,
		},
		.t = v->t,
	};
	return json_parse_object(a, body, JSON_DEPTH, &ret->json, e);
}

/* No connection is held while a password is hashed. */
static enum err
confirm(struct visit *v, struct response *rs, struct error *e)
{
	enum err err;

	if (!v->t->confirm)
		return OK;
	manager_end(v->app, &v->m);
	err = v->t->confirm(v->app, v->rq, rs, v->row, &v->form, e);
	return manager_resume(v->app, &v->m, err, e);
}

static enum err
create(struct visit *v, struct response *rs, struct error *e)
{
	const struct resource *r = v->t->resource;
	struct arena *a = v->rq->arena;
	struct input in;
	enum err err = read_input(v, &in, e);

	if (!err)
		err = confirm(v, rs, e);
	if (!err)
		err = read_row(r, a, v->row, &in, e);
	return err ? err : resource_create(r, &v->m, a, v->row, e);
}

static enum err
change(struct visit *v, struct response *rs, struct error *e)
{
	struct input in;
	enum err err = read_input(v, &in, e);

	if (!err)
		err = confirm(v, rs, e);
	if (err)
		return err;
	if (v->form.etag.n)
		v->m.if_match = v->form.etag;
	return resource_change(v->t->resource, &v->m, v->id, read_row, &in,
	    v->rq->arena, v->row, e);
}

static enum err
show_form(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, bool is_new, struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, t, is_new, e);

	if (err)
		return err;
	err = fill_form(&v, &v.form, e);
	manager_end(app, &v.m);
	return err ? err : show(&v, rs, NULL, e);
}

enum err
web_thing_new(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, struct error *e)
{
	return show_form(app, rq, rs, t, true, e);
}

enum err
web_thing_create(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, t, true, e);

	if (err)
		return err;
	err = create(&v, rs, e);
	if (!err && t->show_made)
		err = t->show_made(app, rq, rs, &v.place, &v.m, v.row, e);
	else if (!err)
		err = web_place_redirect(app, rq, rs, &v.place, t->list_path,
		    t->made, e);
	else if (web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}

enum err
web_thing_edit(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, struct error *e)
{
	return show_form(app, rq, rs, t, false, e);
}

enum err
web_thing_change(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, t, false, e);

	if (err)
		return err;
	err = change(&v, rs, e);
	if (!err)
		err = web_place_redirect(app, rq, rs, &v.place, t->list_path,
		    t->saved, e);
	else if (web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}

enum err
web_thing_end(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, struct error *e)
{
	struct error second = { 0 };
	struct visit v;
	enum err err = begin(&v, app, rq, t, false, e);

	if (err)
		return err;
	err = resource_archive(t->resource, &v.m, v.id, rq->arena, v.row, e);
	if (web_form_says(err))
		err = fill_form(&v, &v.form, &second) ? err
						      : show_refused(&v, rs, e);
	else if (!err)
		err = web_place_redirect(app, rq, rs, &v.place, t->list_path,
		    t->ended, e);
	manager_end(app, &v.m);
	return err;
}

/* An open session alone is not enough. No connection is held while the
 * password is hashed. */
static enum err
act(struct visit *v, struct response *rs, struct str password, struct error *e)
{
	enum err err;

	manager_end(v->app, &v->m);
	err = web_settings_confirm(v->app, v->rq, rs, password, e);
	err = manager_resume(v->app, &v->m, err, e);
	return err ? err
		   : v->t->act(v->app, v->rq, rs, &v->place, &v->m, v->id, e);
}

enum err
web_thing_act(struct app *app, const struct request *rq, struct response *rs,
    const struct web_thing *t, struct error *e)
{
	struct param_value field[A__N];
	struct visit v;
	enum err err = param_parse(rq->arena, act_spec, A__N, rq->body, field,
	    e);

	if (!err)
		err = begin(&v, app, rq, t, false, e);
	if (err)
		return err;
	v.is_acting = true;
	/* Before the connection is given back: it may be needed. */
	err = fill_form(&v, &v.form, e);
	if (!err)
		err = act(&v, rs, field[A_PASSWORD].text, e);
	if (web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}
