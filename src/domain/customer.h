/* SPDX-License-Identifier: MIT */
/* What a customer must be before it is stored, for API and command line. */
#ifndef TG_DOMAIN_CUSTOMER_H
#define TG_DOMAIN_CUSTOMER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#include "domain/budget.h"
#include "domain/resource.h"
#include "store/customer.h"

/* A customer as it is managed. */
struct customer_row {
	struct customer c;
	enum customer_state state;
	struct str balance; /* JSON: what it has; less than 0: it owes */
	struct budget_member budget;
};
/* Rows are struct customer_row; extra is the struct cidr_list of networks that
 * webhooks may point to though they are not public, or NULL. */
extern const struct resource customer_resource;

/** Rows of a list. Memory: in a. */
enum err customer_rows(struct db *db, const struct customer *customers,
    size_t n, int64_t now_ms, struct arena *a, struct customer_row **ret,
    struct error *e) ATTR_MUST_CHECK;

/**
 * A plain address: local@domain.tld in printable ASCII, at most 254 bytes,
 * no quoting, no comments. Narrower than RFC 5321 on purpose: addresses
 * outside of this are typing errors far more often than people.
 */
bool email_is_valid(struct str email);

/**
 * Check name, email, company and limits.
 * Errors: ERR_BAD_PARAM with the member's name.
 */
enum err customer_check(const struct customer *c,
    struct error *e) ATTR_MUST_CHECK;

#endif
