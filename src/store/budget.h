/* SPDX-License-Identifier: MIT */
/*
 * Tables budgets, budget_periods and budget_leases: what may be spent, what
 * was, and what worker processes hold of it for requests that run.
 *
 * Whoever makes a budget or the row of a period has locked the customer's
 * receivable (store_ledger_lock()), as whoever books usage has: so what was
 * spent until then can be read from the rollups, and nothing is counted twice
 * or not at all. A row of budget_periods that is locked fixes what is left.
 */
#ifndef TG_STORE_BUDGET_H
#define TG_STORE_BUDGET_H

#include "store/db.h"

enum budget_scope {
	BUDGET_CUSTOMER,
	BUDGET_PROJECT,
	BUDGET_KEY,
	BUDGET_BALANCE, /* of a prepaid customer */
	BUDGET_SCOPE__N
};
extern const char *const budget_scope_names[BUDGET_SCOPE__N];

enum budget_kind {
	BUDGET_HARD, /* refuses */
	BUDGET_SOFT, /* tells */
	BUDGET_KIND__N
};
extern const char *const budget_kind_names[BUDGET_KIND__N];

enum budget_period {
	BUDGET_DAY,
	BUDGET_WEEK, /* from Monday */
	BUDGET_MONTH,
	BUDGET_TOTAL,
	BUDGET_PERIOD__N
};
extern const char *const budget_period_names[BUDGET_PERIOD__N];

#define BUDGET_NOTIFY_BYTES 64              /* of the list, as text */
#define BUDGET_PER_KEY      BUDGET_SCOPE__N /* one a scope */

/* What a budget says. */
struct budget_terms {
	int64_t amount_pusd;
	enum budget_kind kind;
	enum budget_period period;
	struct str notify; /* percentages, ascending, with commas */
};

struct budget {
	uint64_t budget_id;
	uint64_t customer_id;
	enum budget_scope scope;
	uint64_t scope_id;   /* the customer, project or key */
	uint64_t project_id; /* 0: not of a project */
	uint64_t api_key_id; /* 0: not of a key */
	struct budget_terms terms;
	int64_t spent_pusd; /* where the function says so */
};

/* Beginnings of the periods of one instant. */
struct budget_starts {
	int64_t start_ms[BUDGET_PERIOD__N];
};

/** Errors: ERR_CONFLICT there is one of that scope. */
enum err store_budget_insert(struct db *db, const struct budget *b,
    uint64_t *ret_id, struct error *e) ATTR_MUST_CHECK;
/** Write kind, amount and percentages. */
enum err store_budget_update(struct db *db, const struct budget *b,
    struct error *e) ATTR_MUST_CHECK;
/** With all that is known of it. None is no error. */
enum err store_budget_delete(struct db *db, enum budget_scope scope,
    uint64_t scope_id, struct error *e) ATTR_MUST_CHECK;
/** Add to the amount of a customer's balance, if it has one. */
enum err store_budget_credit(struct db *db, uint64_t customer_id,
    int64_t amount_pusd, struct error *e) ATTR_MUST_CHECK;

/* Without spent_pusd. Errors: ERR_NOT_FOUND. */
enum err store_budget_by_id(struct db *db, uint64_t customer_id,
    uint64_t budget_id, struct arena *a, struct budget *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err store_budget_of_scope(struct db *db, uint64_t customer_id,
    enum budget_scope scope, uint64_t scope_id, struct arena *a,
    struct budget *ret, struct error *e) ATTR_MUST_CHECK;

#define BUDGET_USAGE_PROJECTS 16
#define BUDGET_USAGE_KEYS     64
/* Whose budgets are looked for. */
struct budget_usage {
	uint64_t customer_id;
	bool is_whole; /* the customer's own and its balance, too */
	const uint64_t *project_ids, *key_ids;
	size_t n_projects; /* 0..BUDGET_USAGE_PROJECTS */
	size_t n_keys;     /* 0..BUDGET_USAGE_KEYS */
};
/** Those that such usage counts for, without spent_pusd. Memory: in a. */
enum err store_budget_for_usage(struct db *db, const struct budget_usage *u,
    struct arena *a, struct budget **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Those of a scope's things with ids from..to, by id, with what was spent in
 * the periods of starts.
 * @tenant  0: anybody's
 */
enum err store_budget_page(struct db *db, enum budget_scope scope,
    uint64_t tenant, uint64_t from, uint64_t to,
    const struct budget_starts *starts, struct arena *a, struct budget **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** Those that a key's usage counts for (BUDGET_PER_KEY at most): key,
 * project, customer, balance. With spent_pusd. @project_id  0: none */
enum err store_budget_for_key(struct db *db, uint64_t customer_id,
    uint64_t project_id, uint64_t api_key_id,
    const struct budget_starts *starts, struct arena *a, struct budget **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/* A period of a budget. */
struct budget_span {
	uint64_t budget_id;
	int64_t start_ms; /* a day */
	int64_t end_ms;   /* the day behind it */
};

/**
 * Make the row of a period, with what the rollups have; in a transaction that
 * has locked the customer's receivable.
 */
enum err store_budget_begin(struct db *db, const struct budget *b,
    const struct budget_span *span, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** Move what was spent. @ret_is_there  false: there is no row, and nothing
 * was done */
enum err store_budget_spend(struct db *db, const struct budget_span *span,
    int64_t change_pusd, bool *ret_is_there, struct error *e) ATTR_MUST_CHECK;
/** What was spent, with the row locked. Errors: ERR_NOT_FOUND. */
enum err store_budget_lock(struct db *db, const struct budget_span *span,
    struct arena *a, int64_t *ret_spent_pusd, uint64_t *ret_noticed_percent,
    struct error *e) ATTR_MUST_CHECK;
enum err store_budget_noticed(struct db *db, const struct budget_span *span,
    uint64_t percent, struct error *e) ATTR_MUST_CHECK;

/** Delete up to limit periods that began before that day, but for those of
 * which something is leased. @ret_n  how many */
enum err store_budget_forget(struct db *db, int64_t before_ms, uint64_t limit,
    uint64_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/* A prepaid customer's balance. */
struct balance_mark {
	uint64_t budget_id;
	int64_t amount_pusd, spent_pusd; /* what is left is the difference */
	int64_t mark_pusd;               /* 0: nobody is told */
	bool is_low; /* it is below the mark, and that was told */
};
/** Errors: ERR_NOT_FOUND the customer is not prepaid. */
enum err store_balance_mark(struct db *db, uint64_t customer_id,
    struct arena *a, struct balance_mark *ret, struct error *e) ATTR_MUST_CHECK;
enum err store_balance_low(struct db *db, uint64_t budget_id, bool is_low,
    struct error *e) ATTR_MUST_CHECK;

/** Amount, and all that is leased. Errors: ERR_NOT_FOUND the budget is gone. */
enum err store_budget_leased(struct db *db, const struct budget_span *span,
    struct arena *a, int64_t *ret_amount_pusd, int64_t *ret_leased_pusd,
    struct error *e) ATTR_MUST_CHECK;
/* What is neither spent nor leased of a budget. */
struct budget_left {
	uint64_t budget_id;
	int64_t start_ms;
	int64_t left_pusd;
};
/** Of those that a series has leases of. Memory: in a. */
enum err store_budget_left(struct db *db, const uint8_t series[16],
    struct arena *a, struct budget_left **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Lease more for a series, with the period's row locked.
 * @change_no  the worker's own number of this change, 1... */
enum err store_budget_lease(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *e) ATTR_MUST_CHECK;
/** Give back. No lease is no error. @change_no  as above */
enum err store_budget_return(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *e) ATTR_MUST_CHECK;
/** The number of the last change of a series' lease, which is locked. What is
 * not committed yet is waited for. Errors: ERR_NOT_FOUND it has none. */
enum err store_budget_last_change(struct db *db, const struct budget_span *span,
    const uint8_t series[16], struct arena *a, uint64_t *ret_no,
    struct error *e) ATTR_MUST_CHECK;
/** Take what was spent from a lease. No lease is no error. */
enum err store_budget_unlease(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, struct error *e) ATTR_MUST_CHECK;
/** Give back all that a series holds.
 * @ret_n  how many leases it had; or NULL */
enum err store_budget_end_series(struct db *db, const uint8_t series[16],
    uint64_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
