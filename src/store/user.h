/* SPDX-License-Identifier: MIT */
/*
 * Table users: people who sign in. Each customer has an owner, made with it;
 * operators belong to no customer.
 */
#ifndef TG_STORE_USER_H
#define TG_STORE_USER_H

#include "store/db.h"

enum user_role {
	USER_VIEWER,    /* looks only; 0, so that what is unset may least */
	USER_DEVELOPER, /* keys, projects, agents and connectors */
	USER_BILLING,   /* looks, and pays */
	USER_OWNER,     /* everything within its customer */
	USER_OPERATOR,  /* no customer: runs the service */
	USER__N
};
extern const char *const user_role_names[USER__N];

struct user {
	uint64_t user_id;
	uint64_t customer_id; /* 0: an operator */
	struct str name;
	struct str email; /* ASCII, unique without regard to case */
	enum user_role role;
	struct str password_hash; /* crypto_pwhash_str(); p == NULL: none */
	uint64_t rate_limit_tier; /* tier_id; 0: none */
	struct str tier_name;     /* of it; read only */
	struct str time_zone;     /* of pages: a name of the tz database */
	bool is_active;
	uint64_t sign_in_failures; /* since the last success */
	int64_t sign_in_failed_at_ms;
	int64_t last_sign_in_at_ms;
	int64_t created_at_ms;
	int64_t archived_at_ms;
	bool customer_is_active; /* true for operators */
};

/**
 * @u  customer_id, name, email, role, password_hash, rate_limit_tier
 * Errors: ERR_CONFLICT the e-mail is taken; ERR_BAD_PARAM no such customer.
 */
enum err store_user_insert(struct db *db, const struct user *u,
    uint64_t *ret_user_id, struct error *e) ATTR_MUST_CHECK;
/** @tenant  0: anybody's. Errors: ERR_NOT_FOUND, also for another's user. */
enum err store_user_by_id(struct db *db, uint64_t tenant, uint64_t user_id,
    struct arena *a, struct user *ret, struct error *e) ATTR_MUST_CHECK;
/** For signing in: archived and inactive users are found too, if there is no
 * other of that e-mail. */
enum err store_user_by_email(struct db *db, struct str email, struct arena *a,
    struct user *ret, struct error *e) ATTR_MUST_CHECK;
/** The oldest active owner. Errors: ERR_NOT_FOUND. */
enum err store_user_owner_id(struct db *db, uint64_t customer_id,
    uint64_t *ret_user_id, struct error *e) ATTR_MUST_CHECK;

/** Also ends all sessions of the user and its links, and clears its
 * failures. */
enum err store_user_set_password(struct db *db, uint64_t user_id,
    struct str password_hash, struct error *e) ATTR_MUST_CHECK;
/** tier_id 0: none. Bumps the customer's generation. Errors: ERR_BAD_PARAM no
 * such tier. */
enum err store_user_set_tier(struct db *db, const struct user *u,
    uint64_t tier_id, struct error *e) ATTR_MUST_CHECK;
/** What users may change of themselves. */
enum err store_user_set_profile(struct db *db, uint64_t user_id,
    struct str name, struct str time_zone, struct error *e) ATTR_MUST_CHECK;
enum err store_user_signed_in(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;
enum err store_user_sign_in_failed(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;

/* What a list may be narrowed down to; zeros say nothing. */
struct user_filter {
	uint64_t customer_id;
	struct str role; /* one of user_role_names */
	struct str email;
	bool with_archived;
};
/** Up to limit users with ids above after_id. @tenant  0: everybody's */
enum err store_user_page(struct db *db, uint64_t tenant,
    const struct user_filter *f, uint64_t after_id, uint64_t limit,
    struct arena *a, struct user **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** In a transaction. Errors: ERR_NOT_FOUND, also for another's user. */
enum err store_user_lock(struct db *db, uint64_t tenant, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;
/** Whether the customer has an active owner besides this user. */
enum err store_user_has_other_owner(struct db *db, uint64_t customer_id,
    uint64_t user_id, bool *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * Write name, role, rate_limit_tier and is_active. Another role or activity
 * ends the user's sessions. Bumps the customer's generation, as keys are cached
 * with their user's rights.
 * Errors: ERR_NOT_FOUND archived.
 */
enum err store_user_update(struct db *db, const struct user *u,
    struct error *e) ATTR_MUST_CHECK;
/** Of u, user_id and customer_id. Errors: ERR_NOT_FOUND. */
enum err store_user_archive(struct db *db, const struct user *u,
    struct error *e) ATTR_MUST_CHECK;

#endif
