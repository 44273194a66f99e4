/* SPDX-License-Identifier: MIT */
/*
 * Budgets as they are managed: the member `budget` of customers, projects and
 * keys, and what a prepaid customer's balance is in their terms.
 */
#ifndef TG_DOMAIN_BUDGET_H
#define TG_DOMAIN_BUDGET_H

#include "domain/record.h"
#include "store/budget.h"

#define BUDGET_AMOUNT_MAX_PUSD INT64_C(1000000000000000000) /* 1,000,000 USD */
#define BUDGET_NOTIFY_MAX      10                           /* percentages */
#define BUDGET_PERCENT_MAX     1000
#define BUDGET_NOTIFY_DEFAULT  "50,80,100"

/* The member, as rows of record.h have it. */
struct budget_member {
	struct str shown; /* JSON with what was spent; p == NULL: none. First,
			     as RECORD_OWN wants it. */
	struct str settings; /* JSON of what it says; p == NULL: none */
	bool has_terms;
	struct budget_terms terms;
	bool is_given; /* by a body; no terms: it is taken away */
};

/* clang-format off */
/* Its two entries in a table of members; more: RECORD_OPERATOR, or 0. */
#define BUDGET_MEMBERS(S, m, more) \
	{ .name = "budget", .kind = RECORD_OWN, .off = offsetof(S, m.shown), .read = budget_member_read, \
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL | RECORD_LIVE | (more) }, \
	{ .name = "budget", .kind = RECORD_JSON, .off = offsetof(S, m.settings), .flags = RECORD_UNSHOWN }
/* clang-format on */

/** A record_read_fn: {"amount_usd", "period"?, "kind"?, "notify_at_percent"?}
 * or null. */
enum err budget_member_read(const struct json *body, const char *name,
    struct arena *a, void *member, struct error *e) ATTR_MUST_CHECK;

/**
 * Percentages in any order, with commas between them.
 * @ret  ascending, without repetitions
 * Errors: ERR_BAD_PARAM "notify_at_percent".
 */
enum err budget_notify_parse(struct arena *a, struct str text, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_BAD_PARAM "amount_usd". */
enum err budget_amount_parse(struct str text, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;

/** The members of one, with what was spent, between braces of the caller. */
void budget_write(const struct budget *b, int64_t now_ms, struct json_out *j);

/** Load the member of one thing. */
enum err budget_member_load(struct db *db, enum budget_scope scope, uint64_t id,
    int64_t now_ms, struct arena *a, struct budget_member *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Load the members of n rows, ascending by id.
 * @rows    the first; each has row_bytes
 * @id_off, @off  of the uint64_t id and of the struct budget_member in a row
 */
struct budget_rows {
	void *rows;
	size_t n, row_bytes, id_off, off;
};
enum err budget_members_load(struct db *db, enum budget_scope scope,
    uint64_t tenant, int64_t now_ms, const struct budget_rows *rows,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

/* Whose budget. */
struct budget_holder {
	enum budget_scope scope;
	uint64_t customer_id;
	uint64_t project_id; /* of BUDGET_PROJECT */
	uint64_t api_key_id; /* of BUDGET_KEY */
};
/**
 * Set it or, with terms NULL, take it away; in a transaction. Another period
 * makes another budget. Whoever calls this tells the caches of keys.
 * Errors: the database's. Memory: scratch in a.
 */
enum err budget_set(struct db *db, const struct budget_holder *h,
    const struct budget_terms *terms, int64_t now_ms, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** The same for a member that a body gave; nothing if it gave none. */
enum err budget_member_store(struct db *db, const struct budget_holder *h,
    const struct budget_member *m, int64_t now_ms, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

/** Whether terms (NULL: none) bound no less than own does: hard, the same
 * period, no more. */
bool budget_is_within(const struct budget_terms *terms,
    enum budget_period own_period, int64_t own_pusd);

#endif
