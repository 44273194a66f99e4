/* SPDX-License-Identifier: MIT */
#include "store/idempotency.h"

#include <string.h>

static const struct db_field found_fields[] = {
	DB_FIELD(struct idempotency, body, B32),
	DB_FIELD(struct idempotency, status, U64),
	DB_FIELD(struct idempotency, answer, BYTES),
};
static const struct db_map found_map = DB_MAP(struct idempotency, found_fields);

enum err
store_idempotency_find(struct db *db,
    const uint8_t claim[IDEMPOTENCY_DIGEST_BYTES], struct arena *a,
    struct idempotency *ret, struct error *e)
{
	memcpy(ret->claim, claim, IDEMPOTENCY_DIGEST_BYTES);
	return db_one(db, STMT_IDEMPOTENCY_FIND, DB_IN(db_b32(claim)), a,
	    &found_map, ret, e);
}

enum err
store_idempotency_insert(struct db *db, const struct idempotency *i,
    struct error *e)
{
	enum err err = db_exec(db, STMT_IDEMPOTENCY_FORGET,
	    DB_IN(db_b32(i->claim)), NULL, e);

	if (err)
		return err;
	return db_exec(db, STMT_IDEMPOTENCY_INSERT,
	    DB_IN(db_b32(i->claim), db_b32(i->body), db_u64(i->status),
		db_bytes(i->answer), db_u64(IDEMPOTENCY_KEEP_S)),
	    NULL, e);
}

enum err
store_idempotency_purge(struct db *db, uint64_t limit, struct error *e)
{
	return db_exec(db, STMT_IDEMPOTENCY_PURGE, DB_IN(db_u64(limit)), NULL,
	    e);
}
