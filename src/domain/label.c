/* SPDX-License-Identifier: MIT */
#include "domain/label.h"

/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = offsetof(struct label, label_id) },
	{ .name = "customer_id", .kind = RECORD_ID, .off = offsetof(struct label, customer_id),
	  .flags = RECORD_NEW, .min = 1, .max = UINT32_MAX },
	{ .name = "name", .kind = RECORD_TEXT, .off = offsetof(struct label, name),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = LABEL_NAME_BYTES },
	{ .name = "created_at", .kind = RECORD_TIME, .off = offsetof(struct label, created_at_ms) },
	{ .name = "archived_at", .kind = RECORD_TIME, .off = offsetof(struct label, archived_at_ms) },
};
/* clang-format on */

#define RECORD(noun)                                               \
 {                                                                 \
  noun, noun, noun, members, sizeof(members) / sizeof(members[0]), \
      sizeof(struct label)                                         \
 }
static const struct record_type records[LABEL__N] = {
	[LABEL_PROJECT] = RECORD("project"),
	[LABEL_AGENT] = RECORD("agent"),
	[LABEL_CONNECTOR] = RECORD("connector"),
};

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	return store_label_lock(db, (enum label_kind)r->variant, tenant, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	return store_label_by_id(db, (enum label_kind)r->variant, tenant, id, a,
	    row, e);
}

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	const struct label *l = row;

	(void)r;
	return before ? OK : resource_need_customer(m, a, l->customer_id, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	(void)a;
	return store_label_insert(m->db, (enum label_kind)r->variant, row,
	    ret_id, e);
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	(void)a;
	return store_label_update(m->db, (enum label_kind)r->variant, row, e);
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct label *l = row;

	(void)a;
	return store_label_archive(m->db, (enum label_kind)r->variant,
	    l->label_id, e);
}

#define RESOURCE(kind)                                              \
 {                                                                  \
  .record = &records[kind], .variant = (kind),                      \
  .customer_off = offsetof(struct label, customer_id),              \
  .archived_off = offsetof(struct label, archived_at_ms),           \
  .slot = RESOURCE_SLOT_OWN, .end_verb = "archive", .lock = lock,   \
  .load = load, .check = check, .insert = insert, .update = update, \
  .archive = archive                                                \
 }
const struct resource label_resources[LABEL__N] = {
	[LABEL_PROJECT] = RESOURCE(LABEL_PROJECT),
	[LABEL_AGENT] = RESOURCE(LABEL_AGENT),
	[LABEL_CONNECTOR] = RESOURCE(LABEL_CONNECTOR),
};
