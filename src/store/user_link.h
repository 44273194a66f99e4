/* SPDX-License-Identifier: MIT */
/*
 * Table user_links: links by which a user sets a password without knowing
 * one, as keyed digests. What is there is good until its time is up.
 */
#ifndef TG_STORE_USER_LINK_H
#define TG_STORE_USER_LINK_H

#include "store/db.h"

#define USER_LINK_DIGEST_BYTES 32

enum user_link_kind {
	USER_LINK_INVITATION,
	USER_LINK_RESET,
	USER_LINK__N
};
extern const char *const user_link_kind_names[USER_LINK__N];

/* One that is good, with its user. */
struct user_link {
	uint64_t user_id;
	struct str user_email;
	enum user_link_kind kind;
	int64_t expires_at_ms;
};

/** Writes nothing where there is no such user who may sign in. */
enum err store_user_link_insert(struct db *db, uint64_t user_id,
    enum user_link_kind kind, const uint8_t digest[USER_LINK_DIGEST_BYTES],
    uint64_t valid_s, struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND none, over, or its user may not sign in. */
enum err store_user_link_by_digest(struct db *db,
    const uint8_t digest[USER_LINK_DIGEST_BYTES], struct arena *a,
    struct user_link *ret, struct error *e) ATTR_MUST_CHECK;
/** Take it: of several who try, one does. Errors: ERR_NOT_FOUND. */
enum err store_user_link_take(struct db *db,
    const uint8_t digest[USER_LINK_DIGEST_BYTES],
    struct error *e) ATTR_MUST_CHECK;
enum err store_user_link_delete_of_user(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;
/** Remove up to 1,000 whose time is up. */
enum err store_user_link_delete_expired(struct db *db,
    struct error *e) ATTR_MUST_CHECK;

#endif
