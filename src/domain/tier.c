/* SPDX-License-Identifier: MIT */
#include "domain/tier.h"

#define RATE_MAX   UINT64_C(1000000000)
#define NAME_BYTES 64

/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = offsetof(struct tier, tier_id) },
	{ .name = "name", .kind = RECORD_TEXT, .off = offsetof(struct tier, name),
	  .flags = RECORD_NEW | RECORD_NEEDED, .min = 1, .max = NAME_BYTES },
	{ .name = "rate_limit_per_minute", .kind = RECORD_COUNT, .off = offsetof(struct tier, rate_limit_per_minute),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .max = RATE_MAX },
	{ .name = "rate_limit_per_hour", .kind = RECORD_COUNT, .off = offsetof(struct tier, rate_limit_per_hour),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .max = RATE_MAX },
	{ .name = "archived_at", .kind = RECORD_TIME, .off = offsetof(struct tier, archived_at_ms) },
};
/* clang-format on */

static const struct record_type record = { "tier", "tier", "tier", members,
	ARRAY_LEN(members), sizeof(struct tier) };

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	(void)r;
	(void)tenant;
	return store_tier_lock(db, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	(void)r;
	(void)tenant;
	return store_tier_by_id(db, id, a, row, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	(void)r;
	(void)a;
	return store_tier_insert(m->db, row, ret_id, e);
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	(void)r;
	(void)a;
	return store_tier_update(m->db, row, e);
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct tier *t = row;

	(void)r;
	(void)a;
	return store_tier_archive(m->db, t->tier_id, e);
}

const struct resource tier_resource = {
	.record = &record,
	.customer_off = SIZE_MAX,
	.archived_off = offsetof(struct tier, archived_at_ms),
	.end_verb = "archive",
	.slot = RESOURCE_SLOT_CATALOGUE,
	.lock = lock,
	.load = load,
	.insert = insert,
	.update = update,
	.archive = archive,
};

enum err
tier_find(struct db *db, struct str name, struct arena *a,
    uint64_t *ret_tier_id, struct error *e)
{
	struct tier t = { 0 };
	enum err err = OK;

	if (name.p)
		err = store_tier_by_name(db, name, a, &t, e);
	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_BAD_PARAM, "rate_limit_tier",
		    "There is no rate limit tier of that name.");
	if (!err)
		*ret_tier_id = t.tier_id;
	return err;
}
