/* SPDX-License-Identifier: MIT */
#include "store/webhook.h"

static const struct db_field secret_fields[] = {
	DB_FIELD(struct webhook_secret, webhook_secret_id, U64),
	DB_FIELD(struct webhook_secret, customer_id, U64),
	DB_FIELD(struct webhook_secret, sealed, BYTES),
	DB_FIELD(struct webhook_secret, expires_at_ms, TIME),
};
static const struct db_map secret_map = DB_MAP(struct webhook_secret,
    secret_fields);

enum err
store_webhook_secrets(struct db *db, uint64_t customer_id, struct arena *a,
    struct webhook_secret **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_WEBHOOK_SECRETS, DB_IN(db_u64(customer_id)), a,
	    &secret_map, ret, ret_n, e);
}

enum err
store_webhook_secret_rotate(struct db *db, uint64_t customer_id,
    struct str sealed, uint64_t seal_key_id, uint64_t grace_s, struct error *e)
{
	enum err err = db_exec(db, STMT_WEBHOOK_SECRET_FORGET,
	    DB_IN(db_u64(customer_id)), NULL, e);

	if (!err)
		err = db_exec(db, STMT_WEBHOOK_SECRET_END,
		    DB_IN(db_u64(grace_s), db_u64(customer_id)), NULL, e);
	if (!err)
		err = db_exec(db, STMT_WEBHOOK_SECRET_INSERT,
		    DB_IN(db_u64(customer_id), db_bytes(sealed),
			db_u64(seal_key_id)),
		    NULL, e);
	return err;
}

enum err
store_webhook_secret_list(struct db *db, uint64_t after_id, uint64_t limit,
    struct arena *a, struct webhook_secret **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_WEBHOOK_SECRET_LIST,
	    DB_IN(db_u64(after_id), db_u64(limit)), a, &secret_map, ret, ret_n,
	    e);
}

enum err
store_webhook_secret_reseal(struct db *db, uint64_t webhook_secret_id,
    struct str sealed, uint64_t seal_key_id, struct error *e)
{
	return db_exec(db, STMT_WEBHOOK_SECRET_RESEAL,
	    DB_IN(db_bytes(sealed), db_u64(seal_key_id),
		db_u64(webhook_secret_id)),
	    NULL, e);
}
