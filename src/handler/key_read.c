/* SPDX-License-Identifier: MIT */
#include "handler/key_read.h"

#include "domain/app.h"
#include "domain/catalogue.h"
#include "domain/limit.h"

struct limit_set
default_limits(const struct app *app)
{
	struct limit_settings settings;
	struct error e;

	/* No snapshot of the settings is used that this fails for. */
	ASSERT(limit_settings_read(app->conf, &settings, &e) == OK);
	return settings.defaults;
}

struct key_manager
key_manager_of(const struct app *app)
{
	struct key_manager km = {
		.ops = {
			.map = app->shared->hostmap,
			.pepper = app->shared->pepper,
			.pepper_id = conf_u64(app->conf, CONF_AUTH_PEPPER_ID),
		},
	};

	km.default_limits = default_limits(app);
	return km;
}

static enum err
take(const struct catalogue_model *model, const char *param, uint64_t *ret,
    struct error *e)
{
	if (!model)
		return error_public(e, ERR_BAD_PARAM, param,
		    "%s names a model that does not exist.", param);
	*ret = model->row.model_id;
	return OK;
}

enum err
key_read_model_text(const struct catalogue *c, struct str text,
    const char *param, uint64_t *ret, struct error *e)
{
	const struct catalogue_model *model = catalogue_model_by_name(c, text);
	uint64_t id;

	if (!model && str_to_u64(text, 1, UINT32_MAX, &id))
		model = catalogue_model_by_id(c, id);
	return take(model, param, ret, e);
}

static enum err
read_model(const struct catalogue *c, const struct json *v, uint64_t *ret,
    struct error *e)
{
	static const char param[] = "allowed_models";
	struct str name;
	enum err err;

	if (json_kind(v) == JSON_STRING) {
		err = json_as_str(v, param, 1, 128, &name, e);
		return err ? err
			   : take(catalogue_model_by_name(c, name), param, ret,
				 e);
	}
	err = json_as_u64(v, param, 1, INT64_MAX, ret, e);
	return err ? err : take(catalogue_model_by_id(c, *ret), param, ret, e);
}

enum err
key_read_models(struct arena *a, const struct catalogue *c,
    const struct json *body, struct key_row *k, struct error *e)
{
	const struct json *list;
	uint64_t *ids;
	size_t n;
	enum err err;

	k->sets_models = true;
	k->k.all_models = !json_has(body, "allowed_models");
	if (k->k.all_models)
		return OK;
	err = json_get_array(body, "allowed_models", KEY_MODELS_MAX, &list, e);
	if (err)
		return err;
	n = json_array_len(list);
	ids = arena_array(a, uint64_t, n + 1);
	if (!ids)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		err = read_model(c, json_array_at(list, i), &ids[i], e);
		if (err)
			return err;
	}
	k->model_ids = ids;
	k->n_models = key_models_sort(ids, n);
	return OK;
}

enum err
key_read_prefix(struct str text, struct str *ret, struct error *e)
{
	if (str_starts(text, S("tg_")))
		text = str_skip(text, 3);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z')))
			return error_public(e, ERR_BAD_PARAM, "prefix",
			    "prefix must be the beginning of a key's public "
			    "id.");
	}
	*ret = text;
	return OK;
}
