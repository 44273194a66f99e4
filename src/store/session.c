/* SPDX-License-Identifier: MIT */
#include "store/session.h"

static const struct db_field session_fields[] = {
	DB_FIELD(struct session, session_id, U64),
	DB_FIELD(struct session, user_id, U64),
	DB_FIELD(struct session, customer_id, ID),
	DB_FIELD_ENUM(struct session, role, user_role_names),
	DB_FIELD(struct session, user_name, STR),
	DB_FIELD(struct session, user_email, STR),
	DB_FIELD(struct session, time_zone, STR),
	DB_FIELD(struct session, created_at_ms, TIME),
	DB_FIELD(struct session, last_seen_at_ms, TIME),
	DB_FIELD(struct session, expires_at_ms, TIME),
};
static const struct db_map session_map = DB_MAP(struct session, session_fields);

static const struct db_field listed_fields[] = {
	DB_FIELD(struct session_listed, session_id, U64),
	DB_FIELD(struct session_listed, created_at_ms, TIME),
	DB_FIELD(struct session_listed, last_seen_at_ms, TIME),
	DB_FIELD(struct session_listed, client_address, STR),
	DB_FIELD(struct session_listed, user_agent, STR),
};
static const struct db_map listed_map = DB_MAP(struct session_listed,
    listed_fields);

enum err
store_session_insert(struct db *db, const struct session_new *s,
    struct error *e)
{
	return db_exec(db, STMT_SESSION_INSERT,
	    DB_IN(db_b32(s->digest), db_u64(s->user_id), db_u64(s->max_s),
		db_str(s->client_address), db_str(s->user_agent)),
	    NULL, e);
}

enum err
store_session_by_digest(struct db *db,
    const uint8_t digest[SESSION_DIGEST_BYTES], uint64_t idle_s,
    struct arena *a, struct session *ret, struct error *e)
{
	return db_one(db, STMT_SESSION_BY_DIGEST,
	    DB_IN(db_b32(digest), db_u64(idle_s)), a, &session_map, ret, e);
}

enum err
store_session_touch(struct db *db, uint64_t session_id, struct error *e)
{
	return db_exec(db, STMT_SESSION_TOUCH, DB_IN(db_u64(session_id)), NULL,
	    e);
}

enum err
store_session_delete(struct db *db, const uint8_t digest[SESSION_DIGEST_BYTES],
    struct error *e)
{
	return db_exec(db, STMT_SESSION_DELETE, DB_IN(db_b32(digest)), NULL, e);
}

enum err
store_session_delete_of_user(struct db *db, uint64_t user_id, struct error *e)
{
	return db_exec(db, STMT_SESSION_DELETE_OF_USER, DB_IN(db_u64(user_id)),
	    NULL, e);
}

enum err
store_session_delete_others(struct db *db, uint64_t user_id,
    uint64_t session_id, struct error *e)
{
	return db_exec(db, STMT_SESSION_DELETE_OTHERS,
	    DB_IN(db_u64(user_id), db_u64(session_id)), NULL, e);
}

enum err
store_session_delete_one(struct db *db, uint64_t user_id, uint64_t session_id,
    struct error *e)
{
	return db_exec(db, STMT_SESSION_DELETE_ONE,
	    DB_IN(db_u64(user_id), db_u64(session_id)), NULL, e);
}

enum err
store_session_list(struct db *db, uint64_t user_id, uint64_t idle_s,
    uint64_t limit, struct arena *a, struct session_listed **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_SESSION_LIST,
	    DB_IN(db_u64(user_id), db_u64(idle_s), db_u64(limit)), a,
	    &listed_map, ret, ret_n, e);
}

enum err
store_session_delete_expired(struct db *db, struct error *e)
{
	return db_exec(db, STMT_SESSION_DELETE_EXPIRED, DB_IN_NONE, NULL, e);
}
