/* SPDX-License-Identifier: MIT */
#include "store/catalogue.h"

#include <string.h>

struct load_arg {
	bool with_archived;
	struct arena *a;
	struct catalogue_rows *rows;
};

static enum err
load_txn(struct db *db, void *arg, struct error *e)
{
	struct load_arg *l = arg;
	struct catalogue_rows *r = l->rows;
	enum err err;

	memset(r, 0, sizeof(*r));
	err = store_provider_list(db, l->a, &r->providers, &r->n_providers, e);
	if (err == OK)
		err = store_model_list(db, l->a, &r->models, &r->n_models, e);
	if (err == OK)
		err = store_deployment_list(db, l->with_archived, l->a,
		    &r->deployments, &r->n_deployments, e);
	if (err == OK)
		err = store_price_current(db, l->a, &r->prices, &r->n_prices,
		    e);
	return err;
}

enum err
store_catalogue_load(struct db *db, bool with_archived, struct arena *a,
    struct catalogue_rows *ret, struct error *e)
{
	struct load_arg arg = { with_archived, a, ret };

	return db_snapshot(db, load_txn, &arg, e);
}
