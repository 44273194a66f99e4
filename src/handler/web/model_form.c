/* SPDX-License-Identifier: MIT */
/* The operator's forms of models: what POST and PATCH of /api/models take. */
#include "base/json_out.h"
#include "domain/model.h"
#include "handler/model_edit.h"
#include "handler/model_write.h"
#include "handler/web/form_page.h"
#include "handler/web/web.h"

#define PROVIDERS_MAX 200
#define ROW_BYTES_MAX KIB(64)

static const char *const kind_options[] = { "|as the address tells",
	"openai|OpenAI and compatible", "anthropic|Anthropic",
	"huggingface|Hugging Face TGI", "local|a model server of your own",
	NULL };
/* clang-format off */
static const struct form_field fields[] = {
	{ .name = "name", .label = "Name", .control = FORM_TEXT, .flags = FORM_NEEDED | FORM_NEW,
	  .hint = "What requests name. It cannot be changed later: usage shows it." },
	{ .name = "description", .label = "What it is for", .control = FORM_AREA },
	{ .name = "is_enabled", .label = "Requests may be sent to it", .control = FORM_CHECK },

	{ .name = "provider", .label = "Provider", .control = FORM_SELECT, .legend = "Where it is served",
	  .hint = "One of these three: a provider, a folder of this host, or an address of its own." },
	{ .name = "upstream_name", .label = "Its name there", .control = FORM_TEXT,
	  .hint = "Empty for a new one: the same name." },
	{ .name = "model_path", .label = "Folder of its checkpoint", .control = FORM_TEXT, .flags = FORM_NEW,
	  .hint = "Below models.directory; a model server of this host serves it. It is free." },
	{ .name = "api_url", .label = "Address", .control = FORM_TEXT, .flags = FORM_NULL,
	  .hint = "Called exactly as given, such as https://api.example.com/v1/chat/completions. "
	          "Empty beside a provider: as the provider's address says." },
	{ .name = "api_key", .label = "API key of that address", .control = FORM_SECRET, .flags = FORM_NEW,
	  .hint = "Stored sealed and never shown." },
	{ .name = "kind", .label = "That address speaks", .control = FORM_SELECT, .flags = FORM_NEW, .options = kind_options },

	{ .name = "context_length", .label = "Context", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL,
	  .legend = "Tokens", .hint = "Prompt and output together." },
	{ .name = "max_output", .label = "Most output", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL },
	{ .name = "default_max_output", .label = "Output unless said", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL },
	{ .name = "long_context_threshold", .label = "Long context beyond", .control = FORM_NUMBER, .flags = FORM_NULL,
	  .hint = "A request whose prompt has more is charged by the long-context prices. Empty: none is." },
	{ .name = "tokenizer", .label = "Tokenizer", .control = FORM_TEXT, .flags = FORM_NULL,
	  .hint = "Its file's name in tokenizers.dir. Empty: the one that its name there has." },

	{ .name = "default_temperature", .label = "Temperature", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL | FORM_FOLD,
	  .legend = "Unless a request says", .hint = "0 to 2" },
	{ .name = "default_top_p", .label = "top_p", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL, .hint = "0 to 1" },

	{ .name = "connect_ms", .label = "Connecting, ms", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL | FORM_FOLD,
	  .legend = "Time-outs", .hint = "Empty: as configured." },
	{ .name = "first_byte_ms", .label = "First byte, ms", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL },
	{ .name = "idle_ms", .label = "Silence, ms", .control = FORM_NUMBER, .flags = FORM_NULL | FORM_SMALL },

	{ .name = "allowed_members", .label = "Members that its prices are for", .control = FORM_LINES, .flags = FORM_NULL | FORM_FOLD,
	  .legend = "Members of requests", .hint = "A line each. Requests with members that cost extra are refused unless they stand here." },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(fields) <= FORM_FIELD_MAX, "fields of a model");

/* One visit of a page. */
struct visit {
	struct app *app;
	const struct request *rq;
	struct web_place place;
	struct manager m;
	uint64_t id; /* 0: a new one */
	struct model_view model;
	struct web_form form;
};

/* ---- the form ---- */

/* Providers made with a model go with it, so they serve no other. */
static enum err
set_providers(const struct visit *v, struct web_form *f, struct error *e)
{
	static const struct provider_filter all = { 0 };
	struct arena *a = v->rq->arena;
	struct form_option *o;
	struct provider *p;
	size_t n, n_shown = 0;
	enum err err = store_provider_page(v->m.db, &all, 0, PROVIDERS_MAX, a,
	    &p, &n, e);

	if (err)
		return err;
	o = arena_array(a, struct form_option, n + 1);
	if (!o)
		return error_arena(e, a);
	if (v->id == 0)
		o[n_shown++] = (struct form_option){ S(""), S("none") };
	for (size_t i = 0; i < n; i++)
		if (!p[i].model_id || p[i].model_id == v->id)
			o[n_shown++] = (struct form_option){ p[i].name,
				p[i].name };
	web_form_set_options(f, "provider", o, n_shown);
	return OK;
}

static enum err
begin_form(const struct visit *v, struct web_form *f, struct error *e)
{
	enum err err = web_form_init(f, fields, ARRAY_LEN(fields), v->id == 0,
	    v->rq->arena, e);

	return err ? err : set_providers(v, f, e);
}

/* A form that shows the model, or an empty one. */
static enum err
fill_form(const struct visit *v, struct web_form *f, struct error *e)
{
	struct arena *a = v->rq->arena;
	char etag[RECORD_ETAG_BYTES];
	struct str json = S("{\"is_enabled\":true}");
	struct json_out j;
	struct buf b;
	enum err err = begin_form(v, f, e);

	if (!err && v->id) {
		buf_init(&b, a, ROW_BYTES_MAX);
		json_out_init(&j, &b);
		model_write(&j, v->app, &v->model, a);
		err = buf_finish(&b, &json, e);
	}
	if (!err)
		err = web_form_fill(f, json, a, e);
	if (err || v->id == 0)
		return err;
	model_etag(v->model.model, v->model.deployment, a, etag);
	f->etag = arena_strdup(a, str_from(etag));
	return OK;
}

/* ---- the page ---- */

static enum err
load(struct visit *v, struct error *e)
{
	enum err err = model_view_load(v->m.db, v->rq->arena, v->id, &v->model,
	    e);

	if (!err && v->model.model->archived_at_ms)
		return error_public(e, ERR_NOT_FOUND, "id",
		    "There is no such model.");
	return err;
}

static enum err
begin(struct visit *v, struct app *app, const struct request *rq, bool is_new,
    struct error *e)
{
	enum err err;

	*v = (struct visit){ .app = app, .rq = rq };
	err = web_place_begin(app, rq, &v->place, &v->m, e);
	if (err)
		return err;
	if (!is_new)
		err = web_place_id(&v->place, rq, &v->id, e);
	if (!err && !is_new)
		err = load(v, e);
	if (err)
		manager_end(app, &v->m);
	return err;
}

static void
set_rest(struct web_form_page *p, const struct visit *v)
{
	struct arena *a = v->rq->arena;

	p->link_href = web_place_href(v->app, a, &v->place, "prices", v->id,
	    NULL);
	p->link_name = S("Its prices");
	p->end_href = web_place_href(v->app, a, &v->place, "models", v->id,
	    "archive");
	p->end_name = S("Archive this model");
	p->end_text = S("Requests for it are refused from then on, and an API "
			"key that was stored with it is forgotten. Its usage "
			"stays, and so does its name. This can't be undone.");
}

static enum err
show(const struct visit *v, struct response *rs, const struct error *refused,
    struct error *e)
{
	struct arena *a = v->rq->arena;
	struct web_form_page p = {
		.title = v->id ? v->model.model->name : S("New model"),
		.list_name = S("Models"),
		.list_href = web_place_href(v->app, a, &v->place, "models", 0,
		    NULL),
		.action_href = web_place_href(v->app, a, &v->place, "models",
		    v->id, NULL),
	};

	if (v->id)
		set_rest(&p, v);
	else
		p.intro = S("What requests name, and where they are sent. It "
			    "is served as soon as it has a price.");
	return web_form_page_send(v->app, v->rq, rs, &v->place, &p, &v->form,
	    refused, e);
}

/* The form once more, with what is wrong; whoever was late sees the model as
 * it is by now. */
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

static enum err
read_body(struct visit *v, struct str *ret, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct web_form shown;
	enum err err = begin_form(v, &v->form, e);

	if (!err)
		err = web_form_read(&v->form, v->rq->body, a, e);
	if (!err && v->id)
		err = fill_form(v, &shown, e);
	return err ? err
		   : web_form_body(&v->form, v->id ? &shown : NULL, S(""), a,
			 ret, e);
}

static enum err
show_form(struct app *app, const struct request *rq, struct response *rs,
    bool is_new, struct error *e)
{
	struct visit v;
	enum err err = begin(&v, app, rq, is_new, e);

	if (err)
		return err;
	err = fill_form(&v, &v.form, e);
	if (!err)
		err = show(&v, rs, NULL, e);
	manager_end(app, &v.m);
	return err;
}

enum err
web_model_new(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return show_form(app, rq, rs, true, e);
}

enum err
web_model_edit(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return show_form(app, rq, rs, false, e);
}

enum err
web_model_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct str body = S("");
	struct visit v;
	uint64_t id;
	enum err err = begin(&v, app, rq, true, e);

	if (err)
		return err;
	err = read_body(&v, &body, e);
	if (!err)
		err = model_edit_make(app, &v.m, body, rq->arena, &id, e);
	if (!err)
		err = web_place_redirect(app, rq, rs, &v.place, "models",
		    "model_made", e);
	else if (web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}

enum err
web_model_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct visit v;
	struct str body;
	enum err err = begin(&v, app, rq, false, e);

	if (err)
		return err;
	err = read_body(&v, &body, e);
	if (!err && v.form.etag.n)
		v.m.if_match = v.form.etag;
	if (!err)
		err = model_edit_change(app, &v.m, v.id, body, rq->arena, e);
	if (!err)
		err = web_place_redirect(app, rq, rs, &v.place, "models",
		    "model_saved", e);
	else if (web_form_says(err))
		err = show_refused(&v, rs, e);
	manager_end(app, &v.m);
	return err;
}

enum err
web_model_end(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct error second = { 0 };
	struct visit v;
	enum err err = begin(&v, app, rq, false, e);

	if (err)
		return err;
	err = model_edit_end(app, &v.m, v.id, rq->arena, e);
	if (web_form_says(err))
		err = fill_form(&v, &v.form, &second) ? err
						      : show_refused(&v, rs, e);
	else if (!err)
		err = web_place_redirect(app, rq, rs, &v.place, "models",
		    "model_ended", e);
	manager_end(app, &v.m);
	return err;
}
