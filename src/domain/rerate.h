/* SPDX-License-Identifier: MIT */
/*
 * Rating usage anew: what a request costs by the price versions that say so
 * today for the time at which it was admitted, with the counts and the markup
 * of its row. The difference is booked as an adjustment; rows stay as they
 * are. A request whose cost is unknown gets one if there is a price by now.
 *
 * Interrupted or run twice it ends in the same state, for each batch asks
 * what is valid now.
 */
#ifndef TG_DOMAIN_RERATE_H
#define TG_DOMAIN_RERATE_H

#include "store/adjustment.h"

struct rerate_options {
	struct rated_filter filter; /* by time of admission: [from, to) */
	bool is_dry;                /* only count */
};

struct rerate_model {
	uint64_t model_id;
	uint64_t requests; /* looked at */
	uint64_t changed;  /* get another cost */
	uint64_t priced;   /* of those: it was unknown */
	uint64_t unpriced; /* stay unknown: no price is in force then */
	int64_t change_pusd;
	int64_t change_provider_pusd;
};

struct rerate_result {
	struct rerate_model *models; /* by first appearance */
	size_t n_models;
};

/**
 * Look at every row and, unless is_dry, book what differs; a transaction per
 * thousand rows.
 * Errors: ERR_BAD_PARAM a part of the time is pruned; ERR_MONEY_RANGE;
 *         the database's. What was booked until then stays.
 * Memory: in a.
 */
enum err rerate_run(struct db *db, const struct rerate_options *opt,
    struct arena *a, struct rerate_result *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
