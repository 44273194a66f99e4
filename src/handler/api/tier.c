/* SPDX-License-Identifier: MIT */
/* /api/tiers. */
#include "domain/tier.h"

#include "handler/api/api.h"
#include "handler/api/resource.h"

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_TEXT("name", 64), FILTER_BOOL("archived") };

static enum err
page(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    struct error *e)
{
	struct tier *rows = NULL;
	enum err err = store_tier_page(m->db, v[0].text, v[1].u64 != 0, after,
	    limit, a, &rows, ret_n, e);

	*ret_rows = rows;
	return err;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.page = page,
	.id_off = offsetof(struct tier, tier_id) };

enum err
api_tier_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_list(app, rq, rs, tier_resource.record, &listing, e);
}

enum err
api_tier_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_show(app, rq, rs, &tier_resource, e);
}

enum err
api_tier_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct tier row = { 0 };

	return resource_post(app, rq, rs, &tier_resource, &row, e);
}

enum err
api_tier_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_patch(app, rq, rs, &tier_resource, e);
}

enum err
api_tier_archive(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_delete(app, rq, rs, &tier_resource, e);
}
