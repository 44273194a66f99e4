/* SPDX-License-Identifier: MIT */
/*
 * Things that are managed: added, shown, listed, changed, archived. One
 * transaction does a change: the row is locked, compared with If-Match,
 * checked, written, and what changed goes to the audit log with it; then the
 * host's caches learn of it.
 *
 * The tenant comes from the credential alone and is in every condition: what
 * belongs to somebody else is not there.
 */
#ifndef TG_DOMAIN_RESOURCE_H
#define TG_DOMAIN_RESOURCE_H

#include "domain/record.h"
#include "store/audit.h"

struct customer;
struct db;
struct hostmap;
struct principal;

/* Who manages, and with what. */
struct manager {
	struct db *db;
	struct hostmap *map;         /* NULL: no worker runs here */
	const struct principal *who; /* NULL: the command line */
	uint64_t tenant;             /* 0: an operator, who sees all */
	struct str if_match;         /* p == NULL: whatever is there */
	int64_t now_ms;
	struct audit audit; /* actor, client_address, request_id, detail */
	void *extra;        /* what the resource's functions need besides */
};

/* The slot of the host's map that a change moves. */
enum resource_slot {
	RESOURCE_SLOT_CATALOGUE,
	RESOURCE_SLOT_CUSTOMER, /* whose keys are cached with it */
	RESOURCE_SLOT_OWN,      /* by its id, as keys have it */
};

struct resource {
	const struct record_type *record;
	unsigned variant;    /* for the functions: which of several tables */
	size_t customer_off; /* of uint64_t customer_id; SIZE_MAX: nobody's */
	size_t archived_off; /* of int64_t archived_at_ms */
	enum resource_slot slot;
	const char *end_verb; /* of its end, in the audit log */
	/* All that follow run inside the transaction; row is what *record
	 * describes. tenant 0: anybody's. */
	enum err (*lock)(const struct resource *r, struct db *db,
	    uint64_t tenant, uint64_t id, struct error *e);
	enum err (*load)(const struct resource *r, struct db *db,
	    uint64_t tenant, uint64_t id, struct arena *a, void *row,
	    struct error *e);
	/* Rules, before a write. before NULL: it is made. */
	enum err (*check)(const struct resource *r, const struct manager *m,
	    struct arena *a, const void *before, void *row, struct error *e);
	enum err (*insert)(const struct resource *r, const struct manager *m,
	    struct arena *a, void *row, uint64_t *ret_id, struct error *e);
	enum err (*update)(const struct resource *r, const struct manager *m,
	    struct arena *a, void *row, struct error *e);
	enum err (*archive)(const struct resource *r, const struct manager *m,
	    struct arena *a, const void *row, struct error *e);
};

/** Change row, a copy of what is there, as arg says. */
typedef enum err resource_fn(const struct resource *r, struct arena *a,
    void *row, void *arg, struct error *e);

/** Errors: ERR_NOT_FOUND. Memory: texts in a. */
enum err resource_load(const struct resource *r, const struct manager *m,
    uint64_t id, struct arena *a, void *ret_row,
    struct error *e) ATTR_MUST_CHECK;
/** Make what row holds, and read back what the database made of it.
 * Errors: check's; ERR_CONFLICT its name is taken. */
enum err resource_create(const struct resource *r, const struct manager *m,
    struct arena *a, void *row, struct error *e) ATTR_MUST_CHECK;
/**
 * What changes nothing stands in no audit log.
 * Errors: ERR_NOT_FOUND; ERR_PRECONDITION; ERR_CONFLICT it is archived, or
 *         the name is taken; fn's and check's.
 */
enum err resource_change(const struct resource *r, const struct manager *m,
    uint64_t id, resource_fn *fn, void *arg, struct arena *a, void *ret_row,
    struct error *e) ATTR_MUST_CHECK;
/** Archive it. Twice is no error and does nothing. Errors: as resource_change(). */
enum err resource_archive(const struct resource *r, const struct manager *m,
    uint64_t id, struct arena *a, void *ret_row,
    struct error *e) ATTR_MUST_CHECK;
/* Another change than these of one row. */
typedef enum err resource_act_fn(const struct resource *r,
    const struct manager *m, struct arena *a, const void *row, void *arg,
    struct error *e);
struct resource_act {
	const char *verb; /* "rotate", of the audit log */
	resource_act_fn *fn;
	bool is_unseen; /* what it changes is no member, such as a password: it
			   stands in the audit log whatever it does */
};
/** In the same frame: locked, compared, fn, read back, written to the audit
 * log. */
enum err resource_act(const struct resource *r, const struct manager *m,
    uint64_t id, const struct resource_act *act, void *arg, struct arena *a,
    void *ret_row, struct error *e) ATTR_MUST_CHECK;

/** The customer of whom something is to be written, closed or not.
 * Errors: ERR_BAD_PARAM "customer_id"; ERR_NOT_FOUND. Memory: texts in a. */
enum err resource_find_customer(const struct manager *m, struct arena *a,
    uint64_t customer_id, struct customer *ret,
    struct error *e) ATTR_MUST_CHECK;
/** A row that is to be made needs a customer that is there and open.
 * Errors: ERR_BAD_PARAM "customer_id"; ERR_NOT_FOUND; ERR_CONFLICT closed. */
enum err resource_need_customer(const struct manager *m, struct arena *a,
    uint64_t customer_id, struct error *e) ATTR_MUST_CHECK;
/** Refuse a customer that is not the tenant: 404, as if it were not there. */
enum err resource_check_customer(const struct manager *m, uint64_t customer_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
