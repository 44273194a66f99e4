/* SPDX-License-Identifier: MIT */
/*
 * Where people land: customers on their dashboard, operators on the list of
 * customers.
 */
#include "base/clock.h"
#include "handler/web/find.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "store/customer.h"
#include "store/db_pool.h"

#define WAIT_MS  2000
#define PER_PAGE 50 /* what a page of 60 KB has room for */

static const struct tmpl_key customers_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "has_customers", TVAL_BOOL },
	{ "customers", TVAL_LIST },
	{ "customers.name", TVAL_TEXT },
	{ "customers.company", TVAL_TEXT },
	{ "customers.email", TVAL_TEXT },
	{ "customers.state", TVAL_TEXT },
	{ "customers.is_active", TVAL_BOOL },
	{ "customers.dashboard_href", TVAL_TEXT },
	VIEW_DAY_KEYS("customers.since"),
	{ "new_href", TVAL_TEXT },
	WEB_FIND_KEYS,
	{ "has_more", TVAL_BOOL },
	{ "more_href", TVAL_TEXT },
};
const struct tmpl_page page_customers = PAGE("dashboard/customers",
    customers_keys);

enum {
	Q_AFTER,
	Q_FIND,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { "after", PARAM_U64, 0, INT64_MAX, NULL, false },
	[Q_FIND] = { "find", PARAM_TEXT, 0, WEB_FIND_BYTES, NULL, false },
};

enum err
web_home_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return web_page_redirect(rs, web_href(app, rq->arena, "/dashboard", 0),
	    e);
}

static void
add_customer(struct tval *list, const struct app *app, const struct customer *c)
{
	struct tval *row = tval_push_object(list);
	if (!row)
		return;
	enum customer_state state = customer_state(c);
	tval_set_text(row, "name", c->name);
	tval_set_text(row, "company", c->company);
	tval_set_text(row, "email", c->email);
	tval_set_text(row, "state", view_customer_state_text(state));
	tval_set_bool(row, "is_active", state == CUSTOMER_ACTIVE);
	tval_set_text(row, "dashboard_href",
	    web_href(app, row->a, "/dashboard", c->customer_id));
	view_day(row, "since", c->created_at_ms);
}

static struct str
more_href(const struct app *app, struct arena *a, struct str find,
    uint64_t after)
{
	struct buf b;
	struct url u;
	buf_init(&b, a, KIB(1));
	url_begin(&u, &b, str_from(conf_text(app->conf, CONF_BASE_PATH)),
	    "/dashboard");
	if (find.n)
		url_arg(&u, "find", find);
	url_arg_u64(&u, "after", after);
	return buf_str(&b);
}

static enum err
load(const struct app *app, struct str find, uint64_t after, struct arena *a,
    struct customer **ret, size_t *ret_n, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(app->shared->db, WAIT_MS, &db, e);
	if (err)
		return err;
	err = store_customer_list(db, find, after, PER_PAGE + 1, a, ret, ret_n,
	    e);
	db_pool_give(app->shared->db, db);
	return err;
}

static enum err
show_customers(const struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct str find = { NULL, 0 };
	struct param_value query[Q__N];
	struct customer *c;
	size_t n;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);
	if (err)
		return err;
	if (query[Q_FIND].text.n)
		find = query[Q_FIND].text;
	err = load(app, find, query[Q_AFTER].u64, rq->arena, &c, &n, e);
	if (err)
		return err;
	bool has_more = n > PER_PAGE;
	if (has_more)
		n = PER_PAGE;
	struct tval *o = web_page_begin(app, rq, &page_customers,
	    S("Customers"));
	view_time(o, "as_of", clock_now_ms());
	tval_set_bool(o, "has_customers", n > 0);
	struct tval *list = tval_set_list(o, "customers");
	for (size_t i = 0; i < n; i++)
		add_customer(list, app, &c[i]);
	tval_set_text(o, "new_href",
	    web_href(app, rq->arena, "/admin/customers/new", 0));
	tval_set_bool(o, "has_more", has_more);
	tval_set_text(o, "more_href",
	    has_more ? more_href(app, rq->arena, find, c[n - 1].customer_id)
		     : S(""));
	web_find_add(o, WEB_FIND_CUSTOMER, find,
	    web_href(app, rq->arena, "/dashboard", 0));
	return web_page_send(app, rq, rs, 200, &page_customers, o, e);
}

enum err
web_dashboard_home(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	if (!app->who)
		return error_set(e, ERR_UNAUTHORIZED, "nobody is signed in");
	if (principal_is_operator(app->who))
		return show_customers(app, rq, rs, e);
	return web_page_redirect(rs,
	    web_href(app, rq->arena, "/dashboard", app->who->customer_id), e);
}
