/* SPDX-License-Identifier: MIT */
/*
 * Tables ledger_accounts and ledger_transfers. A transfer moves an amount
 * above 0 from the credited to the debited account; an account's balance is
 * its debits less its credits, so all balances add up to 0. Each customer has
 * accounts of its own, so that no row is hot for all hosts. Transfers are
 * append only and each has a unique cause.
 */
#ifndef TG_STORE_LEDGER_H
#define TG_STORE_LEDGER_H

#include "store/db.h"

#define LEDGER_CAUSE_BYTES 64 /* longest */

enum ledger_kind {
	LEDGER_RECEIVABLE,
	LEDGER_REVENUE,
	LEDGER_FUNDS, /* what was paid in, or given */
	LEDGER__N
};
extern const char *const ledger_kind_names[LEDGER__N];

/* Usage of one customer in one flush batch. */
struct ledger_usage {
	uint64_t customer_id;
	int64_t amount_pusd; /* 0 or more; 0 makes no transfer */
	struct str cause;    /* unique bytes, 1..LEDGER_CAUSE_BYTES */
};

/**
 * Debit each customer's receivable, credit its revenue; in the caller's
 * transaction.
 * @posts  one per customer, sorted by customer_id
 * Errors: ERR_CONFLICT a cause is there already; ERR_CORRUPT a customer has
 *         no accounts; ERR_BAD_PARAM an amount below 0.
 * Memory: scratch in a.
 */
enum err store_ledger_usage(struct db *db, const struct ledger_usage *posts,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

/* What one customer owes more, or less, than was booked before. */
struct ledger_change {
	uint64_t customer_id;
	int64_t amount_pusd; /* less than 0: credit; 0 makes no transfer */
	struct str cause;    /* as above */
};

/**
 * As store_ledger_usage(), for adjustments: a negative amount debits the
 * revenue and credits the receivable.
 * Errors: ERR_CONFLICT, ERR_CORRUPT as above.
 */
enum err store_ledger_adjust(struct db *db, const struct ledger_change *posts,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

/**
 * Credit a customer: its funds are debited and its receivable credited, or
 * the reverse for a negative amount. In the caller's transaction.
 * Errors: as store_ledger_adjust().
 */
enum err store_ledger_credit(struct db *db, const struct ledger_change *post,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

/* A transfer that is there. */
struct ledger_transfer {
	uint64_t transfer_id;
	uint64_t debit_account_id, credit_account_id;
	int64_t amount_pusd;
	struct str kind;
	struct str cause;
	int64_t created_at_ms;
};
/** Errors: ERR_NOT_FOUND. */
enum err store_ledger_by_cause(struct db *db, struct str cause, struct arena *a,
    struct ledger_transfer *ret, struct error *e) ATTR_MUST_CHECK;

/* What a customer was credited. */
struct ledger_credit {
	uint64_t transfer_id;
	int64_t amount_pusd; /* less than 0: taken back */
	struct str cause;
	int64_t created_at_ms;
};
/** Up to limit of a customer's with ids below before_id (0: from the newest
 * on), the newest first. Memory: in a. */
enum err store_ledger_credits(struct db *db, uint64_t customer_id,
    uint64_t before_id, uint64_t limit, struct arena *a,
    struct ledger_credit **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** The same from one instant to before another, the latest posting first. */
enum err store_ledger_credits_during(struct db *db, uint64_t customer_id,
    int64_t from_ms, int64_t to_ms, uint64_t limit, struct arena *a,
    struct ledger_credit **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** What a customer was credited before an instant, all together. */
enum err store_ledger_credited_before(struct db *db, uint64_t customer_id,
    int64_t before_ms, struct arena *a, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Until the transaction ends nothing is booked on the customer.
 * Errors: ERR_NOT_FOUND.
 */
enum err store_ledger_lock(struct db *db, uint64_t customer_id,
    struct error *e) ATTR_MUST_CHECK;

struct ledger_account {
	uint64_t account_id;
	uint64_t customer_id;
	enum ledger_kind kind;
	int64_t balance_pusd; /* debits less credits */
};

/** A new customer's accounts; in its transaction. */
enum err store_ledger_open(struct db *db, uint64_t customer_id,
    struct error *e) ATTR_MUST_CHECK;
/** What a customer has (less than 0: owes). Errors: ERR_CORRUPT. */
enum err store_ledger_balance(struct db *db, uint64_t customer_id,
    struct arena *a, int64_t *ret_pusd, struct error *e) ATTR_MUST_CHECK;
/** The receivables of customers with ids from..to, by customer. */
enum err store_ledger_receivables(struct db *db, uint64_t from, uint64_t to,
    struct arena *a, struct ledger_account **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
enum err store_ledger_accounts(struct db *db, uint64_t customer_id,
    struct arena *a, struct ledger_account **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

/** Up to limit of an account's debits with ids above after_id, by id. */
enum err store_ledger_page(struct db *db, uint64_t debit_account_id,
    uint64_t after_id, uint64_t limit, struct arena *a,
    struct ledger_transfer **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
