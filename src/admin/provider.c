/* SPDX-License-Identifier: MIT */
/* tollgate provider add, list, show, set, archive, reseal */
#include "domain/provider_manage.h"

#include "admin/admin.h"
#include "admin/admin_priv.h"
#include "admin/lookup.h"
#include "domain/provider_key.h"
#include "domain/second_factor.h"
#include "domain/webhook.h"
#include "ext/crypto.h"

#define DRAIN_MAX_S 3600

const struct admin_option admin_provider_add_options[] = {
	{ "name", "NAME", "Name of the provider.", true },
	{ "kind", "KIND",
	    "openai (any compatible API), anthropic, huggingface or local.",
	    true },
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
	{ "kind", "KIND", "As for add.", false },
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
	{ "name", "NAME", "Only the one of that name.", false },
	{ "kind", "KIND", "openai, anthropic, huggingface or local.", false },
	{ "archived", NULL, "Archived ones, too.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_provider_show_options[] = {
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
	admin_u64(ad, "api_key_version", p->api_key_version);
	admin_str(ad, "on_client_close",
	    str_from(provider_close_names[p->on_client_close]));
	admin_u64(ad, "drain_s", p->drain_s);
	admin_bool(ad, "is_enabled", p->is_enabled && !p->archived_at_ms);
	admin_time(ad, "archived_at", p->archived_at_ms);
}

/* What both add and set read; the resource checks it. */
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
	return err;
}

static enum err
manager_of_providers(struct admin *ad, struct manager *ret, struct error *e)
{
	const struct crypto_keys *keys;
	enum err err = admin_manager(ad, ret, e);

	if (err || !admin_has(ad, "api-key"))
		return err;
	err = admin_keys(ad, &keys, e);
	if (!err)
		ret->extra = (void *)(uintptr_t)keys->seal;
	return err;
}

enum err
admin_provider_add(struct admin *ad, struct error *e)
{
	struct provider_row row;
	struct manager m;
	enum err err;

	provider_row_init(&row);
	row.p.name = admin_opt(ad, "name");
	row.api_key = admin_opt(ad, "api-key");
	err = read_settings(ad, &row.p, e);
	if (!err)
		err = manager_of_providers(ad, &m, e);
	if (!err)
		err = resource_create(&provider_resource, &m, admin_arena(ad),
		    &row, e);
	if (!err)
		provider_rec(ad, &row.p);
	return err;
}

/* arg: the struct admin. */
static enum err
change(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct admin *ad = arg;
	struct provider_row *p = row;

	(void)r;
	(void)a;
	p->api_key = admin_opt(ad, "api-key");
	if (admin_has(ad, "enable") || admin_has(ad, "disable"))
		p->p.is_enabled = admin_has(ad, "enable");
	return read_settings(ad, &p->p, e);
}

enum err
admin_provider_set(struct admin *ad, struct error *e)
{
	struct provider_row row;
	struct provider p;
	struct manager m;
	enum err err = lookup_provider(ad, admin_arg(ad, 0), &p, e);

	if (!err && admin_has(ad, "enable") && admin_has(ad, "disable"))
		return admin_usage(e, "--enable and --disable exclude another");
	if (!err)
		err = manager_of_providers(ad, &m, e);
	if (!err)
		err = resource_change(&provider_resource, &m, p.provider_id,
		    change, ad, admin_arena(ad), &row, e);
	if (!err)
		provider_rec(ad, &row.p);
	return err;
}

/* filter: a struct provider_filter. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct provider *providers = NULL;
	enum err err = store_provider_page(db, filter, p->after, p->limit,
	    admin_arena(ad), &providers, &p->n, e);

	for (size_t i = 0; i < p->n && !err; i++) {
		provider_rec(ad, &providers[i]);
		admin_page_end(p, providers[i].provider_id);
	}
	return err;
}

enum err
admin_provider_list(struct admin *ad, struct error *e)
{
	const struct provider_filter f = { .name = admin_opt(ad, "name"),
		.kind = admin_opt(ad, "kind"),
		.with_archived = admin_has(ad, "archived") };
	unsigned kind = 0;
	enum err err = admin_opt_enum(ad, "kind", provider_kind_names,
	    PROVIDER__N, &kind, e);

	return err ? err : admin_list_all(ad, list_page, &f, e);
}

enum err
admin_provider_show(struct admin *ad, struct error *e)
{
	struct provider_row row;
	struct provider p;
	enum err err = lookup_provider(ad, admin_arg(ad, 0), &p, e);

	return err ? err
		   : admin_show(ad, &provider_resource, p.provider_id, &row, e);
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

/* Of all users, a page of them at a time. */
static enum err
reseal_factors(struct admin *ad, struct db *db, const struct crypto_key *seal,
    uint64_t *ret_n, struct error *e)
{
	struct factor_user *users = NULL;
	uint64_t after = 0;
	size_t n = 1;
	enum err err = OK;

	while (!err && n) {
		err = store_factor_users(db, after, 100, admin_arena(ad),
		    &users, &n, e);
		for (size_t i = 0; i < n && !err; i++) {
			after = users[i].user_id;
			err = factor_reseal(db, seal, after, &ad->secrets, e);
			*ret_n += !err;
		}
	}
	return err;
}

enum err
admin_provider_reseal(struct admin *ad, struct error *e)
{
	const struct crypto_keys *keys;
	struct provider *providers = NULL;
	struct db *db;
	size_t n = 0, n_sealed = 0;
	uint64_t n_webhooks = 0, n_factors = 0;
	enum err err = admin_keys(ad, &keys, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_provider_list(db, admin_arena(ad), &providers, &n,
		    e);
	for (size_t i = 0; i < n && !err; i++) {
		bool is_sealed;

		err = provider_key_reseal(db, keys->seal,
		    providers[i].provider_id, &ad->secrets, &is_sealed, e);
		n_sealed += !err && is_sealed;
	}
	if (!err)
		err = webhook_reseal(db, keys->seal, &n_webhooks, e);
	if (!err)
		err = reseal_factors(ad, db, keys->seal, &n_factors, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "resealed", n_sealed);
	admin_u64(ad, "webhooks_resealed", n_webhooks);
	admin_u64(ad, "factors_resealed", n_factors);
	admin_catalogue_changed(ad);
	return admin_audit(ad, "provider.reseal", "provider", 0, 0, e);
}
