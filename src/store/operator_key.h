/* SPDX-License-Identifier: MIT */
/*
 * Table operator_keys: keys tga_… that run the service. A table of its own,
 * so that no query for a customer's key can ever return one, api_keys can
 * insist on a customer, and usage can't be booked on one.
 */
#ifndef TG_STORE_OPERATOR_KEY_H
#define TG_STORE_OPERATOR_KEY_H

#include "store/key.h"

struct operator_key {
	uint64_t operator_key_id;
	struct str public_id;
	struct str name;
	bool is_active;
	int64_t expires_at_ms; /* 0: never */
	int64_t revoked_at_ms; /* 0: not revoked */
	int64_t last_used_at_ms;
	int64_t created_at_ms;
};

struct operator_key_new {
	struct str public_id;
	uint8_t digest[KEY_DIGEST_BYTES];
	uint64_t pepper_id;
	struct str name;
	int64_t expires_at_ms;
};

/** Errors: ERR_CONFLICT public id or digest taken. */
enum err store_operator_key_insert(struct db *db,
    const struct operator_key_new *k, uint64_t *ret_operator_key_id,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. */
enum err store_operator_key_by_digest(struct db *db,
    const uint8_t digest[KEY_DIGEST_BYTES], struct arena *a,
    struct operator_key *ret, struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. */
enum err store_operator_key_by_id(struct db *db, uint64_t operator_key_id,
    struct arena *a, struct operator_key *ret, struct error *e) ATTR_MUST_CHECK;
/** In a transaction. Errors: ERR_NOT_FOUND. */
enum err store_operator_key_lock(struct db *db, uint64_t operator_key_id,
    struct error *e) ATTR_MUST_CHECK;
enum err store_operator_key_list(struct db *db, struct arena *a,
    struct operator_key **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** Also bumps the generation of generation_key_slot(id). */
enum err store_operator_key_revoke(struct db *db, uint64_t operator_key_id,
    struct error *e) ATTR_MUST_CHECK;
enum err store_operator_key_touch(struct db *db, uint64_t operator_key_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
