/* SPDX-License-Identifier: MIT */
#include "handler/model_read.h"

#include "domain/model_folder.h"
#include "handler/price_body.h"
#include "upstream/provider.h"

#define JSON_DEPTH  4
#define MEMBERS_MAX 64

#define SETTING_NAMES                                                    \
 "description", "is_enabled", "context_length", "max_output",            \
     "default_max_output", "long_context_threshold", "connect_ms",       \
     "first_byte_ms", "idle_ms", "default_temperature", "default_top_p", \
     "tokenizer", "allowed_members"
#define PLACE_NAMES                                                   \
 "model_path", "preload", "api_url", "api_key", "model_name", "kind", \
     "provider", "upstream_name"

/* ---- settings ---- */

static enum err
read_text(const struct json *body, const char *name, size_t max_bytes,
    struct str *ret, struct error *e)
{
	if (json_has_null(body, name))
		*ret = S("");
	if (!json_has(body, name))
		return OK;
	return json_get_str(body, name, 0, max_bytes, ret, e);
}

static enum err
read_number(const struct json *body, const struct model_setting *s,
    struct model *m, struct error *e)
{
	uint64_t v;
	enum err err;

	if (json_has_null(body, s->name))
		*model_setting_of(m, s) = -1;
	if (!json_has(body, s->name))
		return OK;
	err = json_get_u64(body, s->name, (uint64_t)s->min, (uint64_t)s->max,
	    &v, e);
	if (!err)
		*model_setting_of(m, s) = (int64_t)v;
	return err;
}

static enum err
read_fraction(const struct json *body, const struct model_fraction *f,
    struct model *m, struct error *e)
{
	struct str text;
	enum err err;

	if (json_has_null(body, f->name))
		*model_fraction_of(m, f) = -1;
	if (!json_has(body, f->name))
		return OK;
	err = json_get_decimal(body, f->name, &text, e);
	return err ? err
		   : model_fraction_read(f, text, model_fraction_of(m, f), e);
}

static enum err
read_members(struct arena *a, const struct json *body, struct model *m,
    struct error *e)
{
	const struct json *list;
	struct str name;
	struct buf b;
	enum err err;

	if (json_has_null(body, "allowed_members"))
		m->allowed_members = S("");
	if (!json_has(body, "allowed_members"))
		return OK;
	err = json_get_array(body, "allowed_members", MEMBERS_MAX, &list, e);
	buf_init(&b, a, KIB(8));
	for (size_t i = 0; !err && i < json_array_len(list); i++) {
		err = json_as_str(json_array_at(list, i), "allowed_members", 1,
		    64, &name, e);
		if (i)
			buf_add_char(&b, ',');
		if (!err)
			buf_add(&b, name);
	}
	return err ? err
		   : provider_members_read(a, buf_str(&b), &m->allowed_members,
			 e);
}

enum err
model_read_settings(struct arena *a, const struct json *body, struct model *m,
    struct error *e)
{
	enum err err = read_text(body, "description", MODEL_DESCRIPTION_BYTES,
	    &m->description, e);

	if (!err)
		err = read_text(body, "tokenizer", MODEL_TOKENIZER_BYTES,
		    &m->tokenizer, e);
	if (m->tokenizer.n == 0)
		m->tokenizer = (struct str){ NULL, 0 };
	if (!err && json_has(body, "is_enabled"))
		err = json_get_bool(body, "is_enabled", &m->is_enabled, e);
	if (!err)
		err = read_members(a, body, m, e);
	for (size_t i = 0; i < n_model_settings && !err; i++)
		err = read_number(body, &model_settings[i], m, e);
	for (size_t i = 0; i < n_model_fractions && !err; i++)
		err = read_fraction(body, &model_fractions[i], m, e);
	return err;
}

enum err
model_read_patch(struct str body, struct arena *a, const struct json **ret,
    struct error *e)
{
	static const char *const names[] = { SETTING_NAMES, "provider",
		"upstream_name", "api_url" };
	enum err err = json_parse_object(a, body, JSON_DEPTH, ret, e);

	return err ? err : json_only(*ret, names, ARRAY_LEN(names), e);
}

enum err
model_read_place(const struct json *body, struct deployment *d, struct error *e)
{
	struct str provider;
	enum err err = OK;

	if (json_has_null(body, "provider"))
		err = json_get_str(body, "provider", 1, PROVIDER_NAME_BYTES,
		    &provider, e);
	if (!err)
		err = read_text(body, "api_url", MODEL_API_URL_BYTES,
		    &d->api_url, e);
	if (d->api_url.n == 0)
		d->api_url = (struct str){ NULL, 0 };
	if (!err && (json_has(body, "upstream_name") ||
			json_has_null(body, "upstream_name")))
		err = json_get_str(body, "upstream_name", 1,
		    MODEL_UPSTREAM_NAME_BYTES, &d->upstream_name, e);
	return err;
}

/* ---- where it is served ---- */

static enum err
read_kind(const struct json *c, struct model_new *n, struct error *e)
{
	struct str name;
	enum err err;

	n->is_kind_given = json_has(c, "kind");
	if (!n->is_kind_given)
		return OK;
	err = json_get_str(c, "kind", 1, 32, &name, e);
	for (size_t i = 0; i < PROVIDER__N && !err; i++) {
		if (!str_eq(name, str_from(provider_kind_names[i])))
			continue;
		n->kind = (enum provider_kind)i;
		return OK;
	}
	return err ? err
		   : error_public(e, ERR_BAD_PARAM, "kind",
			 "'kind' must be openai, anthropic, huggingface or "
			 "local.");
}

/* Members that mean nothing where this one is given. */
static enum err
refuse(const struct json *c, const char *beside, const char *const names[],
    size_t n, struct error *e)
{
	for (size_t i = 0; i < n; i++)
		if (json_has(c, names[i]))
			return error_public(e, ERR_BAD_PARAM, names[i],
			    "'%s' does not go with '%s'.", names[i], beside);
	return OK;
}

static enum err
read_local(const struct json *c, struct model_new *n, struct error *e)
{
	static const char *const others[] = { "api_url", "api_key", "kind",
		"provider" };
	enum err err = refuse(c, "model_path", others, ARRAY_LEN(others), e);

	n->place = MODEL_LOCAL;
	if (!err)
		err = json_get_str(c, "model_path", 1, MODEL_PATH_BYTES,
		    &n->model_path, e);
	if (!err && json_has(c, "preload"))
		err = json_get_bool(c, "preload", &n->preload, e);
	return err;
}

/* The seed documents' external models say preload: false. */
static enum err
check_no_preload(const struct json *c, struct error *e)
{
	bool preload = false;
	enum err err = json_has(c, "preload")
			   ? json_get_bool(c, "preload", &preload, e)
			   : OK;

	if (!err && preload)
		return error_public(e, ERR_BAD_PARAM, "preload",
		    "There is nothing to preload of a model that is served "
		    "elsewhere.");
	return err;
}

static enum err
read_at_provider(const struct json *c, struct model_new *n, struct error *e)
{
	static const char *const others[] = { "api_key", "kind" };
	enum err err = refuse(c, "provider", others, ARRAY_LEN(others), e);

	n->place = MODEL_PROVIDER;
	if (!err)
		err = json_get_str(c, "provider", 1, PROVIDER_NAME_BYTES,
		    &n->provider_name, e);
	if (!err && json_has(c, "api_url"))
		err = json_get_str(c, "api_url", 1, MODEL_API_URL_BYTES,
		    &n->api_url, e);
	return err ? err : check_no_preload(c, e);
}

static enum err
read_external(const struct json *c, struct model_new *n, struct error *e)
{
	enum err err = json_get_str(c, "api_url", 1, MODEL_API_URL_BYTES,
	    &n->api_url, e);

	n->place = MODEL_EXTERNAL;
	if (!err && json_has(c, "api_key"))
		err = json_get_str(c, "api_key", 0, PROVIDER_KEY_BYTES,
		    &n->api_key, e);
	if (!err)
		err = read_kind(c, n, e);
	return err ? err : check_no_preload(c, e);
}

static enum err
read_place(const struct json *c, struct model_new *n, struct error *e)
{
	const char *name = json_has(c, "model_name") ? "model_name"
						     : "upstream_name";
	enum err err = OK;

	if (json_has(c, "model_name") && json_has(c, "upstream_name"))
		return error_public(e, ERR_BAD_PARAM, "upstream_name",
		    "'model_name' and 'upstream_name' are the same: give one.");
	if (json_has(c, name))
		err = json_get_str(c, name, 1, MODEL_UPSTREAM_NAME_BYTES,
		    &n->upstream_name, e);
	if (err)
		return err;
	if (json_has(c, "model_path"))
		return read_local(c, n, e);
	if (json_has(c, "provider"))
		return read_at_provider(c, n, e);
	if (json_has(c, "api_url"))
		return read_external(c, n, e);
	return error_public(e, ERR_BAD_PARAM, "model_config",
	    "Say where the model is served: 'model_path', 'api_url' or "
	    "'provider'.");
}

/* ---- all of it ---- */

static enum err
parse_new(struct str text, struct arena *a, const struct json **ret_body,
    const struct json **ret_place, struct error *e)
{
	static const char *const nested[] = { "name", "model_config", "prices",
		SETTING_NAMES };
	static const char *const flat[] = { "name", "prices", SETTING_NAMES,
		PLACE_NAMES };
	static const char *const place[] = { PLACE_NAMES };
	const struct json *body;
	enum err err = json_parse_object(a, text, JSON_DEPTH, &body, e);

	if (err)
		return err;
	*ret_body = *ret_place = body;
	if (!json_has(body, "model_config"))
		return json_only(body, flat, ARRAY_LEN(flat), e);
	err = json_only(body, nested, ARRAY_LEN(nested), e);
	if (!err)
		err = json_get_object(body, "model_config", ret_place, e);
	return err ? err : json_only(*ret_place, place, ARRAY_LEN(place), e);
}

enum err
model_read_new(struct str text, struct arena *a, struct model_new *ret,
    struct price *price, struct error *e)
{
	const struct json *body, *place;
	struct str name;
	enum err err = parse_new(text, a, &body, &place, e);

	if (!err)
		err = json_get_str(body, "name", 1, MODEL_NAME_BYTES, &name, e);
	if (err)
		return err;
	*ret = (struct model_new){ 0 };
	model_init(&ret->model, name);
	/* First: its credential is there to be wiped whatever follows. */
	err = read_place(place, ret, e);
	if (!err)
		err = model_read_settings(a, body, &ret->model, e);
	if (err || !json_has(body, "prices"))
		return err;
	ret->price = price;
	return price_body_read(body, price, e);
}
