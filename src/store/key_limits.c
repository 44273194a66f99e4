/* SPDX-License-Identifier: MIT */
/* What may limit keys, by the layers that state it. */
#include "store/key_priv.h"

static const struct db_field limits_fields[] = {
	DB_FIELD(struct key_limits, api_key_id, U64),
	KEY_LAYER_FIELDS(struct key_limits),
};
static const struct db_map limits_map = DB_MAP(struct key_limits,
    limits_fields);

enum err
store_key_limits(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    uint64_t limit, struct arena *a, struct key_limits **ret, size_t *ret_n,
    struct error *e)
{
	if (api_key_id)
		return db_all(db, STMT_KEY_LIMITS_ONE,
		    DB_IN(db_u64(api_key_id), db_u64(customer_id)), a,
		    &limits_map, ret, ret_n, e);
	return db_all(db, STMT_KEY_LIMITS,
	    DB_IN(db_u64(customer_id), db_u64(limit)), a, &limits_map, ret,
	    ret_n, e);
}

enum err
store_key_limits_some(struct db *db, uint64_t customer_id, const uint64_t *ids,
    size_t n, struct arena *a, struct key_limits **ret, size_t *ret_n,
    struct error *e)
{
	struct db_val in[1 + KEY_SOME_MAX] = { db_u64(customer_id) };

	store_key_some(ids, n, in + 1);
	return db_all(db, STMT_KEY_LIMITS_SOME,
	    (struct db_in){ in, ARRAY_LEN(in) }, a, &limits_map, ret, ret_n, e);
}
