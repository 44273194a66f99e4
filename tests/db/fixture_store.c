/* SPDX-License-Identifier: MIT */
#include "db/fixture_store.h"

#include "store/generation.h"

struct fixture store_fixture;
unsigned serial;

static struct fixture *const f = &store_fixture;

int
store_setup(void **state)
{
	(void)state;
	fixture_init(f, FIXTURE_APP);
	serial++;
	return 0;
}

int
store_teardown(void **state)
{
	(void)state;
	assert_false(db_in_txn(f->db));
	fixture_fini(f);
	return 0;
}

uint64_t
generation(unsigned slot)
{
	static uint64_t all[GENERATION__N];

	assert_db_ok(f, store_generation_read(f->db, all, &f->e));
	return all[slot];
}
