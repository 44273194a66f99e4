/* SPDX-License-Identifier: MIT */
/* tollgate model add, list, set, enable, disable; with each model's
 * deployment, the place where it is served */
#include "admin/admin.h"
#include "admin/lookup.h"
#include "store/deployment.h"
#include "upstream/provider.h"

#define MODEL_OPTIONS(required)                                                \
 { "provider", "NAME", "Provider that serves it.", required },                 \
     { "upstream-name", "NAME", "Its name there (the model's name).", false }, \
     { "api-url", "URL", "Address called exactly as given.", false },          \
     { "description", "TEXT", "What it is for.", false },                      \
     { "context-length", "TOKENS", "Prompt and output together.", false },     \
     { "max-output", "TOKENS", "Most output of one request.", false },         \
     { "default-max-output", "TOKENS", "When a request says nothing.",         \
	     false },                                                          \
     { "long-context-threshold", "TOKENS",                                     \
	     "Above it the long-context prices hold.", false },                \
     { "tokenizer", "NAME", "Tokenizer to count with.", false },               \
     { "connect-ms", "MS", "Time-out of connecting.", false },                 \
     { "first-byte-ms", "MS", "Time-out of the answer's start.", false },      \
 {                                                                             \
  "idle-ms", "MS", "Longest silence in an answer.", false                      \
 }

const struct admin_option admin_model_add_options[] = {
	{ "name", "NAME", "Name that customers use.", true },
	MODEL_OPTIONS(true),
	{ "disabled", NULL, "Don't serve it yet.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_set_options[] = {
	MODEL_OPTIONS(false),
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_list_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_enable_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_model_disable_options[] = {
	ADMIN_OPTIONS_END,
};

/* What one command changes. */
struct model_change {
	struct model model;
	struct deployment deployment;
	uint64_t old_deployment_id; /* 0: none, or it is kept */
};

static void
model_rec(struct admin *ad, const struct model *m, const struct deployment *d,
    struct str provider)
{
	admin_rec(ad);
	admin_u64(ad, "id", m->model_id);
	admin_str(ad, "name", m->name);
	admin_bool(ad, "is_enabled", m->is_enabled && !m->archived_at_ms);
	admin_str(ad, "provider", provider);
	admin_str(ad, "upstream_name",
	    d ? d->upstream_name : (struct str){ NULL, 0 });
	admin_count(ad, "context_length", m->context_length);
	admin_count(ad, "max_output", m->max_output_tok);
	admin_count(ad, "default_max_output", m->default_max_output_tok);
	admin_count(ad, "long_context_threshold",
	    m->long_context_threshold_tok);
	admin_str(ad, "description", m->description);
}

static enum err
read_model(struct admin *ad, struct model *m, struct error *e)
{
	const struct {
		const char *option;
		int64_t *to;
	} counts[] = {
		{ "context-length", &m->context_length },
		{ "max-output", &m->max_output_tok },
		{ "default-max-output", &m->default_max_output_tok },
		{ "long-context-threshold", &m->long_context_threshold_tok },
		{ "connect-ms", &m->connect_ms },
		{ "first-byte-ms", &m->first_byte_ms },
		{ "idle-ms", &m->idle_ms },
	};
	enum err err = OK;

	if (admin_has(ad, "description"))
		m->description = admin_opt(ad, "description");
	if (admin_has(ad, "tokenizer"))
		m->tokenizer = admin_opt(ad, "tokenizer");
	if (m->tokenizer.n == 0)
		m->tokenizer = (struct str){ NULL, 0 };
	for (size_t i = 0; i < ARRAY_LEN(counts) && !err; i++)
		err = admin_opt_count(ad, counts[i].option, counts[i].to, e);
	return err;
}

static enum err
read_deployment(struct admin *ad, struct deployment *d, struct error *e)
{
	struct provider p;
	enum err err = OK;

	if (admin_has(ad, "upstream-name"))
		d->upstream_name = admin_opt(ad, "upstream-name");
	if (admin_has(ad, "api-url")) {
		d->api_url = admin_opt(ad, "api-url");
		if (d->api_url.n == 0)
			d->api_url = (struct str){ NULL, 0 };
		else
			err = provider_check_url(d->api_url, e);
	}
	if (err || !admin_has(ad, "provider"))
		return err;
	err = lookup_provider(ad, admin_opt(ad, "provider"), &p, e);
	if (!err)
		d->provider_id = p.provider_id;
	return err;
}

/* The first deployment of a model; ret->deployment_id 0: none. */
static enum err
deployment_of(struct admin *ad, uint64_t model_id, struct deployment *ret,
    struct error *e)
{
	struct deployment *all = NULL;
	struct db *db;
	size_t n = 0;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_deployment_list(db, admin_arena(ad), &all, &n, e);
	*ret = (struct deployment){
		.model_id = model_id,
		.weight = 1,
		.is_enabled = true,
	};
	for (size_t i = n; i-- > 0 && !err;)
		if (all[i].model_id == model_id)
			*ret = all[i];
	return err;
}

static enum err
insert_txn(struct db *db, void *arg, struct error *e)
{
	struct model_change *c = arg;
	enum err err = store_model_insert(db, &c->model, &c->model.model_id, e);

	c->deployment.model_id = c->model.model_id;
	return err ? err
		   : store_deployment_insert(db, &c->deployment,
			 &c->deployment.deployment_id, e);
}

/* A deployment can't move to another provider: usage rows of the old place
 * keep its meaning. A new one takes its place. */
static enum err
update_txn(struct db *db, void *arg, struct error *e)
{
	struct model_change *c = arg;
	enum err err = store_model_update(db, &c->model, e);

	if (!err && c->old_deployment_id)
		err = store_deployment_archive(db, c->old_deployment_id, e);
	if (err)
		return err;
	if (c->deployment.deployment_id && !c->old_deployment_id)
		return store_deployment_update(db, &c->deployment, e);
	if (!c->deployment.provider_id)
		return OK;
	return store_deployment_insert(db, &c->deployment,
	    &c->deployment.deployment_id, e);
}

static struct str
provider_name(struct admin *ad, uint64_t provider_id)
{
	struct provider *all = NULL;
	struct error why;
	struct db *db;
	size_t n = 0;

	if (admin_db(ad, &db, &why) == OK &&
	    store_provider_list(db, admin_arena(ad), &all, &n, &why) == OK)
		for (size_t i = 0; i < n; i++)
			if (all[i].provider_id == provider_id)
				return all[i].name;
	return (struct str){ NULL, 0 };
}

static enum err
change_finish(struct admin *ad, const struct model_change *c,
    const char *action, struct error *e)
{
	model_rec(ad, &c->model, &c->deployment,
	    provider_name(ad, c->deployment.provider_id));
	admin_catalogue_changed(ad);
	return admin_audit(ad, action, "model", c->model.model_id, 0, e);
}

enum err
admin_model_add(struct admin *ad, struct error *e)
{
	struct str name = admin_opt(ad, "name");
	struct model_change c = {
		.model = {
			.name = name,
			.description = S(""),
			.is_enabled = !admin_has(ad, "disabled"),
			.context_length = -1,
			.default_max_output_tok = -1,
			.max_output_tok = -1,
			.long_context_threshold_tok = -1,
			.default_temperature_ppm = -1,
			.default_top_p_ppm = -1,
			.connect_ms = -1,
			.first_byte_ms = -1,
			.idle_ms = -1,
		},
		.deployment = {
			.upstream_name = name,
			.weight = 1,
			.is_enabled = true,
		},
	};
	struct db *db;
	enum err err = read_model(ad, &c.model, e);

	if (!err && (name.n == 0 || name.n > MODEL_NAME_BYTES))
		err = admin_usage(e, "--name must have 1 to %d bytes",
		    MODEL_NAME_BYTES);
	if (!err)
		err = read_deployment(ad, &c.deployment, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = db_txn(db, insert_txn, &c, e);
	if (err == ERR_CONFLICT)
		return error_set(e, err, "there is a model of that name");
	if (err)
		return err;
	admin_note(ad,
	    "\nIt is served as soon as it has a price: `tollgate price set "
	    "--model %" PRI_STR " …`.",
	    STR_ARG(name));
	return change_finish(ad, &c, "model.add", e);
}

enum err
admin_model_set(struct admin *ad, struct error *e)
{
	struct model_change c = { 0 };
	uint64_t old_provider_id;
	struct db *db;
	enum err err = lookup_model(ad, admin_arg(ad, 0), &c.model, e);

	if (!err)
		err = deployment_of(ad, c.model.model_id, &c.deployment, e);
	if (err)
		return err;
	old_provider_id = c.deployment.provider_id;
	err = read_model(ad, &c.model, e);
	if (!err)
		err = read_deployment(ad, &c.deployment, e);
	if (!err && c.deployment.deployment_id &&
	    c.deployment.provider_id != old_provider_id)
		c.old_deployment_id = c.deployment.deployment_id;
	if (!c.deployment.upstream_name.p)
		c.deployment.upstream_name = c.model.name;
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = db_txn(db, update_txn, &c, e);
	return err ? err : change_finish(ad, &c, "model.set", e);
}

static enum err
enabled_set(struct admin *ad, bool is_enabled, struct error *e)
{
	struct model_change c = { 0 };
	struct db *db;
	enum err err = lookup_model(ad, admin_arg(ad, 0), &c.model, e);

	if (!err)
		err = deployment_of(ad, c.model.model_id, &c.deployment, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (err)
		return err;
	c.model.is_enabled = is_enabled;
	err = store_model_update(db, &c.model, e);
	return err ? err
		   : change_finish(ad, &c,
			 is_enabled ? "model.enable" : "model.disable", e);
}

enum err
admin_model_enable(struct admin *ad, struct error *e)
{
	return enabled_set(ad, true, e);
}

enum err
admin_model_disable(struct admin *ad, struct error *e)
{
	return enabled_set(ad, false, e);
}

enum err
admin_model_list(struct admin *ad, struct error *e)
{
	struct model *models = NULL;
	struct db *db;
	size_t n = 0;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_model_list(db, admin_arena(ad), &models, &n, e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++) {
		struct deployment d;

		err = deployment_of(ad, models[i].model_id, &d, e);
		if (!err)
			model_rec(ad, &models[i], &d,
			    provider_name(ad, d.provider_id));
	}
	return err;
}
