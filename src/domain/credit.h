/* SPDX-License-Identifier: MIT */
/* Crediting a customer: a transfer in the ledger, and, if it is prepaid, more
 * that it may use. */
#ifndef TG_DOMAIN_CREDIT_H
#define TG_DOMAIN_CREDIT_H

#include "domain/resource.h"

#define CREDIT_REFERENCE_BYTES 40
#define CREDIT_MAX_PUSD        INT64_C(1000000000000000000) /* 1,000,000 USD */

struct credit {
	uint64_t customer_id;
	int64_t amount_pusd;  /* less than 0: taken back */
	struct str reference; /* of whoever credits; n == 0: one is made */
	/* Answers. */
	uint64_t transfer_id;
	int64_t created_at_ms;
	int64_t balance_pusd;
	bool is_replay; /* that reference was credited before, alike */
};

/** "[-]D[.D]", not 0. Errors: ERR_BAD_PARAM "amount_usd". */
enum err credit_amount_parse(struct str text, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Credit, and write that to the audit log, in one transaction. A reference
 * counts once a customer, closed ones included.
 * Errors: ERR_BAD_PARAM the reference holds more than visible ASCII;
 *         ERR_NOT_FOUND; ERR_CONFLICT that reference was credited with another
 *         amount.
 */
enum err credit_add(const struct manager *m, struct credit *c, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

/** What a transfer's cause says of it; a view of it. */
struct str credit_reference(struct str cause);

#endif
