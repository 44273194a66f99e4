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
#include "store/user.h"

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
#define KEY_SCOPE__N   6
extern const char *const key_scope_names[KEY_SCOPE__N]; /* by their bits */

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
	bool all_models;                /* also models that come later */
	struct str allowed_ips;         /* with commas; p == NULL: anywhere */
	uint64_t rate_limit_tier;       /* tier_id; 0: none */
	struct str tier_name;           /* of it; read only */
	struct limit_set limits;        /* its own */
	int64_t expires_at_ms;          /* 0: never */
	int64_t revoked_at_ms;          /* 0: not revoked */
	struct str previous_public_id;  /* before the last rotation */
	int64_t previous_expires_at_ms; /* until when that one is valid too;
					   0: there is none */
	int64_t last_used_at_ms;        /* 0: never */
	int64_t created_at_ms;
	struct str models;  /* ids with commas; read only, and nothing without
			      a list */
	bool is_idempotent; /* its inference heeds Idempotency-Key */
};

/* Who may state a key's limits, nearest first. */
enum key_limit_layer {
	KEY_LIMITS_OWN,
	KEY_LIMITS_TIER,
	KEY_LIMITS_USER_TIER,
	KEY_LIMITS_ROLE_TIER,
	KEY_LIMITS_CUSTOMER,
	KEY_LIMITS__N
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
	bool all_models;
	int64_t expires_at_ms;
	uint64_t customer_markup_ppm;
	enum user_role user_role;
	struct str allowed_ips; /* p == NULL: anywhere */
	bool is_idempotent;
	struct limit_set layers[KEY_LIMITS__N];
	uint64_t *model_ids; /* sorted; ignored with all_models */
	size_t n_models;
	/* Revoked, expired or switched off, or its user, project or customer
	 * is; then nothing else is set but api_key_id and customer_id. */
	bool is_refused;
};

struct key_new {
	uint64_t customer_id;
	uint64_t user_id; /* 0: the customer's owner */
	uint64_t project_id;
	struct str public_id; /* KEY_PUBLIC_ID_BYTES */
	/* What its public id shall be, so that it can be made only once; p ==
	 * NULL: it is drawn. */
	struct str wanted_public_id;
	uint8_t digest[KEY_DIGEST_BYTES];
	uint64_t pepper_id;
	struct str name;
	uint64_t scopes;
	bool all_models;
	const uint64_t *model_ids;
	size_t n_models;
	struct str allowed_ips; /* as in struct key */
	uint64_t rate_limit_tier;
	struct limit_set limits;
	int64_t expires_at_ms;
	bool is_idempotent;
};

/**
 * The key, its models and limits in one transaction.
 * Errors: ERR_CONFLICT public id or digest taken (draw another key);
 *         ERR_BAD_PARAM a reference (user, project, model, tier) is not
 *         there; ERR_NOT_FOUND the customer has no owner.
 */
enum err store_key_insert(struct db *db, const struct key_new *k,
    uint64_t *ret_api_key_id, struct error *e) ATTR_MUST_CHECK;

/** By its digest, or, while a rotation's grace lasts, by the one before;
 * public_id and expires_at_ms are then that one's. A key that is refused and
 * one that is not there take the same statements: the time of a refusal must
 * not tell which it was.
 * Errors: ERR_NOT_FOUND no such digest. Memory: texts and models in a. */
enum err store_key_by_digest(struct db *db,
    const uint8_t digest[KEY_DIGEST_BYTES], struct arena *a,
    struct key_auth *ret, struct error *e) ATTR_MUST_CHECK;

/** The digest of a customer's key: for who acts as it without its secret.
 * Errors: ERR_NOT_FOUND, also for another's key. @a  scratch */
enum err store_key_digest(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, struct arena *a, uint8_t ret[KEY_DIGEST_BYTES],
    struct error *e) ATTR_MUST_CHECK;

/** customer_id 0: whoever's it is (operators). Errors: ERR_NOT_FOUND. */
enum err store_key_by_id(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, struct arena *a, struct key *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err store_key_by_public_id(struct db *db, struct str public_id,
    struct arena *a, struct key *ret, struct error *e) ATTR_MUST_CHECK;

/* What a key's usage cost, as far as it is booked. */
struct key_spend {
	int64_t day_pusd, month_pusd;
};
/** @day_ms, @month_ms  their beginnings */
enum err store_key_spend(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, int64_t day_ms, int64_t month_ms, struct arena *a,
    struct key_spend *ret, struct error *e) ATTR_MUST_CHECK;

/* The same of one key among many. */
struct key_cost {
	uint64_t api_key_id;
	int64_t cost_pusd;
};
/** Of those among some of a customer's keys that were used in the month that
 * begins at month_ms, by id. @n  1..KEY_SOME_MAX */
enum err store_key_costs_some(struct db *db, uint64_t customer_id,
    int64_t month_ms, const uint64_t *ids, size_t n, struct arena *a,
    struct key_cost **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

enum key_state {
	KEY_ACTIVE,
	KEY_INACTIVE, /* switched off */
	KEY_EXPIRED,
	KEY_REVOKED,
	KEY_STATE__N
};
extern const char *const key_state_names[KEY_STATE__N];
enum key_state key_state(const struct key *k, int64_t now_ms);

/* What a list may be narrowed down to; zeros say nothing. from is inclusive,
 * to is not. */
struct key_filter {
	uint64_t customer_id;
	uint64_t project_id;
	uint64_t user_id;
	struct str name;
	struct str prefix; /* of the public id: base62 only */
	struct str tier;   /* its name */
	uint64_t model_id; /* that may use the model */
	uint64_t state;    /* enum key_state + 1 */
	uint64_t scopes;   /* that has all of these */
	int64_t last_used_from_ms;
	int64_t last_used_to_ms; /* those never used, too */
	int64_t expires_to_ms;
	int64_t created_from_ms, created_to_ms;
};
/* Keys that one page looks at for those that it is asked for. */
#define KEY_SEARCH_MAX 50000

/**
 * Up to limit keys behind after_id: by id or, where the time of creation is
 * what leads to few, by that. @tenant  0: all customers'
 * @ret_next  behind what was looked at; 0 at the end. Fewer keys than limit,
 *            even none, are not the end.
 */
enum err store_key_page(struct db *db, uint64_t tenant,
    const struct key_filter *f, uint64_t after_id, uint64_t limit,
    struct arena *a, struct key **ret, size_t *ret_n, uint64_t *ret_next,
    struct error *e) ATTR_MUST_CHECK;
/** The first page of store_key_page() which has any: there may be so many keys of
 * other states before it that a page alone finds none. */
enum err store_key_first(struct db *db, uint64_t tenant,
    const struct key_filter *f, uint64_t limit, struct arena *a,
    struct key **ret, size_t *ret_n, uint64_t *ret_next,
    struct error *e) ATTR_MUST_CHECK;
/** A customer's active keys that expire by then, the first to expire first. */
enum err store_key_ending(struct db *db, uint64_t customer_id, int64_t to_ms,
    uint64_t limit, struct arena *a, struct key **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/* What a customer's active keys may use. */
#define KEY_USES_MAX 10000 /* keys that are looked at, the newest */
struct key_uses {
	uint64_t n_seen;   /* keys of any state */
	uint64_t n_active; /* of these */
	uint64_t n_all;    /* of these, those that may ask any model */
	const struct key_model_use {
		uint64_t model_id;
		uint64_t n_keys; /* active ones that may ask it, by name */
	} * models;
	size_t n_models;
};
enum err store_key_uses(struct db *db, uint64_t customer_id, struct arena *a,
    struct key_uses *ret, struct error *e) ATTR_MUST_CHECK;
/** Ids of the first keys that are not revoked; of the filter, customer, project
 * and user count. @tenant  0: all customers' */
enum err store_key_unrevoked(struct db *db, uint64_t tenant,
    const struct key_filter *f, uint64_t limit, struct arena *a,
    uint64_t **ret_ids, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** Active keys that expire within that time and whose expiry nobody was told
 * of yet, the first to expire first. */
enum err store_key_expiring(struct db *db, uint64_t within_s, uint64_t limit,
    struct arena *a, struct key **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Mark that it is told. @ret_first  false: another did so before */
enum err store_key_noticed(struct db *db, uint64_t api_key_id, bool *ret_first,
    struct error *e) ATTR_MUST_CHECK;
/* What the layers say of one key. */
struct key_limits {
	uint64_t api_key_id;
	struct limit_set layers[KEY_LIMITS__N];
};
/** Of a customer's first keys, in order of id. @api_key_id  0: of all */
enum err store_key_limits(struct db *db, uint64_t customer_id,
    uint64_t api_key_id, uint64_t limit, struct arena *a,
    struct key_limits **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/* Most keys of one statement for some of them: more than a page has. */
#define KEY_SOME_MAX 32
/** Of some of a customer's keys, in order of id. @n  1..KEY_SOME_MAX */
enum err store_key_limits_some(struct db *db, uint64_t customer_id,
    const uint64_t *ids, size_t n, struct arena *a, struct key_limits **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
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
/** In a transaction. Errors: ERR_NOT_FOUND, also for another's key. */
enum err store_key_lock(struct db *db, uint64_t tenant, uint64_t api_key_id,
    struct error *e) ATTR_MUST_CHECK;
struct key_update {
	const struct key *key; /* all that is not read only; customer_id is the
				row's */
	bool sets_models;
	const uint64_t *model_ids; /* when the key has a list of its own */
	size_t n_models;
};
/** Errors: ERR_NOT_FOUND not there, or revoked; ERR_BAD_PARAM a reference is
 * not there. */
enum err store_key_update(struct db *db, const struct key_update *u,
    struct error *e) ATTR_MUST_CHECK;
struct key_rotation {
	uint64_t api_key_id;
	uint64_t customer_id;
	uint64_t grace_s; /* the old secret stays valid; 0: it does not */
	struct str public_id;
	uint8_t digest[KEY_DIGEST_BYTES];
	uint64_t pepper_id;
};
/** A secret that an earlier rotation left valid ends at once. */
enum err store_key_rotate(struct db *db, const struct key_rotation *r,
    struct error *e) ATTR_MUST_CHECK;
/** A key that was found by another pepper's digest: from now on by this
 * one's, if its number is higher. Nothing that the key may do changes. */
enum err store_key_rehash(struct db *db, bool is_operator,
    const uint8_t was[KEY_DIGEST_BYTES], const uint8_t is[KEY_DIGEST_BYTES],
    uint64_t pepper_id, struct error *e) ATTR_MUST_CHECK;
/** Keys in use, operators' too, that wait for a digest by that pepper. */
enum err store_key_count_other(struct db *db, uint64_t pepper_id, uint64_t *ret,
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
