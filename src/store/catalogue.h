/* SPDX-License-Identifier: MIT */
/* Everything that the in-process catalogue is made of, read at one instant. */
#ifndef TG_STORE_CATALOGUE_H
#define TG_STORE_CATALOGUE_H

#include "store/deployment.h"
#include "store/model.h"
#include "store/price.h"
#include "store/provider.h"

struct catalogue_rows {
	struct provider *providers; /* archived ones too */
	size_t n_providers;
	struct model *models; /* archived ones too */
	size_t n_models;
	struct deployment *deployments; /* as asked for */
	size_t n_deployments;
	struct price *prices; /* see store_price_current() */
	size_t n_prices;
};

/** One consistent snapshot.
 * @with_archived  deployments, too, behind a model's others
 * Memory: everything in a. */
enum err store_catalogue_load(struct db *db, bool with_archived,
    struct arena *a, struct catalogue_rows *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
