/* SPDX-License-Identifier: MIT */
#include "store/newest.h"

#include <string.h>

#include "store/store_priv.h"

void
store_newest_add(struct newest_in *in, const struct db_val *v, size_t n)
{
	ASSERT(n <= NEWEST_IN_MAX - in->n);
	memcpy(in->v + in->n, v, n * sizeof(*v));
	in->n += n;
}

void
store_newest_add_span(struct newest_in *in, const struct newest *l,
    const uint64_t *floor_id)
{
	const struct db_val id = db_u64(l->before_id);
	const struct db_val tenant = db_id(l->tenant);
	const struct db_val v[] = { DB_TWICE(db_time(l->from_ms)),
		DB_TWICE(db_time(l->to_ms)), id, tenant, tenant, id, id, tenant,
		tenant, id, id };

	store_newest_add(in, l->lead, l->n_lead);
	store_newest_add(in, v, ARRAY_LEN(v));
	for (int i = 0; floor_id && i < 3; i++)
		in->v[in->n++] = db_u64(*floor_id);
}

enum err
store_newest_reach(struct db *db, const struct newest *l, struct arena *a,
    struct newest_end *ret, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct newest_end, next_id, U64),
		DB_FIELD(struct newest_end, cut_ms, TIME),
	};
	static const struct db_map map = DB_MAP(struct newest_end, fields);
	struct db_val offset = db_u64(l->look_max - 1);
	struct newest_in in = { .n = 0 };
	enum err err;

	*ret = (struct newest_end){ 0, 0 };
	if (l->is_exact || l->look_max == 0)
		return OK;
	store_newest_add_span(&in, l, NULL);
	store_newest_add(&in, &offset, 1);
	err = db_one(db, l->reach, (struct db_in){ in.v, in.n }, a, &map, ret,
	    e);
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return OK;
}

struct newest_end
store_newest_end(struct newest_end reach, uint64_t last_id)
{
	return last_id ? (struct newest_end){ last_id, 0 } : reach;
}
