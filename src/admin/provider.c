/* SPDX-License-Identifier: MIT */
/* tollgate provider add, list, set, archive, reseal */
#include "upstream/provider.h"

#include "admin/admin.h"
#include "admin/admin_priv.h"
#include "admin/lookup.h"
#include "domain/provider_key.h"
#include "domain/provider_manage.h"
#include "domain/webhook.h"
#include "ext/crypto.h"

#define DRAIN_MAX_S 3600

const struct admin_option admin_provider_add_options[] = {
	{ "name", "NAME", "Name of the provider.", true },
	{ "kind", "KIND", "openai (any compatible API) or local.", true },
	{ "base-url", "URL",
	    "https://host[/path], http://host:port, or unix:/path.", true },
	{ "api-key", "SECRET", "Credential; it is stored sealed; - reads it.",
	    false },
	{ "on-client-close", "WHAT",
	    "When a client leaves: cancel, or drain to the end (cancel).",
	    false },
	{ "drain", "SECONDS", "Longest time to drain (30).", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_provider_set_options[] = {
	{ "base-url", "URL", "As for add.", false },
	{ "api-key", "SECRET", "Another credential; an empty one removes it.",
	    false },
	{ "kind", "KIND", "openai or local.", false },
	{ "on-client-close", "WHAT", "cancel or drain.", false },
	{ "drain", "SECONDS", "Longest time to drain.", false },
	{ "enable", NULL, "Use it.", false },
	{ "disable", NULL, "Don't.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_provider_archive_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_provider_reseal_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_provider_list_options[] = {
	ADMIN_OPTIONS_END,
};

static void
provider_rec(struct admin *ad, const struct provider *p)
{
	admin_rec(ad);
	admin_u64(ad, "id", p->provider_id);
	admin_str(ad, "name", p->name);
	admin_str(ad, "kind", str_from(provider_kind_names[p->kind]));
	admin_str(ad, "base_url", p->base_url);
	admin_bool(ad, "has_api_key", p->api_key_sealed.p != NULL);
	admin_str(ad, "on_client_close",
	    str_from(provider_close_names[p->on_client_close]));
	admin_u64(ad, "drain_s", p->drain_s);
	admin_bool(ad, "is_enabled", p->is_enabled && !p->archived_at_ms);
}

static enum err
read_settings(struct admin *ad, struct provider *p, struct error *e)
{
	unsigned close = p->on_client_close, kind = p->kind;
	enum err err;

	if (admin_has(ad, "base-url"))
		p->base_url = admin_opt(ad, "base-url");
	err = admin_opt_enum(ad, "kind", provider_kind_names, PROVIDER__N,
	    &kind, e);
	if (!err)
		err = admin_opt_enum(ad, "on-client-close",
		    provider_close_names, PROVIDER_CLOSE__N, &close, e);
	if (!err)
		err = admin_opt_u64(ad, "drain", 0, DRAIN_MAX_S, &p->drain_s,
		    e);
	p->on_client_close = (enum provider_close)close;
	p->kind = (enum provider_kind)kind;
	if (!err && !provider_info(p->kind))
		return admin_usage(e, "--kind %s is not served yet",
		    provider_kind_names[p->kind]);
	return err ? err : provider_check_url(p->base_url, e);
}

/* Seal the credential to its row; the row exists. */
static enum err
key_store(struct admin *ad, struct db *db, uint64_t provider_id,
    struct error *e)
{
	struct str text = admin_opt(ad, "api-key");
	const struct crypto_keys *keys;
	enum err err;

	if (!text.p)
		return OK;
	err = admin_keys(ad, &keys, e);
	return err ? err
		   : provider_key_store(db, keys->seal, provider_id, text, e);
}

struct provider_change {
	struct admin *ad;
	struct provider *p;
	bool is_new;
};

static enum err
change_txn(struct db *db, void *arg, struct error *e)
{
	struct provider_change *c = arg;
	enum err err = c->is_new ? store_provider_insert(db, c->p,
				       &c->p->provider_id, e)
				 : store_provider_update(db, c->p, e);

	return err ? err : key_store(c->ad, db, c->p->provider_id, e);
}

static enum err
change_run(struct admin *ad, struct provider *p, bool is_new, struct error *e)
{
	struct provider_change c = { .ad = ad, .p = p, .is_new = is_new };
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = db_txn(db, change_txn, &c, e);
	if (err == ERR_CONFLICT)
		return error_set(e, err, "there is a provider of that name");
	if (!err)
		err = lookup_provider(ad, p->name, p, e);
	if (err)
		return err;
	provider_rec(ad, p);
	admin_catalogue_changed(ad);
	return admin_audit(ad, is_new ? "provider.add" : "provider.set",
	    "provider", p->provider_id, 0, e);
}

enum err
admin_provider_add(struct admin *ad, struct error *e)
{
	struct provider p = {
		.name = admin_opt(ad, "name"),
		.on_client_close = PROVIDER_CANCEL,
		.drain_s = 30,
		.is_enabled = true,
	};
	enum err err = read_settings(ad, &p, e);

	return err ? err : change_run(ad, &p, true, e);
}

enum err
admin_provider_set(struct admin *ad, struct error *e)
{
	struct provider p;
	enum err err = lookup_provider(ad, admin_arg(ad, 0), &p, e);

	if (!err && admin_has(ad, "enable") && admin_has(ad, "disable"))
		return admin_usage(e, "--enable and --disable exclude another");
	if (!err)
		err = read_settings(ad, &p, e);
	if (err)
		return err;
	if (admin_has(ad, "enable") || admin_has(ad, "disable"))
		p.is_enabled = admin_has(ad, "enable");
	return change_run(ad, &p, false, e);
}

enum err
admin_provider_list(struct admin *ad, struct error *e)
{
	struct provider *providers = NULL;
	struct db *db;
	size_t n = 0;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_provider_list(db, admin_arena(ad), &providers, &n,
		    e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++)
		provider_rec(ad, &providers[i]);
	return err;
}

enum err
admin_provider_archive(struct admin *ad, struct error *e)
{
	struct provider_row row;
	struct provider p;
	struct manager m;
	enum err err = lookup_provider(ad, admin_arg(ad, 0), &p, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_archive(&provider_resource, &m, p.provider_id,
		    admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, provider_resource.record, &row);
	return err;
}

/* Under the key in force, whichever of the two sealed it. */
static enum err
reseal(struct admin *ad, struct db *db, const struct crypto_keys *keys,
    const struct provider *p, struct error *e)
{
	struct str plain;
	enum err err = provider_key_open(&ad->secrets, keys->seal,
	    p->provider_id, p->api_key_sealed, &plain, e);

	if (err)
		return error_prefix(e, "provider %" PRI_STR, STR_ARG(p->name));
	return provider_key_store(db, keys->seal, p->provider_id, plain, e);
}

enum err
admin_provider_reseal(struct admin *ad, struct error *e)
{
	const struct crypto_keys *keys;
	struct provider *providers = NULL;
	struct db *db;
	size_t n = 0, n_sealed = 0;
	uint64_t n_webhooks = 0;
	enum err err = admin_keys(ad, &keys, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_provider_list(db, admin_arena(ad), &providers, &n,
		    e);
	for (size_t i = 0; i < n && !err; i++) {
		if (!providers[i].api_key_sealed.p)
			continue;
		err = reseal(ad, db, keys, &providers[i], e);
		n_sealed++;
	}
	if (!err)
		err = webhook_reseal(db, keys->seal, &n_webhooks, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "resealed", n_sealed);
	admin_u64(ad, "webhooks_resealed", n_webhooks);
	admin_catalogue_changed(ad);
	return admin_audit(ad, "provider.reseal", "provider", 0, 0, e);
}
