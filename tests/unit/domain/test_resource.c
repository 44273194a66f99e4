/* SPDX-License-Identifier: MIT */
/* What surrounds a change: the host's caches learn of it, the audit log of
 * what there was to change. The store is scripted here. */
#include "support/cmocka_tg.h"

#include "domain/hostmap.h"
#include "domain/resource.h"
#include "store/customer.h"
#include "store/generation.h"
#include "support/fixture_dir.h"

#define ID 42

struct row {
	uint64_t id;
	bool is_on;
	int64_t archived_at_ms;
};
static const struct record_member members[] = {
	{ .name = "is_on",
	    .kind = RECORD_BOOL,
	    .off = offsetof(struct row, is_on),
	    .flags = RECORD_SET },
};
static const struct record_type record = { "row", "row", "row", members,
	ARRAY_LEN(members), sizeof(struct row) };

static struct fixture_dir dir;
static struct hostmap *map;
static struct arena a;
static struct error e;
static struct row stored;
static enum err commit; /* what the transaction ends with */
static unsigned n_audited;

enum err
db_txn(struct db *db, db_txn_fn *fn, void *arg, struct error *err)
{
	enum err rc = fn(db, arg, err);

	return rc || !commit ? rc : error_set(err, commit, "scripted");
}

enum err
store_audit_insert(struct db *db, const struct audit *row, struct error *err)
{
	(void)db;
	(void)row;
	(void)err;
	n_audited++;
	return OK;
}

struct str
store_audit_detail(const struct audit *row, struct str changes,
    struct arena *arena)
{
	(void)row;
	(void)arena;
	return changes;
}

enum err
store_customer_by_id(struct db *db, uint64_t customer_id, struct arena *arena,
    struct customer *ret, struct error *err)
{
	(void)db;
	(void)customer_id;
	(void)arena;
	(void)ret;
	return error_set(err, ERR_NOT_FOUND, "none");
}

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *err)
{
	(void)r;
	(void)db;
	(void)tenant;
	return id == ID ? OK : error_set(err, ERR_NOT_FOUND, "none");
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *arena, void *row, struct error *err)
{
	(void)r;
	(void)db;
	(void)tenant;
	(void)id;
	(void)arena;
	(void)err;
	memcpy(row, &stored, sizeof(stored));
	return OK;
}

static const struct resource resource = {
	.record = &record,
	.customer_off = SIZE_MAX,
	.archived_off = offsetof(struct row, archived_at_ms),
	.slot = RESOURCE_SLOT_OWN,
	.lock = lock,
	.load = load,
};

/* arg: what it is to be. */
static enum err
turn(const struct resource *r, const struct manager *m, struct arena *arena,
    const void *row, void *arg, struct error *err)
{
	(void)r;
	(void)m;
	(void)arena;
	(void)row;
	(void)err;
	stored.is_on = *(const bool *)arg;
	return OK;
}

static enum err
act(uint64_t id, bool is_on, bool is_unseen)
{
	const struct resource_act turned = { "turn", turn, is_unseen };
	const struct manager m = { .map = map };
	struct row row;

	return resource_act(&resource, &m, id, &turned, &is_on, &a, &row, &e);
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, KIB(64));
	fixture_dir_make(&dir);
	if (hostmap_open(dir.path, true, &map, &e))
		return -1;
	stored = (struct row){ .id = ID };
	commit = OK;
	n_audited = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hostmap_close(map);
	fixture_dir_remove(&dir);
	arena_fini(&a);
	return 0;
}

static void
resource_act__done_or_uncertain__bumps_the_slot(void **state)
{
	unsigned slot = generation_key_slot(ID);

	(void)state;
	assert_ok(act(ID, true, false));
	assert_int_equal(hostmap_slot_read(map, slot), 1);
	commit = ERR_DB_UNCERTAIN; /* it may have happened */
	assert_int_equal(act(ID, false, false), ERR_DB_UNCERTAIN);
	assert_int_equal(hostmap_slot_read(map, slot), 2);
	commit = ERR_DB_DOWN;
	assert_int_equal(act(ID, true, false), ERR_DB_DOWN);
	assert_int_equal(act(ID + 1, true, false), ERR_NOT_FOUND);
	assert_int_equal(hostmap_slot_read(map, slot), 2);
	assert_int_equal(hostmap_slot_read(map, generation_key_slot(ID + 1)),
	    0);
}

static void
resource_act__changes_nothing__is_audited_only_if_unseen(void **state)
{
	(void)state;
	assert_ok(act(ID, true, false));
	assert_int_equal(n_audited, 1);
	assert_ok(act(ID, true, false));
	assert_int_equal(n_audited, 1);
	assert_ok(act(ID, true, true));
	assert_int_equal(n_audited, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    resource_act__done_or_uncertain__bumps_the_slot, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    resource_act__changes_nothing__is_audited_only_if_unseen,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
