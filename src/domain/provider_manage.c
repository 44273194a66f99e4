/* SPDX-License-Identifier: MIT */
#include "domain/provider_manage.h"

#include "domain/provider_key.h"
#include "upstream/provider.h"

#define URL_BYTES   1024
#define DRAIN_MAX_S 3600
#define DRAIN_S     30

#define AT(m) offsetof(struct provider_row, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(p.provider_id) },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(p.name),
	  .flags = RECORD_NEW | RECORD_NEEDED, .min = 1, .max = PROVIDER_NAME_BYTES },
	{ .name = "kind", .kind = RECORD_ENUM, .off = AT(p.kind),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .names = provider_kind_names, .n_names = PROVIDER__N },
	{ .name = "base_url", .kind = RECORD_TEXT, .off = AT(p.base_url),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = URL_BYTES },
	{ .name = "has_api_key", .kind = RECORD_BOOL, .off = AT(has_api_key) },
	{ .name = "on_client_close", .kind = RECORD_ENUM, .off = AT(p.on_client_close),
	  .flags = RECORD_NEW | RECORD_SET, .names = provider_close_names, .n_names = PROVIDER_CLOSE__N },
	{ .name = "drain_s", .kind = RECORD_U64, .off = AT(p.drain_s),
	  .flags = RECORD_NEW | RECORD_SET, .max = DRAIN_MAX_S },
	{ .name = "is_enabled", .kind = RECORD_BOOL, .off = AT(p.is_enabled),
	  .flags = RECORD_NEW | RECORD_SET },
	{ .name = "model_id", .kind = RECORD_ID, .off = AT(p.model_id) },
	{ .name = "archived_at", .kind = RECORD_TIME, .off = AT(p.archived_at_ms) },
};
/* clang-format on */

static const struct record_type record = { "provider", "provider", "provider",
	members, ARRAY_LEN(members), sizeof(struct provider_row) };

void
provider_row_init(struct provider_row *row)
{
	*row = (struct provider_row){ .p = { .on_client_close = PROVIDER_CANCEL,
					  .drain_s = DRAIN_S,
					  .is_enabled = true } };
}

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	(void)r;
	(void)tenant;
	return store_provider_lock(db, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	struct provider_row *p = row;
	enum err err = store_provider_by_id(db, id, a, &p->p, e);

	(void)r;
	(void)tenant;
	if (!err)
		p->has_api_key = p->p.api_key_sealed.p != NULL;
	return err;
}

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	const struct provider_row *p = row;

	(void)r;
	(void)m;
	(void)a;
	(void)before;
	if (!provider_info(p->p.kind))
		return error_public(e, ERR_BAD_PARAM, "kind",
		    "Providers of that kind are not served yet.");
	return provider_check_url(p->p.base_url, e);
}

static enum err
store_key(const struct manager *m, const struct provider_row *p, uint64_t id,
    struct error *e)
{
	return p->api_key.p
		   ? provider_key_store(m->db, m->extra, id, p->api_key, e)
		   : OK;
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	const struct provider_row *p = row;
	enum err err = store_provider_insert(m->db, &p->p, ret_id, e);

	(void)r;
	(void)a;
	return err ? err : store_key(m, p, *ret_id, e);
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	const struct provider_row *p = row;
	enum err err = store_provider_update(m->db, &p->p, e);

	(void)r;
	(void)a;
	return err ? err : store_key(m, p, p->p.provider_id, e);
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct provider_row *p = row;
	bool is_used = false;
	enum err err = store_provider_is_used(m->db, p->p.provider_id, &is_used,
	    e);

	(void)r;
	(void)a;
	if (!err && is_used)
		return error_public(e, ERR_CONFLICT, NULL,
		    "A model is served there: archive it first.");
	if (!err)
		err = store_provider_set_key(m->db, p->p.provider_id,
		    (struct str){ NULL, 0 }, 0, e);
	return err ? err : store_provider_archive(m->db, p->p.provider_id, e);
}

const struct resource provider_resource = {
	.record = &record,
	.customer_off = SIZE_MAX,
	.archived_off = AT(p.archived_at_ms),
	.end_verb = "archive",
	.slot = RESOURCE_SLOT_CATALOGUE,
	.lock = lock,
	.load = load,
	.check = check,
	.insert = insert,
	.update = update,
	.archive = archive,
};
