/* SPDX-License-Identifier: MIT */
/* tollgate model add, list, show, set, enable, disable, archive; with each
 * model's deployment, the place where it is served */
#include "domain/model.h"

#include "admin/admin.h"
#include "admin/lookup.h"
#include "admin/model_wait.h"
#include "domain/model_view.h"
#include "domain/resource.h"
#include "domain/tokenizers.h"
#include "ext/crypto.h"
#include "upstream/provider.h"

#define WAIT_DEFAULT_S 60
#define WAIT_MAX_S     3600

#define MODEL_OPTIONS                                                             \
 { "upstream-name", "NAME", "Its name there (the model's name).", false },        \
     { "api-url", "URL", "Address at the provider, called as given.", false },    \
     { "description", "TEXT", "What it is for.", false },                         \
     { "context-length", "TOKENS", "Prompt and output together.", false },        \
     { "max-output", "TOKENS", "Most output of one request.", false },            \
     { "default-max-output", "TOKENS", "When a request says nothing.",            \
	     false },                                                             \
     { "long-context-threshold", "TOKENS",                                        \
	     "Above it the long-context prices hold.", false },                   \
     { "tokenizer", "NAME",                                                       \
	     "Count with NAME.tokens of tokenizers.dir; \"\": with the one that " \
	     "its name there has.",                                               \
	     false },                                                             \
     { "default-temperature", "NUMBER",                                           \
	     "Sent when a request says nothing (0 to 2).", false },               \
     { "default-top-p", "NUMBER",                                                 \
	     "Sent when a request says nothing (0 to 1).", false },               \
     { "allow-members", "LIST",                                                   \
	     "Members of requests that its prices are for, or none.", false },    \
     { "connect-ms", "MS", "Time-out of connecting.", false },                    \
     { "first-byte-ms", "MS", "Time-out of the answer's start.", false },         \
 {                                                                                \
  "idle-ms", "MS", "Longest silence in an answer.", false                         \
 }

const struct admin_option admin_model_add_options[] = {
	{ "name", "NAME", "Name that customers use.", true },
	{ "local", "PATH",
	    "A checkpoint's folder below models.directory, served here; free.",
	    false },
	{ "preload", NULL, "With --local: read its weights at the start.",
	    false },
	{ "wait", "SECONDS",
	    "With --local: longest wait until it answers (60); 0: none.",
	    false },
	{ "external", "URL", "An address, called exactly as given.", false },
	{ "api-key", "SECRET",
	    "With --external: credential; it is stored sealed; - reads it.",
	    false },
	{ "kind", "KIND",
	    "With --external: openai or local, if the address doesn't tell.",
	    false },
	{ "provider", "NAME", "A provider that is there.", false },
	MODEL_OPTIONS,
	{ "disabled", NULL, "Don't serve it yet.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_set_options[] = {
	{ "provider", "NAME", "Provider that serves it from now on.", false },
	MODEL_OPTIONS,
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_list_options[] = {
	{ "name", "NAME", "Only the one of that name.", false },
	{ "provider", "NAME", "Served there.", false },
	{ "enabled", NULL, "Only those that are served.", false },
	{ "disabled", NULL, "Only those that aren't.", false },
	{ "archived", NULL, "Archived ones, too.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_show_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_enable_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_disable_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_archive_options[] = {
	ADMIN_OPTIONS_END,
};

static void
fraction_rec(struct admin *ad, const char *name, int64_t ppm)
{
	char text[MONEY_TEXT_BYTES];

	if (ppm >= 0)
		model_fraction_text(ppm, text);
	admin_number(ad, name, ppm < 0 ? NULL : text);
}

static void
bool_or_none(struct admin *ad, const char *name, bool is_known, bool value)
{
	if (is_known)
		admin_bool(ad, name, value);
	else
		admin_number(ad, name, NULL);
}

/* What a line of the list has as well. */
static void
place_members(struct admin *ad, const struct model_view *v)
{
	static const struct str none = { NULL, 0 };
	const struct model *m = v->model;

	admin_u64(ad, "id", m->model_id);
	admin_str(ad, "name", m->name);
	admin_bool(ad, "is_enabled", m->is_enabled && !m->archived_at_ms);
	admin_str(ad, "provider", v->provider ? v->provider->name : none);
	admin_str(ad, "upstream_name",
	    v->deployment ? v->deployment->upstream_name : none);
}

/* A line of the list. */
static void
model_row(struct admin *ad, const struct model_view *v)
{
	const struct model *m = v->model;

	admin_rec(ad);
	place_members(ad, v);
	admin_count(ad, "context_length", m->context_length);
	admin_count(ad, "max_output", m->max_output_tok);
	admin_str(ad, "tokenizer", m->tokenizer);
	admin_str(ad, "description", m->description);
	admin_time(ad, "archived_at", m->archived_at_ms);
}

static void
model_rec(struct admin *ad, const struct model_view *v)
{
	static const struct str none = { NULL, 0 };
	const struct deployment *d = v->deployment;
	const struct provider *p = v->provider;
	struct model copy = *v->model;
	const struct model *m = &copy;

	admin_rec(ad);
	place_members(ad, v);
	admin_str(ad, "kind",
	    p ? str_from(provider_kind_names[p->kind]) : none);
	admin_str(ad, "api_url", d ? d->api_url : none);
	admin_bool(ad, "has_api_key", p && p->api_key_sealed.p);
	admin_str(ad, "model_path", d ? d->model_path : none);
	bool_or_none(ad, "preload", d && d->model_path.p, d && d->preload);
	for (size_t i = 0; i < n_model_settings; i++)
		admin_count(ad, model_settings[i].name,
		    *model_setting_of(&copy, &model_settings[i]));
	for (size_t i = 0; i < n_model_fractions; i++)
		fraction_rec(ad, model_fractions[i].name,
		    *model_fraction_of(&copy, &model_fractions[i]));
	admin_str(ad, "tokenizer", m->tokenizer);
	admin_str(ad, "allowed_members", m->allowed_members);
	admin_str(ad, "description", m->description);
	price_show(ad, v->price);
	admin_time(ad, "created_at", m->created_at_ms);
	admin_time(ad, "archived_at", m->archived_at_ms);
}

/* An option is called as the setting is, with dashes. */
struct option_name {
	char text[48];
};

static struct option_name
option_of(const char *setting)
{
	struct option_name o = { "" };

	for (size_t i = 0; setting[i] && i + 1 < sizeof(o.text); i++)
		o.text[i] = setting[i] == '_' ? '-' : setting[i];
	return o;
}

static enum err
read_fraction(struct admin *ad, const struct model_fraction *f, struct model *m,
    struct error *e)
{
	struct str text = admin_opt(ad, option_of(f->name).text);
	enum err err = OK;

	if (str_eq(text, S("none")))
		*model_fraction_of(m, f) = -1;
	else if (text.p)
		err = model_fraction_read(f, text, model_fraction_of(m, f), e);
	return err ? admin_usage(e, "%s", e->public_text) : OK;
}

static enum err
read_members(struct admin *ad, struct model *m, struct error *e)
{
	struct str list = admin_opt(ad, "allow-members");

	if (!list.p)
		return OK;
	if (str_eq(list, S("none")))
		list = S("");
	return provider_members_read(admin_arena(ad), list, &m->allowed_members,
		   e)
		   ? admin_usage(e, "%s", e->public_text)
		   : OK;
}

static enum err
read_model(struct admin *ad, struct model *m, struct error *e)
{
	enum err err = read_members(ad, m, e);

	if (admin_has(ad, "description"))
		m->description = admin_opt(ad, "description");
	if (admin_has(ad, "tokenizer"))
		m->tokenizer = admin_opt(ad, "tokenizer");
	if (m->tokenizer.n == 0)
		m->tokenizer = (struct str){ NULL, 0 };
	else if (!tokenizers_is_name(m->tokenizer))
		return admin_usage(e, "--tokenizer is not a name");
	for (size_t i = 0; i < n_model_settings && !err; i++)
		err = admin_opt_count(ad,
		    option_of(model_settings[i].name).text,
		    model_setting_of(m, &model_settings[i]), e);
	for (size_t i = 0; i < n_model_fractions && !err; i++)
		err = read_fraction(ad, &model_fractions[i], m, e);
	return err;
}

/* The model as the database has it now. */
static enum err
show(struct admin *ad, uint64_t model_id, struct error *e)
{
	struct model_view v;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = model_view_load(db, admin_arena(ad), model_id, &v, e);
	if (!err)
		model_rec(ad, &v);
	return err;
}

/* Who changes models by command. @m  what *ret refers to */
static enum err
ops_of(struct admin *ad, struct manager *m, struct model_ops *ret,
    struct error *e)
{
	enum err err = admin_manager(ad, m, e);

	*ret = (struct model_ops){ .db = m->db,
		.map = m->map,
		.conf = admin_conf(ad),
		.who = &m->audit };
	return err;
}

/* ---- adding ---- */

static enum err
only_with(struct admin *ad, const char *place, const char *const options[],
    struct error *e)
{
	for (size_t i = 0; options[i]; i++)
		if (!admin_has(ad, place) && admin_has(ad, options[i]))
			return admin_usage(e, "--%s only goes with --%s",
			    options[i], place);
	return OK;
}

static enum err
read_place(struct admin *ad, struct model_new *n, struct error *e)
{
	static const char *const local[] = { "preload", "wait", NULL };
	static const char *const external[] = { "api-key", "kind", NULL };
	static const char *const provider[] = { "api-url", NULL };
	unsigned kind = 0;
	enum err err;

	if (admin_has(ad, "local") + admin_has(ad, "external") +
		admin_has(ad, "provider") !=
	    1)
		return admin_usage(e,
		    "model add needs one of --local, --external, --provider");
	err = only_with(ad, "local", local, e);
	if (!err)
		err = only_with(ad, "external", external, e);
	if (!err)
		err = only_with(ad, "provider", provider, e);
	if (!err)
		err = admin_opt_enum(ad, "kind", provider_kind_names,
		    PROVIDER__N, &kind, e);
	n->place = admin_has(ad, "local")      ? MODEL_LOCAL
		   : admin_has(ad, "external") ? MODEL_EXTERNAL
					       : MODEL_PROVIDER;
	n->upstream_name = admin_opt(ad, "upstream-name");
	n->model_path = admin_opt(ad, "local");
	n->preload = admin_has(ad, "preload");
	n->api_url = admin_opt(ad,
	    n->place == MODEL_EXTERNAL ? "external" : "api-url");
	n->api_key = admin_opt(ad, "api-key");
	n->is_kind_given = admin_has(ad, "kind");
	n->kind = (enum provider_kind)kind;
	n->provider_name = admin_opt(ad, "provider");
	return err;
}

static enum err
create(struct admin *ad, struct model_new *n, struct error *e)
{
	const struct crypto_keys *keys;
	struct model_ops ops;
	struct manager m;
	enum err err = ops_of(ad, &m, &ops, e);

	if (!err && n->api_key.n)
		err = admin_keys(ad, &keys, e);
	if (!err && n->api_key.n)
		ops.seal = keys->seal;
	return err ? err : model_create(&ops, admin_arena(ad), n, e);
}

enum err
admin_model_add(struct admin *ad, struct error *e)
{
	struct model_new n = { 0 };
	uint64_t wait_s = WAIT_DEFAULT_S;
	enum err err;

	model_init(&n.model, admin_opt(ad, "name"));
	n.model.is_enabled = !admin_has(ad, "disabled");
	err = read_place(ad, &n, e);
	if (!err)
		err = admin_opt_u64(ad, "wait", 0, WAIT_MAX_S, &wait_s, e);
	if (!err)
		err = read_model(ad, &n.model, e);
	if (!err)
		err = create(ad, &n, e);
	if (err)
		return err;
	if (n.place != MODEL_LOCAL)
		admin_note(ad,
		    "\nIt is served as soon as it has a price: `tollgate price "
		    "set --model %" PRI_STR " …`.",
		    STR_ARG(n.model.name));
	err = show(ad, n.model.model_id, e);
	if (err || n.place != MODEL_LOCAL || !n.model.is_enabled || !wait_s)
		return err;
	return model_wait(ad, &n.model, wait_s, e);
}

/* ---- changing ---- */

/* What the command changes. */
struct setting {
	struct admin *ad;
	uint64_t provider_id; /* 0: as it is */
};

/* An address belongs to its provider, so it does not move along. */
static void
read_place_of(const struct setting *s, struct deployment *d)
{
	struct admin *ad = s->ad;

	if (s->provider_id && s->provider_id != d->provider_id) {
		d->provider_id = s->provider_id;
		d->api_url = (struct str){ NULL, 0 };
	}
	if (admin_has(ad, "upstream-name"))
		d->upstream_name = admin_opt(ad, "upstream-name");
	if (admin_has(ad, "api-url"))
		d->api_url = admin_opt(ad, "api-url");
	if (d->api_url.n == 0)
		d->api_url = (struct str){ NULL, 0 };
}

static enum err
set(struct model_change *c, void *arg, struct error *e)
{
	const struct setting *s = arg;

	read_place_of(s, &c->deployment);
	if (!c->deployment.upstream_name.p)
		c->deployment.upstream_name = c->model.name;
	return read_model(s->ad, &c->model, e);
}

static enum err
enable(struct model_change *c, void *arg, struct error *e)
{
	(void)e;
	c->model.is_enabled = *(const bool *)arg;
	return OK;
}

/* The named model, by the path that the API's PATCH takes. */
static enum err
change(struct admin *ad, model_change_fn *fn, void *arg, struct error *e)
{
	struct model_ops ops;
	struct model_change c;
	struct manager by;
	struct model m;
	enum err err = lookup_model(ad, admin_arg(ad, 0), &m, e);

	if (!err && m.archived_at_ms)
		return error_set(e, ERR_NOT_FOUND, "%" PRI_STR " is archived",
		    STR_ARG(m.name));
	if (!err)
		err = ops_of(ad, &by, &ops, e);
	if (!err)
		err = model_update(&ops, admin_arena(ad), m.model_id, fn, arg,
		    &c, e);
	return err ? err : show(ad, m.model_id, e);
}

enum err
admin_model_set(struct admin *ad, struct error *e)
{
	struct setting s = { .ad = ad };
	struct provider p;
	enum err err = OK;

	if (admin_has(ad, "provider"))
		err = lookup_provider(ad, admin_opt(ad, "provider"), &p, e);
	if (!err && admin_has(ad, "provider"))
		s.provider_id = p.provider_id;
	return err ? err : change(ad, set, &s, e);
}

enum err
admin_model_enable(struct admin *ad, struct error *e)
{
	bool is_enabled = true;

	return change(ad, enable, &is_enabled, e);
}

enum err
admin_model_disable(struct admin *ad, struct error *e)
{
	bool is_enabled = false;

	return change(ad, enable, &is_enabled, e);
}

static bool
is_listed(struct admin *ad, const struct model_view *v)
{
	const struct model *m = v->model;
	bool is_served = m->is_enabled && !m->archived_at_ms;

	if ((admin_has(ad, "enabled") && !is_served) ||
	    (admin_has(ad, "disabled") && is_served))
		return false;
	if (admin_has(ad, "name") && !str_eq(m->name, admin_opt(ad, "name")))
		return false;
	return !admin_has(ad, "provider") ||
	       (v->provider &&
		   str_eq(v->provider->name, admin_opt(ad, "provider")));
}

enum err
admin_model_list(struct admin *ad, struct error *e)
{
	struct model_view *views = NULL;
	struct db *db;
	size_t n = 0;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = model_view_list(db, admin_arena(ad),
		    admin_has(ad, "archived"), &views, &n, e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++)
		if (is_listed(ad, &views[i]))
			model_row(ad, &views[i]);
	return err;
}

enum err
admin_model_show(struct admin *ad, struct error *e)
{
	struct model m;
	enum err err = lookup_model(ad, admin_arg(ad, 0), &m, e);

	return err ? err : show(ad, m.model_id, e);
}

enum err
admin_model_archive(struct admin *ad, struct error *e)
{
	struct model_ops ops;
	struct manager by;
	struct model m;
	enum err err = lookup_model(ad, admin_arg(ad, 0), &m, e);

	if (!err)
		err = ops_of(ad, &by, &ops, e);
	if (!err)
		err = model_archive(&ops, admin_arena(ad), m.model_id, e);
	return err ? err : show(ad, m.model_id, e);
}
