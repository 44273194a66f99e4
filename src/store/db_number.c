/* SPDX-License-Identifier: MIT */
/* Statements that answer with one number. */
#include "store/db.h"

struct number_row {
	uint64_t n;
};
static const struct db_field number_fields[] = {
	DB_FIELD(struct number_row, n, U64),
};
static const struct db_map number_map = DB_MAP(struct number_row,
    number_fields);

enum err
db_number(struct db *db, enum stmt id, struct db_in in, uint64_t *ret,
    struct error *e)
{
	struct number_row row;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, id, in, &a, &number_map, &row, e);
	if (err == OK)
		*ret = row.n;
	arena_fini(&a);
	return err;
}
