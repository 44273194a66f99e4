/* SPDX-License-Identifier: MIT */
#include "store/project.h"

#include "store/store_priv.h"

/* Rows of one number. */
static const struct db_field id_fields[] = { { .type = DB_U64 } };
static const struct db_map id_map = DB_MAP(uint64_t, id_fields);

enum err
store_project_check(struct db *db, uint64_t customer_id, uint64_t project_id,
    struct error *e)
{
	uint64_t found;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_PROJECT_CHECK,
	    DB_IN(db_u64(customer_id), db_u64(project_id)), &a, &id_map, &found,
	    e);
	arena_fini(&a);
	return err;
}
