/* SPDX-License-Identifier: MIT */
#include "domain/operator_key.h"

#include "domain/key_manage.h"

#define AT(m) offsetof(struct operator_key, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(operator_key_id) },
	{ .name = "public_id", .kind = RECORD_TEXT, .off = AT(public_id) },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(name),
	  .flags = RECORD_NEW | RECORD_NEEDED, .min = 1, .max = KEY_NAME_BYTES },
	{ .name = "is_active", .kind = RECORD_BOOL, .off = AT(is_active) },
	{ .name = "created_at", .kind = RECORD_TIME, .off = AT(created_at_ms) },
	{ .name = "expires_at", .kind = RECORD_TIME, .off = AT(expires_at_ms),
	  .flags = RECORD_NEW | RECORD_NULL },
	{ .name = "revoked_at", .kind = RECORD_TIME, .off = AT(revoked_at_ms) },
	{ .name = "last_used_at", .kind = RECORD_TIME, .off = AT(last_used_at_ms), .flags = RECORD_LIVE },
};
/* clang-format on */

static const struct record_type record = { "operator", "operator_key",
	"operator's key", members, ARRAY_LEN(members),
	sizeof(struct operator_key) };

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	(void)r;
	(void)tenant;
	return store_operator_key_lock(db, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	(void)r;
	(void)tenant;
	return store_operator_key_by_id(db, id, a, row, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	const struct key_manager *km = m->extra;
	const struct operator_key *k = row;
	struct key_ops ops = km->ops;

	(void)r;
	(void)a;
	ops.db = m->db;
	return key_create_operator(&ops, k->name, k->expires_at_ms, km->text,
	    ret_id, e);
}

static enum err
revoke(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct operator_key *k = row;

	(void)r;
	(void)a;
	return store_operator_key_revoke(m->db, k->operator_key_id, e);
}

const struct resource operator_key_resource = {
	.record = &record,
	.customer_off = SIZE_MAX,
	.archived_off = AT(revoked_at_ms),
	.end_verb = "revoke",
	.slot = RESOURCE_SLOT_OWN,
	.lock = lock,
	.load = load,
	.insert = insert,
	.archive = revoke,
};
