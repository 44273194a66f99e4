/* SPDX-License-Identifier: MIT */
#include "store/user_link.h"

#include "store/store_priv.h"

const char *const user_link_kind_names[USER_LINK__N] = { "invitation",
	"reset" };

static const struct db_field link_fields[] = {
	DB_FIELD(struct user_link, user_id, U64),
	DB_FIELD(struct user_link, user_email, STR),
	DB_FIELD_ENUM(struct user_link, kind, user_link_kind_names),
	DB_FIELD(struct user_link, expires_at_ms, TIME),
};
static const struct db_map link_map = DB_MAP(struct user_link, link_fields);

enum err
store_user_link_insert(struct db *db, uint64_t user_id,
    enum user_link_kind kind, const uint8_t digest[USER_LINK_DIGEST_BYTES],
    uint64_t valid_s, struct error *e)
{
	return db_exec(db, STMT_USER_LINK_INSERT,
	    DB_IN(db_str(str_from(user_link_kind_names[kind])), db_b32(digest),
		db_u64(valid_s), db_u64(user_id)),
	    NULL, e);
}

enum err
store_user_link_by_digest(struct db *db,
    const uint8_t digest[USER_LINK_DIGEST_BYTES], struct arena *a,
    struct user_link *ret, struct error *e)
{
	return db_one(db, STMT_USER_LINK_BY_DIGEST, DB_IN(db_b32(digest)), a,
	    &link_map, ret, e);
}

enum err
store_user_link_take(struct db *db,
    const uint8_t digest[USER_LINK_DIGEST_BYTES], struct error *e)
{
	uint64_t n;
	enum err err = db_exec(db, STMT_USER_LINK_TAKE, DB_IN(db_b32(digest)),
	    &n, e);

	if (!err && n == 0)
		return error_set(e, ERR_NOT_FOUND, "no such link");
	return err;
}

enum err
store_user_link_delete_of_user(struct db *db, uint64_t user_id, struct error *e)
{
	return db_exec(db, STMT_USER_LINK_DELETE_OF_USER,
	    DB_IN(db_u64(user_id)), NULL, e);
}

enum err
store_user_link_delete_expired(struct db *db, struct error *e)
{
	return db_exec(db, STMT_USER_LINK_DELETE_EXPIRED, DB_IN_NONE, NULL, e);
}
