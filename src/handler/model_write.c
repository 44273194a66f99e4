/* SPDX-License-Identifier: MIT */
#include "handler/model_write.h"

#include <stdio.h>

#include "base/money.h"
#include "domain/app.h"
#include "domain/model.h"
#include "domain/model_server.h"
#include "handler/price_body.h"

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
