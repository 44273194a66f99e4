/* SPDX-License-Identifier: MIT */
/*
 * Who is asking, once authentication is through: what the gates, the limits
 * and the metering need to know. A value of its own, copied into the request;
 * it refers to nothing that another thread may change.
 */
#ifndef TG_DOMAIN_PRINCIPAL_H
#define TG_DOMAIN_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cidr.h"
#include "base/limit_set.h"
#include "store/budget.h"
#include "store/key.h"
#include "store/user.h"

enum principal_kind {
	PRINCIPAL_NONE,
	PRINCIPAL_KEY,      /* a customer's key, tg_… */
	PRINCIPAL_OPERATOR, /* an operator's key, tga_…: no inference */
	PRINCIPAL_SESSION,  /* somebody signed in in a browser */
};

/* A budget that its usage counts for. */
struct budget_ref {
	uint64_t budget_id;
	int64_t amount_pusd;
	enum budget_scope scope;
	enum budget_kind kind;
	enum budget_period period;
};

struct principal {
	enum principal_kind kind;
	uint64_t customer_id;     /* 0: an operator */
	uint64_t user_id;         /* whom it meters to; 0: an operator key */
	uint64_t project_id;      /* 0: none */
	uint64_t api_key_id;      /* 0: not a customer's key */
	uint64_t operator_key_id; /* 0: not an operator's key */
	uint64_t session_id;      /* 0: not a session */
	enum user_role role;      /* its own, or that of the key's user */
	uint64_t scopes;          /* bits of enum key_scope */
	char public_id[KEY_PUBLIC_ID_BYTES + 1]; /* for logs; "" without key */
	uint64_t markup_ppm;                     /* of the customer */
	struct limit_set limits; /* of key, tiers, customer, in that order;
				    what is still unstated is the
				    configured default's */
	unsigned n_budgets;      /* by scope: key, project, customer, balance */
	struct budget_ref budgets[BUDGET_PER_KEY];
	bool all_models;
	const uint64_t *model_ids; /* sorted; ignored with all_models */
	size_t n_models;
	struct cidr_list allowed_ips; /* empty: from anywhere */
	struct str allowed_ips_text;  /* the same, as it was given */
	bool is_idempotent; /* of the key: inference heeds Idempotency-Key */
	/* Of domain/key alone: to notice a revoke between authentication and
	 * admission. */
	uint8_t key_digest[KEY_DIGEST_BYTES];
	uint8_t key_other_digest[KEY_DIGEST_BYTES]; /* that found its row while
						       peppers rotate; or 0 */
	uint64_t key_generation;
	uint64_t customer_generation;
	int64_t expires_at_ms; /* of the key; 0: never */
};

static inline bool
principal_is_operator(const struct principal *p)
{
	return p->kind == PRINCIPAL_OPERATOR ||
	       (p->kind == PRINCIPAL_SESSION && p->role == USER_OPERATOR);
}

/** Whether it acts for its whole customer: an owner who is signed in, or by a
 * key that manages, of a user who owns. */
static inline bool
principal_is_owner(const struct principal *p)
{
	return (p->kind == PRINCIPAL_KEY || p->kind == PRINCIPAL_SESSION) &&
	       p->role == USER_OWNER && (p->scopes & KEY_SCOPE_MANAGE) != 0;
}

/** Whether every bit of scopes is granted. */
static inline bool
principal_has_scopes(const struct principal *p, uint64_t scopes)
{
	return (p->scopes & scopes) == scopes;
}

/** Ids of the hard budgets, the nearest first; returns how many. */
unsigned principal_hard_budgets(const struct principal *p,
    uint32_t ret[BUDGET_PER_KEY]);

/** Whether it may be used from there; NULL: nobody knows from where. */
bool principal_may_come_from(const struct principal *p,
    const struct cidr_addr *addr);

/** Whether inference on that model is allowed. */
bool principal_may_use_model(const struct principal *p, uint64_t model_id);

#endif
