/* SPDX-License-Identifier: MIT */
/*
 * How models have fared of late, whoever asked them: from the sums, and the
 * newest rows of each. What it reads grows with the number of models, not with
 * that of requests.
 */
#ifndef TG_DOMAIN_MODEL_HEALTH_H
#define TG_DOMAIN_MODEL_HEALTH_H

#include "store/model_health.h"

#define MODEL_HEALTH_DAYS 7 /* nothing older is looked at */

/* Since when; to full hours. */
enum model_health_span {
	MODEL_HEALTH_DAY,
	MODEL_HEALTH_WEEK,
	MODEL_HEALTH__N
};

/* A request that ended well or failed; time_ms 0: there was none. */
struct model_health_last {
	struct model_last last;
	bool is_day; /* only its day is known: it lies behind very many */
};

struct model_health {
	uint64_t model_id;
	uint64_t requests[MODEL_HEALTH__N];
	uint64_t failed[MODEL_HEALTH__N]; /* of those; a client that left is
					     no failure */
	struct model_health_last ok, failure;
};

/**
 * Of some models.
 * @h  n of them with their model_id set, the rest zeros, by id
 * Errors: the database's. Memory: in a.
 */
enum err model_health_load(struct db *db, int64_t now_ms,
    struct model_health *h, size_t n, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

#endif
