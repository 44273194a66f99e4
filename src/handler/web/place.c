/* SPDX-License-Identifier: MIT */
#include "handler/web/place.h"

#include "domain/principal.h"
#include "handler/web/page.h"
#include "http/url.h"

#define HREF_BYTES_MAX KIB(4)

static enum err
customer_id(const struct app *app, const struct request *rq, uint64_t *ret,
    struct error *e)
{
	if (!str_to_u64(rq->path_param[0], 1, INT64_MAX, ret))
		return error_set(e, ERR_NOT_FOUND, "no customer id");
	if (principal_is_operator(app->who) || app->who->customer_id == *ret)
		return OK;
	return error_set(e, ERR_NOT_FOUND,
	    "customer %llu asked for customer %llu",
	    (unsigned long long)app->who->customer_id,
	    (unsigned long long)*ret);
}

enum err
web_place_begin(struct app *app, const struct request *rq,
    struct web_place *ret, struct manager *ret_m, struct error *e)
{
	uint64_t id = 0;
	enum err err = OK;

	*ret = (struct web_place){
		.is_admin = str_starts(rq->route, S("/admin")),
	};
	if (!app->who)
		return error_set(e, ERR_UNAUTHORIZED, "nobody is signed in");
	if (!ret->is_admin)
		err = customer_id(app, rq, &id, e);
	if (!err)
		err = manager_begin(app, rq, ret_m, e);
	if (err || ret->is_admin)
		return err;
	ret->n_params = 1;
	ret_m->tenant = id;
	err = store_customer_by_id(ret_m->db, id, rq->arena, &ret->customer, e);
	if (err)
		manager_end(app, ret_m);
	return err;
}

enum err
web_place_id(const struct web_place *place, const struct request *rq,
    uint64_t *ret, struct error *e)
{
	if (str_to_u64(rq->path_param[place->n_params], 1, UINT32_MAX, ret))
		return OK;
	return error_set(e, ERR_NOT_FOUND, "no id");
}

void
web_place_url(struct url *u, struct buf *b, const struct app *app,
    const struct web_place *place, const char *path)
{
	struct str base = str_from(conf_text(app->conf, CONF_BASE_PATH));

	url_begin(u, b, base, place->is_admin ? "/admin" : "/dashboard");
	if (!place->is_admin)
		url_segment_u64(u, place->customer.customer_id);
	if (path[0])
		url_segment(u, str_from(path));
}

struct str
web_place_href(const struct app *app, struct arena *a,
    const struct web_place *place, const char *path, uint64_t id,
    const char *verb)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, path);
	if (id)
		url_segment_u64(&u, id);
	if (verb)
		url_segment(&u, str_from(verb));
	return buf_str(&b);
}

struct tval *
web_place_page(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct tmpl_page *page,
    struct str title)
{
	return web_page_begin_for(app, rq, page, title, place->customer.name);
}

enum err
web_place_redirect(const struct app *app, const struct request *rq,
    struct response *rs, const struct web_place *place, const char *path,
    const char *done, struct error *e)
{
	struct buf b;
	struct url u;

	buf_init(&b, rq->arena, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, path);
	url_arg(&u, "done", str_from(done));
	return web_page_redirect(rs, buf_str(&b), e);
}
