/* SPDX-License-Identifier: MIT */
#include "store/idempotency.h"

#include <string.h>

static const struct db_field found_fields[] = {
	DB_FIELD(struct idempotency, body, B32),
	DB_FIELD(struct idempotency, request_id.b, B16),
	DB_FIELD(struct idempotency, status, U64),
	DB_FIELD(struct idempotency, answer, BYTES),
	DB_FIELD(struct idempotency, cost_pusd, MONEY),
};
static const struct db_map found_map = DB_MAP(struct idempotency, found_fields);

enum err
store_idempotency_find(struct db *db,
    const uint8_t claim[IDEMPOTENCY_DIGEST_BYTES], uint64_t customer_id,
    struct arena *a, struct idempotency *ret, struct error *e)
{
	enum err err = db_one(db, STMT_IDEMPOTENCY_FIND,
	    DB_IN(db_b32(claim), db_id(customer_id)), a, &found_map, ret, e);

	memcpy(ret->claim, claim, IDEMPOTENCY_DIGEST_BYTES);
	ret->customer_id = customer_id;
	return err;
}

enum err
store_idempotency_insert(struct db *db, const struct idempotency *i,
    uint64_t keep_s, struct error *e)
{
	enum err err = db_exec(db, STMT_IDEMPOTENCY_FORGET,
	    DB_IN(db_b32(i->claim), db_id(i->customer_id)), NULL, e);

	if (err)
		return err;
	return db_exec(db, STMT_IDEMPOTENCY_INSERT,
	    DB_IN(db_b32(i->claim), db_id(i->customer_id), db_b32(i->body),
		db_b16(i->request_id.b), db_u64(i->status), db_bytes(i->answer),
		db_money(i->cost_pusd), db_u64(keep_s)),
	    NULL, e);
}

enum err
store_idempotency_keep(struct db *db, const struct idempotency *i,
    bool *ret_is_ours, struct error *e)
{
	uint64_t n = 0;
	enum err err = db_exec(db, STMT_IDEMPOTENCY_KEEP,
	    DB_IN(db_u64(i->status), db_bytes(i->answer),
		db_money(i->cost_pusd), db_u64(IDEMPOTENCY_KEEP_S),
		db_b32(i->claim), db_id(i->customer_id),
		db_b16(i->request_id.b)),
	    &n, e);

	*ret_is_ours = n > 0;
	return err;
}

enum err
store_idempotency_release(struct db *db, uint64_t customer_id,
    const struct uuid7 *request_id, struct error *e)
{
	return db_exec(db, STMT_IDEMPOTENCY_RELEASE,
	    DB_IN(db_id(customer_id), db_b16(request_id->b)), NULL, e);
}

enum err
store_idempotency_purge(struct db *db, uint64_t limit, uint64_t *ret_n,
    struct error *e)
{
	return db_exec(db, STMT_IDEMPOTENCY_PURGE, DB_IN(db_u64(limit)), ret_n,
	    e);
}
