/* SPDX-License-Identifier: MIT */
/*
 * Table sessions: signed-in browsers. The cookie's random id is stored as a
 * keyed digest only.
 */
#ifndef TG_STORE_SESSION_H
#define TG_STORE_SESSION_H

#include "store/user.h"

#define SESSION_DIGEST_BYTES 32

struct session_new {
	uint8_t digest[SESSION_DIGEST_BYTES];
	uint64_t user_id;
	uint64_t max_s; /* absolute life */
	struct str client_address;
	struct str user_agent; /* cut to 255 bytes by the caller */
};

/* A live session with its user. */
struct session {
	uint64_t session_id;
	uint64_t user_id;
	uint64_t customer_id; /* 0: an operator */
	enum user_role role;
	struct str user_name;
	struct str user_email;
	struct str time_zone;
	int64_t created_at_ms;
	int64_t last_seen_at_ms;
	int64_t expires_at_ms;
};

enum err store_session_insert(struct db *db, const struct session_new *s,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Only while neither the absolute nor the idle time is over, and user and
 * customer are active. Errors: ERR_NOT_FOUND. Memory: texts in a.
 */
enum err store_session_by_digest(struct db *db,
    const uint8_t digest[SESSION_DIGEST_BYTES], uint64_t idle_s,
    struct arena *a, struct session *ret, struct error *e) ATTR_MUST_CHECK;
/** Seen now. Worth calling once a minute, not on each request. */
enum err store_session_touch(struct db *db, uint64_t session_id,
    struct error *e) ATTR_MUST_CHECK;
/** Sign out. */
enum err store_session_delete(struct db *db,
    const uint8_t digest[SESSION_DIGEST_BYTES],
    struct error *e) ATTR_MUST_CHECK;
enum err store_session_delete_of_user(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;
/** All of the user's but that one. */
enum err store_session_delete_others(struct db *db, uint64_t user_id,
    uint64_t session_id, struct error *e) ATTR_MUST_CHECK;
/** That one, if it is the user's. */
enum err store_session_delete_one(struct db *db, uint64_t user_id,
    uint64_t session_id, struct error *e) ATTR_MUST_CHECK;

/* A browser as its user sees it. */
struct session_listed {
	uint64_t session_id;
	int64_t created_at_ms;
	int64_t last_seen_at_ms;
	struct str client_address; /* p == NULL: unknown */
	struct str user_agent;     /* as it came; may be empty */
};
/** The user's live ones, the last seen first, at most limit. */
enum err store_session_list(struct db *db, uint64_t user_id, uint64_t idle_s,
    uint64_t limit, struct arena *a, struct session_listed **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Remove up to 1,000 that are past their absolute life. */
enum err store_session_delete_expired(struct db *db,
    struct error *e) ATTR_MUST_CHECK;

#endif
