/* SPDX-License-Identifier: MIT */
/*
 * Tables api_keys, api_key_models, api_key_uses: customers' keys. The secret
 * itself is never here, only its keyed digest. Every change that can take
 * rights away bumps the key's generation in the same transaction; the caller
 * bumps the host's mapped slot after it.
 */
#ifndef TG_STORE_KEY_H
#define TG_STORE_KEY_H

#include "base/limit_set.h"
#include "store/db.h"

#define KEY_PUBLIC_ID_BYTES 10
#define KEY_DIGEST_BYTES    32
#define KEY_NAME_BYTES      200

/* Bits of api_keys.scopes, in the order of its SET. */
enum key_scope {
	KEY_SCOPE_INFER = 1 << 0,
	KEY_SCOPE_USAGE_READ = 1 << 1,
	KEY_SCOPE_USAGE_WRITE = 1 << 2,
	KEY_SCOPE_KEYS_READ = 1 << 3,
	KEY_SCOPE_KEYS_WRITE = 1 << 4,
	KEY_SCOPE_MANAGE = 1 << 5,
};
#define KEY_SCOPE__ALL 0x3f

/* A key as its owner sees it. */
struct key {
	uint64_t api_key_id;
	uint64_t customer_id;
	uint64_t user_id;
	uint64_t project_id; /* 0: none */
	struct str public_id;
	struct str name;
	uint64_t scopes; /* of enum key_scope */
	bool is_active;
	bool all_models;               /* also models that come later */
	uint64_t rate_limit_tier;      /* tier_id; 0: none */
	int64_t rate_limit_per_minute; /* -1: says nothing */
	int64_t rate_limit_per_hour;
	int64_t expires_at_ms;   /* 0: never */
	int64_t revoked_at_ms;   /* 0: not revoked */
	int64_t last_used_at_ms; /* 0: never */
	int64_t created_at_ms;
};

/* A key as it is authenticated: with what its customer and user add. */
struct key_auth {
	uint64_t api_key_id;
	uint64_t customer_id;
	uint64_t user_id;
	uint64_t project_id;
	struct str public_id;
	struct str name;
	uint64_t scopes;
	bool is_active;
	bool all_models;
	uint64_t rate_limit_tier;
	int64_t rate_limit_per_minute;
	int64_t rate_limit_per_hour;
	int64_t expires_at_ms;
	int64_t revoked_at_ms;
	uint64_t user_rate_limit_tier;
	uint64_t role_rate_limit_tier; /* of the user's role */
	bool user_is_active;
	int64_t customer_rate_limit_per_minute;
	int64_t customer_rate_limit_per_hour;
	uint64_t customer_markup_ppm;
	bool customer_is_active;
	uint64_t *model_ids; /* sorted; ignored with all_models */
	size_t n_models;
};

struct key_new {
	uint64_t customer_id;
	uint64_t user_id; /* 0: the customer's owner */
	uint64_t project_id;
	struct str public_id; /* KEY_PUBLIC_ID_BYTES */
	uint8_t digest[KEY_DIGEST_BYTES];
	uint64_t pepper_id;
	struct str name;
	uint64_t scopes;
	bool all_models;
	const uint64_t *model_ids;
	size_t n_models;
	uint64_t rate_limit_tier;
	int64_t rate_limit_per_minute;
	int64_t rate_limit_per_hour;
	struct limit_set limits; /* the others; store/limit.h */
	int64_t expires_at_ms;
};

/**
 * The key, its models and limits in one transaction.
 * Errors: ERR_CONFLICT public id or digest taken (draw another key);
 *         ERR_BAD_PARAM a reference (user, project, model, tier) is not
 *         there; ERR_NOT_FOUND the customer has no owner.
 */
enum err store_key_insert(struct db *db, const struct key_new *k,
    uint64_t *ret_api_key_id, struct error *e) ATTR_MUST_CHECK;

/** Errors: ERR_NOT_FOUND no such digest. Memory: texts and models in a. */
enum err store_key_by_digest(struct db *db,
    const uint8_t digest[KEY_DIGEST_BYTES], struct arena *a,
    struct key_auth *ret, struct error *e) ATTR_MUST_CHECK;

/** customer_id 0: whoever's it is (operators). Errors: ERR_NOT_FOUND. */
enum err store_key_by_id(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, struct arena *a, struct key *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err store_key_by_public_id(struct db *db, struct str public_id,
    struct arena *a, struct key *ret, struct error *e) ATTR_MUST_CHECK;
/** Up to limit keys of a customer with ids above after_id. */
enum err store_key_list(struct db *db, uint64_t customer_id, uint64_t after_id,
    uint64_t limit, struct arena *a, struct key **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Ids of the models that a key lists, sorted. */
enum err store_key_models(struct db *db, uint64_t api_key_id, struct arena *a,
    uint64_t **ret_model_ids, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/**
 * Invert is_active, or set it.
 * @customer_id  as in store_key_by_id()
 * @want         0 or 1; -1 inverts
 * Errors: ERR_NOT_FOUND; ERR_CONFLICT the key is revoked or expired.
 */
enum err store_key_toggle(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, int want, bool *ret_is_active,
    struct error *e) ATTR_MUST_CHECK;
/** For good. Revoking twice is no error and keeps the first time. */
enum err store_key_revoke(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, struct error *e) ATTR_MUST_CHECK;
/** Replace the list of models. */
enum err store_key_set_models(struct db *db, uint64_t api_key_id,
    bool all_models, const uint64_t *model_ids, size_t n,
    struct error *e) ATTR_MUST_CHECK;

/* When a key was last used; kept in a table of its own, so that the flusher
 * never locks rows that people change. */
struct key_use {
	uint64_t api_key_id;
	int64_t last_used_at_ms;
};
/** Later times win. @uses  one entry a key, sorted by api_key_id */
enum err store_key_touch(struct db *db, const struct key_use *uses, size_t n,
    struct error *e) ATTR_MUST_CHECK;

#endif
