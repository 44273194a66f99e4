/* SPDX-License-Identifier: MIT */
/* A model with where it is served and what it costs, as operators see it. */
#ifndef TG_DOMAIN_MODEL_VIEW_H
#define TG_DOMAIN_MODEL_VIEW_H

#include "store/catalogue.h"

/* A model with what belongs to it; NULL: it has none. */
struct model_view {
	const struct model *model;
	const struct deployment *deployment; /* tried first, or once was */
	const struct provider *provider;     /* of the deployment */
	const struct price *price;           /* in force */
};

/** One model by its id, archived ones too. Errors: ERR_NOT_FOUND. */
enum err model_view_load(struct db *db, struct arena *a, uint64_t model_id,
    struct model_view *ret, struct error *e) ATTR_MUST_CHECK;
/** In order of their ids. */
enum err model_view_list(struct db *db, struct arena *a, bool with_archived,
    struct model_view **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
