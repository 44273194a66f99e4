/* SPDX-License-Identifier: MIT */
/*
 * Tables projects, agents and connectors: names of a customer that keys and
 * usage are sorted by. They have the same columns, so they have the same
 * functions. Archived, never deleted; an archived name stays taken.
 *
 * tenant: the customer whose rows may be met; 0: anybody's (operators).
 */
#ifndef TG_STORE_LABEL_H
#define TG_STORE_LABEL_H

#include "store/db.h"

#define LABEL_NAME_BYTES 200

enum label_kind {
	LABEL_PROJECT,
	LABEL_AGENT,
	LABEL_CONNECTOR,
	LABEL__N
};

struct label {
	uint64_t label_id;
	uint64_t customer_id;
	struct str name;
	int64_t created_at_ms;
	int64_t archived_at_ms; /* 0: not archived */
};

/* What a list may be narrowed down to; zeros say nothing. */
struct label_filter {
	uint64_t customer_id;
	struct str name;
	bool with_archived;
};

/** Errors: ERR_CONFLICT the customer has one of that name. */
enum err store_label_insert(struct db *db, enum label_kind kind,
    const struct label *l, uint64_t *ret_id, struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. Memory: texts in a. */
enum err store_label_by_id(struct db *db, enum label_kind kind, uint64_t tenant,
    uint64_t id, struct arena *a, struct label *ret,
    struct error *e) ATTR_MUST_CHECK;
/** In a transaction: nobody else changes it until the end. */
enum err store_label_lock(struct db *db, enum label_kind kind, uint64_t tenant,
    uint64_t id, struct error *e) ATTR_MUST_CHECK;
/** Up to limit with ids above after_id, by id. */
enum err store_label_page(struct db *db, enum label_kind kind, uint64_t tenant,
    const struct label_filter *f, uint64_t after_id, uint64_t limit,
    struct arena *a, struct label **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Write the name of a row that is there. Errors: ERR_CONFLICT. */
enum err store_label_update(struct db *db, enum label_kind kind,
    const struct label *l, struct error *e) ATTR_MUST_CHECK;
/** Of l, its ids are read. Bumps its slot: requests may name it no longer; a
 * project bumps its customer's, as its keys are refused. */
enum err store_label_archive(struct db *db, enum label_kind kind,
    const struct label *l, struct error *e) ATTR_MUST_CHECK;

/** Whether the customer has one with that id, and not archived.
 * Errors: ERR_NOT_FOUND. */
enum err store_label_check(struct db *db, enum label_kind kind,
    uint64_t customer_id, uint64_t id, struct error *e) ATTR_MUST_CHECK;

#endif
