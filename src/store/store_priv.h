/* SPDX-License-Identifier: MIT */
/* Small things that several tables' functions share. */
#ifndef TG_STORE_STORE_PRIV_H
#define TG_STORE_STORE_PRIV_H

#include "store/generation.h"

/* A change of one row, and the generation that it makes out of date. */
struct change {
	enum stmt id;
	struct db_in in;
	unsigned slot;
	bool may_miss; /* no row met is no error */
};

/**
 * Run the change and bump its slot in one transaction.
 * Errors: ERR_NOT_FOUND no row met the conditions.
 */
enum err store_change(struct db *db, struct change *c,
    struct error *e) ATTR_MUST_CHECK;

/* For conditions that NULL leaves out: their parameter stands twice. */
#define DB_TWICE(value) (value), (value)

/**
 * A SELECT of an id FOR UPDATE.
 * Errors: ERR_NOT_FOUND no row met the conditions.
 */
enum err store_lock(struct db *db, enum stmt id, struct db_in in,
    struct error *e) ATTR_MUST_CHECK;

/** An INSERT with its bump of the catalogue. */
enum err store_catalogue_insert(struct db *db, enum stmt id, struct db_in in,
    uint64_t *ret_id, struct error *e) ATTR_MUST_CHECK;

#endif
