/* SPDX-License-Identifier: MIT */
/* /api/users. Passwords are set by command, or by whoever is invited. */
#include "domain/user.h"

#include "handler/api/api.h"
#include "handler/api/resource.h"

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_ID("customer_id"),
	FILTER_ENUM("role", "viewer|developer|billing|owner|operator"),
	FILTER_ASCII("email", 254), FILTER_BOOL("archived") };

static enum err
page(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    struct error *e)
{
	const struct user_filter f = { v[0].u64, v[1].text, v[2].text,
		v[3].u64 != 0 };
	struct user *rows = NULL;
	enum err err = store_user_page(m->db, m->tenant, &f, after, limit, a,
	    &rows, ret_n, e);

	*ret_rows = rows;
	return err;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.page = page,
	.id_off = offsetof(struct user, user_id) };

enum err
api_user_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_list(app, rq, rs, user_resource.record, &listing, e);
}

enum err
api_user_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_show(app, rq, rs, &user_resource, e);
}

enum err
api_user_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct user row = { .is_active = true };

	return resource_post(app, rq, rs, &user_resource, &row, e);
}

enum err
api_user_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_patch(app, rq, rs, &user_resource, e);
}

enum err
api_user_archive(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_delete(app, rq, rs, &user_resource, e);
}
