/* SPDX-License-Identifier: MIT */
#include "domain/model_view.h"

#include "base/clock.h"
#include "domain/price.h"

/* All versions of all models, or of one. */
static const struct price *
in_force(const struct price *prices, size_t n, uint64_t model_id)
{
	size_t from = 0, to;

	while (from < n && prices[from].model_id != model_id)
		from++;
	for (to = from; to < n && prices[to].model_id == model_id; to++)
		;
	return price_at(prices + from, to - from, clock_now_ms());
}

/* One model's rows. */
struct parts {
	struct model model;
	struct deployment deployment;
	struct provider provider;
};

static enum err
load_place(struct db *db, struct arena *a, struct parts *p,
    struct model_view *ret, struct error *e)
{
	enum err err = store_deployment_first(db, p->model.model_id, true, a,
	    &p->deployment, e);

	if (err == ERR_NOT_FOUND)
		return OK;
	if (!err)
		err = store_provider_by_id(db, p->deployment.provider_id, a,
		    &p->provider, e);
	if (err)
		return err;
	ret->deployment = &p->deployment;
	ret->provider = &p->provider;
	return OK;
}

enum err
model_view_load(struct db *db, struct arena *a, uint64_t model_id,
    struct model_view *ret, struct error *e)
{
	struct parts *p = arena_new(a, struct parts);
	struct price *prices = NULL;
	size_t n = 0;
	enum err err;

	if (!p)
		return error_arena(e, a);
	*ret = (struct model_view){ .model = &p->model };
	err = store_model_by_id(db, model_id, a, &p->model, e);
	if (err == ERR_NOT_FOUND)
		return error_public(e, err, "id", "There is no such model.");
	if (!err)
		err = load_place(db, a, p, ret, e);
	if (!err)
		err = store_price_list(db, model_id, a, &prices, &n, e);
	if (!err)
		ret->price = in_force(prices, n, model_id);
	return err;
}

static const struct deployment *
deployment_of(const struct catalogue_rows *rows, uint64_t model_id)
{
	for (size_t i = 0; i < rows->n_deployments; i++)
		if (rows->deployments[i].model_id == model_id)
			return &rows->deployments[i];
	return NULL;
}

static const struct provider *
provider_of(const struct catalogue_rows *rows, const struct deployment *d)
{
	for (size_t i = 0; d && i < rows->n_providers; i++)
		if (rows->providers[i].provider_id == d->provider_id)
			return &rows->providers[i];
	return NULL;
}

static struct model_view
view_of(const struct catalogue_rows *rows, const struct model *m)
{
	const struct deployment *d = deployment_of(rows, m->model_id);

	return (struct model_view){ m, d, provider_of(rows, d),
		in_force(rows->prices, rows->n_prices, m->model_id) };
}

enum err
model_view_list(struct db *db, struct arena *a, bool with_archived,
    struct model_view **ret, size_t *ret_n, struct error *e)
{
	struct catalogue_rows rows;
	struct model_view *views;
	size_t n = 0;
	enum err err = store_catalogue_load(db, with_archived, a, &rows, e);

	if (err)
		return err;
	views = arena_array(a, struct model_view, rows.n_models);
	if (!views)
		return error_arena(e, a);
	for (size_t i = 0; i < rows.n_models; i++)
		if (with_archived || !rows.models[i].archived_at_ms)
			views[n++] = view_of(&rows, &rows.models[i]);
	*ret = views;
	*ret_n = n;
	return OK;
}
