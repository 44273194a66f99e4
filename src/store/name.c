/* SPDX-License-Identifier: MIT */
#include "store/name.h"

static const struct {
	enum stmt list, called, find;
} stmts[NAME__N] = {
	[NAME_KEY] = { STMT_NAME_LIST_KEY, STMT_NAME_CALLED_KEY,
	    STMT_NAME_FIND_KEY },
	[NAME_USER] = { STMT_NAME_LIST_USER, STMT_NAME_CALLED_USER,
	    STMT_NAME_FIND_USER },
	[NAME_PROJECT] = { STMT_NAME_LIST_PROJECT, STMT_NAME_CALLED_PROJECT,
	    STMT_NAME_FIND_PROJECT },
	[NAME_AGENT] = { STMT_NAME_LIST_AGENT, STMT_NAME_CALLED_AGENT,
	    STMT_NAME_FIND_AGENT },
	[NAME_CONNECTOR] = { STMT_NAME_LIST_CONNECTOR,
	    STMT_NAME_CALLED_CONNECTOR, STMT_NAME_FIND_CONNECTOR },
	[NAME_MODEL] = { STMT__MAX, STMT__MAX, STMT_NAME_FIND_MODEL },
	[NAME_PROVIDER] = { STMT__MAX, STMT__MAX, STMT_NAME_FIND_PROVIDER },
	[NAME_CUSTOMER] = { STMT_NAME_LIST_CUSTOMER, STMT_NAME_CALLED_CUSTOMER,
	    STMT_NAME_FIND_CUSTOMER },
};

static const struct db_field name_fields[] = {
	DB_FIELD(struct name, id, U64),
	DB_FIELD(struct name, name, STR),
};
static const struct db_map name_map = DB_MAP(struct name, name_fields);

enum err
store_name_list(struct db *db, enum name_kind kind, uint64_t customer_id,
    uint64_t limit, struct arena *a, struct name **ret, size_t *ret_n,
    struct error *e)
{
	ASSERT(stmts[kind].list != STMT__MAX);
	return db_all(db, stmts[kind].list,
	    DB_IN(db_u64(customer_id), db_u64(limit)), a, &name_map, ret, ret_n,
	    e);
}

enum err
store_name_called(struct db *db, enum name_kind kind, uint64_t customer_id,
    const struct name_called *by, uint64_t limit, struct arena *a,
    struct name **ret, size_t *ret_n, struct error *e)
{
	ASSERT(stmts[kind].called != STMT__MAX);
	return db_all(db, stmts[kind].called,
	    DB_IN(db_u64(customer_id), db_str(by->name), db_u64(by->id),
		db_str(by->also), db_u64(limit)),
	    a, &name_map, ret, ret_n, e);
}

enum err
store_name_find(struct db *db, enum name_kind kind, uint64_t customer_id,
    const uint64_t *ids, size_t n, struct arena *a, struct name **ret,
    size_t *ret_n, struct error *e)
{
	struct db_val in[NAME_FIND_MAX + 1];

	ASSERT(n >= 1 && n <= NAME_FIND_MAX);
	in[0] = db_u64(customer_id);
	/* The statement has a fixed number of parameters: repeat the last. */
	for (size_t i = 0; i < NAME_FIND_MAX; i++)
		in[i + 1] = db_u64(ids[i < n ? i : n - 1]);
	return db_all(db, stmts[kind].find, (struct db_in){ in, ARRAY_LEN(in) },
	    a, &name_map, ret, ret_n, e);
}
