/* SPDX-License-Identifier: MIT */
/* The operator's pages of providers. A credential goes in and never out. */
#include "domain/provider_manage.h"

#include "handler/web/admin_list.h"
#include "handler/web/manage.h"
#include "handler/web/web.h"

#define KEY_BYTES 984

static const char *const kind_options[] = { "openai|OpenAI and compatible",
	"anthropic|Anthropic", "huggingface|Hugging Face TGI",
	"local|a model server of this host", NULL };
static const char *const close_options[] = {
	"cancel|ends it at the provider, too",
	"drain|lets it end, and meters all of it", NULL
};

/* clang-format off */
static const struct form_field fields[] = {
	{ .name = "name", .label = "Name", .control = FORM_TEXT, .flags = FORM_NEEDED | FORM_NEW,
	  .hint = "It cannot be changed later: usage shows it." },
	{ .name = "kind", .label = "It speaks", .control = FORM_SELECT, .flags = FORM_NEEDED, .options = kind_options },
	{ .name = "base_url", .label = "Address", .control = FORM_TEXT, .flags = FORM_NEEDED,
	  .hint = "Such as https://api.example.com/v1, or unix:/run/model.sock." },
	{ .name = "api_key", .label = "Its API key", .control = FORM_SECRET,
	  .hint = "Stored sealed and never shown. Empty: as it is, at the same address." },
	{ .name = "is_enabled", .label = "Requests may be sent there", .control = FORM_CHECK },
	{ .name = "on_client_close", .label = "When a client leaves a request", .control = FORM_SELECT, .options = close_options,
	  .legend = "Clients that leave" },
	{ .name = "drain_s", .label = "At most so many seconds", .control = FORM_NUMBER,
	  .hint = "Of letting it end." },
};
/* clang-format on */

static void
defaults(void *row)
{
	provider_row_init(row);
}

static enum err
extra(struct app *app, const struct request *rq, struct manager *m,
    struct error *e)
{
	(void)rq;
	(void)e;
	m->extra = (void *)(uintptr_t)app->shared->seal;
	return OK;
}

static enum err
read_key(const struct json *body, void *row, struct error *e)
{
	struct provider_row *p = row;

	return json_has(body, "api_key")
		   ? json_get_str(body, "api_key", 0, KEY_BYTES, &p->api_key, e)
		   : OK;
}

/* A stored credential is not sent elsewhere by whoever finds a screen
 * unlocked. */
static enum err
confirm(struct app *app, const struct request *rq, struct response *rs,
    const void *row, const struct web_form *form, struct error *e)
{
	const struct provider_row *p = row;

	(void)app;
	(void)rq;
	(void)rs;
	if (!p->has_api_key || web_form_sent(form, "api_key").n ||
	    str_eq(web_form_sent(form, "base_url"), p->p.base_url))
		return OK;
	return error_public(e, ERR_BAD_PARAM, "api_key",
	    "Enter its API key for the new address: the one that is stored is "
	    "not sent elsewhere.");
}

static const char *const others[] = { "api_key" };
static const struct web_thing provider = {
	.resource = &provider_resource,
	.path = "providers",
	.list_path = "providers",
	.list_name = "Providers",
	.new_title = "New provider",
	.intro = "Where models are served. Models refer to a provider and to "
		 "the name that it has for them.",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.made = "provider_made",
	.saved = "provider_saved",
	.ended = "provider_ended",
	.link_verb = "test",
	.link_name = "Test it",
	.end_verb = "archive",
	.end_name = "Archive this provider",
	.end_text = "Its credential is forgotten. A provider that models still "
		    "refer to stays.",
	.extra = extra,
	.confirm = confirm,
	.others = others,
	.n_others = ARRAY_LEN(others),
	.read_others = read_key,
	.defaults = defaults,
};

WEB_THING_HANDLERS(provider, &provider)

static enum err
rows(struct app *app, const struct manager *m, const struct admin_list_ask *ask,
    struct tval *list, uint64_t *ret_last, struct error *e)
{
	static const struct provider_filter all = { 0 };
	struct provider *p;
	size_t n;
	enum err err;

	(void)app;
	if (!list)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	err = store_provider_page(m->db, &all, ask->after, ADMIN_LIST_MAX + 1,
	    list->a, &p, &n, e);
	for (size_t i = 0; !err && i < n && i < ADMIN_LIST_MAX; i++) {
		struct tval *cells = admin_list_row(list, p[i].provider_id,
		    p[i].name, p[i].is_enabled ? S("In use") : S("Off"),
		    p[i].is_enabled);

		admin_list_text(cells,
		    str_from(provider_kind_names[p[i].kind]));
		admin_list_text(cells, p[i].base_url);
		admin_list_text(cells,
		    p[i].api_key_sealed.p ? S("stored") : S("none"));
	}
	if (!err && n > ADMIN_LIST_MAX)
		*ret_last = p[ADMIN_LIST_MAX - 1].provider_id;
	return err;
}

static const char *const heads[] = { "Kind", "Address", "API key" };
static const struct admin_list providers = { "Providers",
	"Where models are served.", "New provider", "new", "providers", heads,
	ARRAY_LEN(heads), rows, NULL,
	"There is no provider yet. A model that others serve needs one; a "
	"local model makes its own.",
	NULL, NULL };

enum err
web_provider_list(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return web_admin_list(app, rq, rs, &providers, e);
}
