/* SPDX-License-Identifier: MIT */
#include "handler/model_write.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/app.h"
#include "domain/model.h"
#include "domain/model_server.h"
#include "domain/price.h"
#include "handler/price_body.h"

/* ---- loading ---- */

/* All versions of all models, or of one. */
static const struct price *
in_force(const struct price *prices, size_t n, uint64_t model_id)
{
	size_t from = 0, to;

	while (from < n && prices[from].model_id != model_id)
		from++;
	for (to = from; to < n && prices[to].model_id == model_id; to++)
		;
	return price_at(prices + from, to - from, clock_now_ms());
}

/* One model's rows. */
struct parts {
	struct model model;
	struct deployment deployment;
	struct provider provider;
};

static enum err
load_place(struct db *db, struct arena *a, struct parts *p,
    struct model_view *ret, struct error *e)
{
	enum err err = store_deployment_first(db, p->model.model_id, a,
	    &p->deployment, e);

	if (err == ERR_NOT_FOUND)
		return OK;
	if (!err)
		err = store_provider_by_id(db, p->deployment.provider_id, a,
		    &p->provider, e);
	if (err)
		return err;
	ret->deployment = &p->deployment;
	ret->provider = &p->provider;
	return OK;
}

enum err
model_view_load(struct db *db, struct arena *a, uint64_t model_id,
    struct model_view *ret, struct error *e)
{
	struct parts *p = arena_new(a, struct parts);
	struct price *prices = NULL;
	size_t n = 0;
	enum err err;

	if (!p)
		return error_arena(e, a);
	*ret = (struct model_view){ .model = &p->model };
	err = store_model_by_id(db, model_id, a, &p->model, e);
	if (err == ERR_NOT_FOUND)
		return error_public(e, err, "id", "There is no such model.");
	if (!err)
		err = load_place(db, a, p, ret, e);
	if (!err)
		err = store_price_list(db, model_id, a, &prices, &n, e);
	if (!err)
		ret->price = in_force(prices, n, model_id);
	return err;
}

static const struct deployment *
deployment_of(const struct catalogue_rows *rows, uint64_t model_id)
{
	for (size_t i = 0; i < rows->n_deployments; i++)
		if (rows->deployments[i].model_id == model_id)
			return &rows->deployments[i];
	return NULL;
}

static const struct provider *
provider_of(const struct catalogue_rows *rows, const struct deployment *d)
{
	for (size_t i = 0; d && i < rows->n_providers; i++)
		if (rows->providers[i].provider_id == d->provider_id)
			return &rows->providers[i];
	return NULL;
}

static struct model_view
view_of(const struct catalogue_rows *rows, const struct model *m)
{
	const struct deployment *d = deployment_of(rows, m->model_id);

	return (struct model_view){ m, d, provider_of(rows, d),
		in_force(rows->prices, rows->n_prices, m->model_id) };
}

enum err
model_view_list(struct db *db, struct arena *a, bool with_archived,
    struct model_view **ret, size_t *ret_n, struct error *e)
{
	struct catalogue_rows rows;
	struct model_view *views;
	size_t n = 0;
	enum err err = store_catalogue_load(db, a, &rows, e);

	if (err)
		return err;
	views = arena_array(a, struct model_view, rows.n_models);
	if (!views)
		return error_arena(e, a);
	for (size_t i = 0; i < rows.n_models; i++)
		if (with_archived || !rows.models[i].archived_at_ms)
			views[n++] = view_of(&rows, &rows.models[i]);
	*ret = views;
	*ret_n = n;
	return OK;
}

/* ---- writing ---- */

static void
write_text(struct json_out *j, const char *key, struct str s)
{
	if (s.p)
		json_out_member_str(j, key, s);
	else
		json_out_member_null(j, key);
}

static void
write_members(struct json_out *j, struct str list)
{
	struct str name;

	json_out_key(j, "allowed_members");
	json_out_array(j);
	while (list.n && str_split(&list, ',', &name))
		json_out_str(j, name);
	json_out_array_end(j);
}

static void
write_settings(struct json_out *j, const struct model *m)
{
	struct model copy = *m;

	for (size_t i = 0; i < n_model_settings; i++) {
		int64_t v = *model_setting_of(&copy, &model_settings[i]);

		if (v < 0)
			json_out_member_null(j, model_settings[i].name);
		else
			json_out_member_i64(j, model_settings[i].name, v);
	}
	for (size_t i = 0; i < n_model_fractions; i++) {
		int64_t ppm = *model_fraction_of(&copy, &model_fractions[i]);
		char text[MONEY_TEXT_BYTES];

		json_out_key(j, model_fractions[i].name);
		if (ppm >= 0)
			model_fraction_text(ppm, text);
		if (ppm < 0)
			json_out_null(j);
		else
			json_out_raw(j, str_from(text));
	}
	write_text(j, "tokenizer", m->tokenizer);
	write_members(j, m->allowed_members);
}

static void
write_place(struct json_out *j, const struct model_view *v)
{
	const struct deployment *d = v->deployment;
	const struct provider *p = v->provider;
	static const struct str none = { NULL, 0 };

	write_text(j, "provider", p ? p->name : none);
	write_text(j, "upstream_name", d ? d->upstream_name : none);
	write_text(j, "api_url", d ? d->api_url : none);
	json_out_member_bool(j, "has_api_key", p && p->api_key_sealed.p);
	write_text(j, "model_path", d ? d->model_path : none);
	if (d && d->model_path.p)
		json_out_member_bool(j, "preload", d->preload);
	else
		json_out_member_null(j, "preload");
}

struct str
model_notice(const struct app *app, const struct model_view *v, struct arena *a)
{
	const struct deployment *d = v->deployment;
	const struct model *m = v->model;
	const char *dir = conf_text(app->conf, CONF_MODELS_SOCKET_DIR);
	char why[MODEL_SERVER_WHY_BYTES];

	if (m->archived_at_ms || !m->is_enabled || !d)
		return (struct str){ NULL, 0 };
	if (!v->price)
		return S("Not served: it has no price yet. `tollgate price "
			 "set` gives it one.");
	if (d->model_path.p && !model_server_is_supervised(dir))
		return S("Not served on this host: `tollgate model serve` "
			 "does not run here.");
	if (d->model_path.p && model_server_why_read(dir, m->model_id, why))
		return arena_strdup(a, str_from(why));
	return (struct str){ NULL, 0 };
}

void
model_write(struct json_out *j, const struct app *app,
    const struct model_view *v, struct arena *a)
{
	const struct provider *p = v->provider;
	const struct model *m = v->model;

	json_out_object(j);
	json_out_member_u64(j, "id", m->model_id);
	json_out_member_str(j, "name", m->name);
	write_text(j, "kind",
	    !p                          ? (struct str){ NULL, 0 }
	    : p->kind == PROVIDER_LOCAL ? S("local")
					: S("external"));
	json_out_member_str(j, "description", m->description);
	json_out_member_bool(j, "is_enabled", m->is_enabled);
	write_settings(j, m);
	write_place(j, v);
	price_body_write(j, v->price);
	write_text(j, "notice", model_notice(app, v, a));
	json_out_member_time(j, "created_at", m->created_at_ms);
	if (m->archived_at_ms)
		json_out_member_time(j, "archived_at", m->archived_at_ms);
	else
		json_out_member_null(j, "archived_at");
	json_out_object_end(j);
}
