/* SPDX-License-Identifier: MIT */
/*
 * Tables second_factors and recovery_codes: what a user proves besides the
 * password. Secrets are sealed by the caller, codes are keyed digests.
 */
#ifndef TG_STORE_SECOND_FACTOR_H
#define TG_STORE_SECOND_FACTOR_H

#include "store/db.h"

#define RECOVERY_DIGEST_BYTES 32

struct second_factor {
	struct str sealed;
	uint64_t used_step; /* 30 s each since 1970; of the last code taken */
	bool is_confirmed; /* false: it is being set up, and asks for nothing */
	uint64_t n_recovery_codes;
};

/** Errors: ERR_NOT_FOUND there is none. Memory: in a. */
enum err store_factor_by_user(struct db *db, uint64_t user_id, struct arena *a,
    struct second_factor *ret, struct error *e) ATTR_MUST_CHECK;
/** In a transaction. Errors: ERR_NOT_FOUND. */
enum err store_factor_lock(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;
/** Begin, or begin anew; what is confirmed stays so: that is the caller's. */
enum err store_factor_put(struct db *db, uint64_t user_id, struct str sealed,
    uint64_t seal_key_id, struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_CONFLICT a code of that step or a later one was taken. */
enum err store_factor_take_step(struct db *db, uint64_t user_id, uint64_t step,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_CONFLICT it was confirmed before. */
enum err store_factor_confirm(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;
enum err store_factor_reseal(struct db *db, uint64_t user_id, struct str sealed,
    uint64_t seal_key_id, struct error *e) ATTR_MUST_CHECK;
/** With its recovery codes. Errors: ERR_NOT_FOUND there is none. */
enum err store_factor_delete(struct db *db, uint64_t user_id,
    struct error *e) ATTR_MUST_CHECK;

struct factor_user {
	uint64_t user_id;
};
/** Who has one, by id, above after_id, at most limit. */
enum err store_factor_users(struct db *db, uint64_t after_id, uint64_t limit,
    struct arena *a, struct factor_user **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

enum err store_recovery_insert(struct db *db, uint64_t user_id,
    const uint8_t digest[RECOVERY_DIGEST_BYTES],
    struct error *e) ATTR_MUST_CHECK;
/** Use one up. Errors: ERR_NOT_FOUND. */
enum err store_recovery_take(struct db *db, uint64_t user_id,
    const uint8_t digest[RECOVERY_DIGEST_BYTES],
    struct error *e) ATTR_MUST_CHECK;

#endif
