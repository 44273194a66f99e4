/* SPDX-License-Identifier: MIT */
/*
 * Table customers: who is charged. Archived, never deleted. Changes bump the
 * customer's generation, because its keys are cached with these settings.
 */
#ifndef TG_STORE_CUSTOMER_H
#define TG_STORE_CUSTOMER_H

#include "store/db.h"

#define CUSTOMER_NAME_BYTES          200
#define CUSTOMER_EMAIL_BYTES         254
#define CUSTOMER_MARKUP_MAX_PPM      UINT64_C(999999999)
#define MARKUP_NONE_PPM              1000000
#define CUSTOMER_LOW_BALANCE_PPM     UINT64_C(1000000) /* 1 USD: unless set */
#define CUSTOMER_LOW_BALANCE_MAX_PPM UINT64_C(1000000000000)

enum customer_billing {
	CUSTOMER_POSTPAID, /* uses first, and owes */
	CUSTOMER_PREPAID,  /* uses what was credited to it */
	CUSTOMER_BILLING__N
};
extern const char *const customer_billing_names[CUSTOMER_BILLING__N];

struct customer {
	uint64_t customer_id;
	struct str name;
	struct str email;   /* ASCII, compared without regard to case */
	struct str company; /* p == NULL: none */
	struct limit_set limits;
	uint64_t markup_ppm; /* price * markup = charge; 1000000 = 1 */
	enum customer_billing billing;
	/* Millionths of a dollar: a prepaid balance below that is told of; 0:
	 * none is. */
	uint64_t low_balance_ppm;
	struct str webhook_url;  /* p == NULL: none */
	bool has_webhook_secret; /* read only */
	bool is_active;
	int64_t created_at_ms;
	int64_t updated_at_ms;
	int64_t archived_at_ms; /* 0: not archived */
};

/**
 * A customer with its owner (a user with the same e-mail and name, without a
 * password) and its ledger accounts, in one transaction.
 * @c  name, email, company, limits, markup_ppm, billing and low_balance_ppm
 *     are read
 * Errors: ERR_CONFLICT the e-mail is a customer's or a user's already.
 */
enum err store_customer_insert(struct db *db, const struct customer *c,
    uint64_t *ret_customer_id, uint64_t *ret_owner_user_id,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. Memory: texts in a. */
enum err store_customer_by_id(struct db *db, uint64_t customer_id,
    struct arena *a, struct customer *ret, struct error *e) ATTR_MUST_CHECK;
enum err store_customer_by_email(struct db *db, struct str email,
    struct arena *a, struct customer *ret, struct error *e) ATTR_MUST_CHECK;
/* What people call it; is_active and archived_at_ms say it. */
enum customer_state {
	CUSTOMER_ACTIVE,
	CUSTOMER_SUSPENDED, /* its keys and users are refused */
	CUSTOMER_CLOSED,    /* the same, for good */
	CUSTOMER_STATE__N
};
extern const char *const customer_state_names[CUSTOMER_STATE__N];
static inline enum customer_state
customer_state(const struct customer *c)
{
	if (c->archived_at_ms)
		return CUSTOMER_CLOSED;
	return c->is_active ? CUSTOMER_ACTIVE : CUSTOMER_SUSPENDED;
}

/* What a list may be narrowed down to; zeros say nothing. */
struct customer_filter {
	struct str email;
	struct str name;
	struct str company;
	uint64_t state; /* enum customer_state + 1 */
	int64_t created_from_ms, created_to_ms;
};
/** Up to limit customers with ids above after_id. @tenant  0: all */
enum err store_customer_page(struct db *db, uint64_t tenant,
    const struct customer_filter *f, uint64_t after_id, uint64_t limit,
    struct arena *a, struct customer **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** In a transaction: nobody else changes it until the end.
 * Errors: ERR_NOT_FOUND, also when it is not the tenant. */
enum err store_customer_lock(struct db *db, uint64_t tenant,
    uint64_t customer_id, struct error *e) ATTR_MUST_CHECK;
/**
 * Up to limit customers with ids above after_id, in order of id.
 * @find  a part of the name, e-mail or company, in any case; p == NULL: all
 */
enum err store_customer_list(struct db *db, struct str find, uint64_t after_id,
    uint64_t limit, struct arena *a, struct customer **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Write name, company, limits, markup_ppm, billing, low_balance_ppm, webhook_url and is_active.
 * Errors: ERR_NOT_FOUND. */
enum err store_customer_update(struct db *db, const struct customer *c,
    struct error *e) ATTR_MUST_CHECK;
/** Close it for good: its keys and users stop working, its rows stay. */
enum err store_customer_archive(struct db *db, uint64_t customer_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
