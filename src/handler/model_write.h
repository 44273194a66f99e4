/* SPDX-License-Identifier: MIT */
/* A model as operators see it, in JSON. Credentials are not in it. */
#ifndef TG_HANDLER_MODEL_WRITE_H
#define TG_HANDLER_MODEL_WRITE_H

#include "base/json_out.h"
#include "store/catalogue.h"

struct app;

/* A model with what belongs to it; NULL: it has none. */
struct model_view {
	const struct model *model;
	const struct deployment *deployment; /* tried first */
	const struct provider *provider;     /* of the deployment */
	const struct price *price;           /* in force */
};

/** One model by its id, archived ones too. Errors: ERR_NOT_FOUND. */
enum err model_view_load(struct db *db, struct arena *a, uint64_t model_id,
    struct model_view *ret, struct error *e) ATTR_MUST_CHECK;
/** All, in order of their ids. */
enum err model_view_list(struct db *db, struct arena *a, bool with_archived,
    struct model_view **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/** What keeps it from being served, though it should be; p == NULL: nothing that
 * is known here. Memory: in a, or it lives for ever. */
struct str model_notice(const struct app *app, const struct model_view *v,
    struct arena *a);
/** Write a model as an object; with why it is not served, if that is so.
 * @a  scratch */
void model_write(struct json_out *j, const struct app *app,
    const struct model_view *v, struct arena *a);

#endif
