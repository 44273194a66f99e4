/* SPDX-License-Identifier: MIT */
/*
 * Leasing a slab of a hard budget in the database: never more than what is
 * neither spent nor leased, and less the less that is.
 */
#ifndef TG_DOMAIN_BUDGET_LEASE_H
#define TG_DOMAIN_BUDGET_LEASE_H

#include "store/budget.h"

struct budget_lease {
	uint64_t budget_id, customer_id;
	struct budget_span span;
	int64_t min_pusd;   /* less is of no use */
	int64_t want_pusd;  /* of one request; may be below 0 */
	int64_t need_pusd;  /* all that such a request holds */
	int64_t least_pusd; /* all that it must hold */
	bool is_told;       /* that less is left than least: not again */
	uint64_t change_no; /* the process's own number for this, 1... */
	/* Answers. */
	int64_t granted_pusd; /* 0: less than min is left */
	int64_t left_pusd;    /* was neither spent nor leased */
	int64_t amount_pusd, spent_pusd;
	bool was_told; /* now, or nobody wants to know */
};

/* What a process may keep unused. */
struct budget_share {
	int64_t pusd;
	bool is_scarce; /* others may want it soon */
};
/** @left_pusd  neither spent nor leased. @need_pusd  of one request. Pure. */
struct budget_share budget_share_of(int64_t left_pusd, int64_t need_pusd);

/** How much to lease of left_pusd. Pure. */
int64_t budget_lease_size(const struct budget_lease *l, int64_t left_pusd);

/**
 * If not even what others hold would make up what the request must hold, the
 * customer is told that the budget is at its end.
 * Errors: the database's. Memory: scratch in a.
 */
enum err budget_lease_take(struct db *db, const uint8_t series[16],
    struct budget_lease *l, struct arena *a, struct error *e) ATTR_MUST_CHECK;
/** Give back, in a transaction of its own. @change_no  as above */
enum err budget_lease_return(struct db *db, const uint8_t series[16],
    const struct budget_span *span, int64_t pusd, uint64_t change_no,
    struct error *e) ATTR_MUST_CHECK;
/**
 * The last change of the series' lease that was made: after ERR_DB_UNCERTAIN.
 * Waits for that transaction, should the server not have ended it yet.
 * @ret_no  0: there is no lease (any more)
 * Errors: the database's. Memory: scratch in a.
 */
enum err budget_lease_last_change(struct db *db, const uint8_t series[16],
    const struct budget_span *span, struct arena *a, uint64_t *ret_no,
    struct error *e) ATTR_MUST_CHECK;

#endif
