/* SPDX-License-Identifier: MIT */
#include "store/generation.h"

#include <string.h>

struct slot_row {
	uint64_t slot;
	uint64_t generation;
};

static const struct db_field slot_fields[] = {
	DB_FIELD(struct slot_row, slot, U64),
	DB_FIELD(struct slot_row, generation, U64),
};
static const struct db_map slot_map = DB_MAP(struct slot_row, slot_fields);

enum err
store_generation_read(struct db *db, uint64_t ret[GENERATION__N],
    struct error *e)
{
	struct arena a;
	struct slot_row *rows;
	size_t n;
	enum err err;

	arena_init(&a, KIB(64));
	err = db_all(db, STMT_GENERATION_READ, DB_IN_NONE, &a, &slot_map, &rows,
	    &n, e);
	if (err == OK) {
		memset(ret, 0, GENERATION__N * sizeof(ret[0]));
		for (size_t i = 0; i < n; i++)
			if (rows[i].slot < GENERATION__N)
				ret[rows[i].slot] = rows[i].generation;
	}
	arena_fini(&a);
	return err;
}

enum err
store_generation_bump(struct db *db, unsigned slot, struct error *e)
{
	return db_exec(db, STMT_GENERATION_BUMP, DB_IN(db_u64(slot)), NULL, e);
}
