/* SPDX-License-Identifier: MIT */
/*
 * Customers' keys, as they are managed: listed, changed, rotated, revoked.
 * Whoever manages by a key can neither give a key more than that key has, nor
 * take over one that has more.
 */
#ifndef TG_DOMAIN_KEY_MANAGE_H
#define TG_DOMAIN_KEY_MANAGE_H

#include "domain/budget.h"
#include "domain/key.h"
#include "domain/resource.h"

#define KEY_IPS_MAX     64
#define KEY_MODELS_MAX  1000
#define KEY_GRACE_MAX_S 2592000 /* 30 days */
#define KEY_REVOKE_MAX  1000    /* keys in one transaction */

/* A key as people see it. */
struct key_row {
	struct key k;
	enum key_state state;
	struct str models; /* ids with commas; p == NULL: all models */
	struct budget_member budget;
	/* When it is made or changed: the list, in numbers. */
	bool sets_models;
	const uint64_t *model_ids;
	size_t n_models;
};

/* extra of its struct manager. */
struct key_manager {
	struct key_ops ops;              /* db is the manager's */
	struct limit_set default_limits; /* limits.* of the configuration */
	/* Of one that is made. */
	char *text;                  /* KEY_TEXT_BYTES, to wipe after use */
	struct str wanted_public_id; /* p == NULL: it is drawn */
};

/* Rows: struct key_row. One that is made has its customer, sets_models and
 * its list of models (or all_models); user_id 0 stands for the owner. */
extern const struct resource key_resource;

/** Members as key_resource has them, for rows of store_key_page(). */
void key_row_fill(const struct key *k, int64_t now_ms, struct key_row *ret);

/** Rows of a list. Memory: in a. */
enum err key_rows(struct db *db, uint64_t tenant, const struct key *keys,
    size_t n, int64_t now_ms, struct arena *a, struct key_row **ret,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Whether who may give that budget (NULL: none) to a key; has_own: what the
 * key has now, or NULL. A key with a hard budget of its own grants no looser
 * one; a hard budget is loosened by owners and operators only, and by no key
 * that it bounds.
 * Errors: ERR_FORBIDDEN "budget".
 */
enum err key_budget_check(const struct principal *who, uint64_t api_key_id,
    const struct budget_terms *has_own, const struct budget_terms *terms,
    struct error *e) ATTR_MUST_CHECK;
/** What a new key gets whose maker says nothing of a budget: its own, if that
 * is a hard one. */
void key_budget_default(const struct principal *who, struct budget_member *m);

/**
 * Addresses and ranges with commas between them.
 * Errors: ERR_BAD_PARAM "allowed_ips".
 */
enum err key_ips_check(struct str list, struct error *e) ATTR_MUST_CHECK;
/** Sort a list of models and drop what comes twice. Returns how many stay. */
size_t key_models_sort(uint64_t *ids, size_t n);

/**
 * Give the key a new secret; the old one stays valid for grace_s.
 * @ret_text  the new key, shown once; wipe it after use
 * Errors: ERR_NOT_FOUND; ERR_CONFLICT revoked or expired; ERR_FORBIDDEN the
 *         caller's key has less; ERR_PRECONDITION.
 */
enum err key_rotate(const struct manager *m, uint64_t api_key_id,
    uint64_t grace_s, char ret_text[KEY_TEXT_BYTES], struct arena *a,
    struct key_row *ret, struct error *e) ATTR_MUST_CHECK;
/** Switch it on or off.
 * @want  0 or 1, or -1 to invert
 * Errors: as key_rotate(). */
enum err key_switch(const struct manager *m, uint64_t api_key_id, int want,
    struct arena *a, struct key_row *ret, struct error *e) ATTR_MUST_CHECK;

/* Which keys to revoke: by their ids, or all of a customer, project, user. */
struct key_revocation {
	const uint64_t *ids;
	size_t n_ids;
	struct key_filter filter; /* without ids; no other members count */
};
struct key_revoked {
	size_t n;      /* now: those that were revoked before are not counted */
	bool has_more; /* of the filter's, for another call */
};
/**
 * All or none, in one transaction; those revoked before are no error. By a
 * filter, the first KEY_REVOKE_MAX that are not revoked yet: whoever calls it
 * until there are no more has revoked all.
 * Errors: ERR_NOT_FOUND one of the ids; ERR_BAD_PARAM more than
 *         KEY_REVOKE_MAX ids.
 */
enum err key_revoke_many(const struct manager *m,
    const struct key_revocation *what, struct arena *a, struct key_revoked *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
