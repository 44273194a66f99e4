/* SPDX-License-Identifier: MIT */
/*
 * Ids and names of what usage is told apart by, whatever became of it: what
 * is revoked or archived keeps its usage, and its name beside it.
 */
#ifndef TG_STORE_NAME_H
#define TG_STORE_NAME_H

#include "store/db.h"

enum name_kind {
	NAME_KEY,
	NAME_USER,
	NAME_PROJECT,
	NAME_AGENT,
	NAME_CONNECTOR,
	/* Everybody's: their customer is not looked at. */
	NAME_MODEL,
	NAME_PROVIDER,
	NAME_CUSTOMER,
	NAME__N
};

struct name {
	uint64_t id;
	struct str name;
};

/* How something may be called. */
struct name_called {
	struct str name; /* exactly its name, */
	uint64_t id;     /* or its number; 0: none, */
	/* or a key's public id, a user's or customer's e-mail address, in
	 * ASCII; p == NULL: none. */
	struct str also;
};

/* Most ids of one store_name_find(). */
#define NAME_FIND_MAX 64

/** A customer's newest, up to limit; of NAME_CUSTOMER, whose customer_id must be
 * 0, everybody's; not of NAME_MODEL or NAME_PROVIDER. Memory: in a. */
enum err store_name_list(struct db *db, enum name_kind kind,
    uint64_t customer_id, uint64_t limit, struct arena *a, struct name **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** Those that are called so, by their ids, up to limit; whose and which kinds:
 * as store_name_list(). Memory: in a. */
enum err store_name_called(struct db *db, enum name_kind kind,
    uint64_t customer_id, const struct name_called *by, uint64_t limit,
    struct arena *a, struct name **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Those of some ids that are there and the customer's, in any order.
 * @customer_id  0: anybody's, for operators
 * @n  of 1..NAME_FIND_MAX
 * Memory: in a.
 */
enum err store_name_find(struct db *db, enum name_kind kind,
    uint64_t customer_id, const uint64_t *ids, size_t n, struct arena *a,
    struct name **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
