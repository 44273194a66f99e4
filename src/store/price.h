/* SPDX-License-Identifier: MIT */
/*
 * Table price_versions: append only. A model's price at a time is its row
 * with the latest effective_from not after it; usage rows keep its id.
 */
#ifndef TG_STORE_PRICE_H
#define TG_STORE_PRICE_H

#include "base/tok_class.h"
#include "store/db.h"

struct price {
	uint64_t price_version_id;
	uint64_t model_id;
	int64_t effective_from_ms;
	int64_t tok_pusd[TOK_CONTEXT__MAX][TOK_CLASS__MAX]; /* per token */
	int64_t request_pusd;                               /* per request */
	struct str note; /* source and date; p == NULL: none */
};

/**
 * @p  effective_from_ms 0: from now on, by the database's clock. All prices
 *     are given: whoever leaves one out decides what it means before.
 * Errors: ERR_CONFLICT a price from the same instant exists; ERR_BAD_PARAM
 *         no such model. Bumps the catalogue.
 */
enum err store_price_insert(struct db *db, const struct price *p,
    uint64_t *ret_price_version_id, struct error *e) ATTR_MUST_CHECK;
/** All versions of a model, the newest first. */
enum err store_price_list(struct db *db, uint64_t model_id, struct arena *a,
    struct price **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** For every model: what was in force a day ago, and everything later. */
enum err store_price_current(struct db *db, struct arena *a, struct price **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
enum err store_price_by_id(struct db *db, uint64_t price_version_id,
    struct arena *a, struct price *ret, struct error *e) ATTR_MUST_CHECK;

#endif
