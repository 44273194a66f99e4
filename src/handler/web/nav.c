/* SPDX-License-Identifier: MIT */
#include "handler/web/nav.h"

#include "domain/principal.h"
#include "http/url.h"

#define HREF_BYTES_MAX KIB(4)

#define READERS                                                 \
 (1U << USER_OPERATOR | 1U << USER_OWNER | 1U << USER_BILLING | \
     1U << USER_DEVELOPER | 1U << USER_VIEWER)
#define OWNERS    (1U << USER_OPERATOR | 1U << USER_OWNER)
#define MAKERS    (OWNERS | 1U << USER_DEVELOPER)
#define OPERATORS (1U << USER_OPERATOR)

enum side {
	CUSTOMER,
	ADMIN,
};

static const struct {
	enum side side;
	const char *path;
	const char *name;
	unsigned roles;
} items[] = {
#define NAV(side_, path_, name_, roles_) { side_, path_, name_, roles_ },
#include "handler/web/nav.def"
#undef NAV
};

/* Whether the page is the item's, or below it. */
static bool
is_current(const struct request *rq, enum side side, const char *path)
{
	struct str route = rq->route;
	struct str head = side == ADMIN ? S("/admin")
					: S("/dashboard/{customer_id}");
	struct str rest;

	if (!str_starts(route, head))
		return false;
	rest = str_skip(route, head.n);
	if (!path[0] || !rest.n)
		return !path[0] && !rest.n;
	rest = str_skip(rest, 1);
	rest.n = str_find(rest, '/');
	return str_eq(rest, str_from(path));
}

static struct str
href(const struct app *app, struct arena *a, enum side side,
    uint64_t customer_id, const char *path)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	url_begin(&u, &b, str_from(conf_text(app->conf, CONF_BASE_PATH)),
	    side == ADMIN ? "/admin" : "/dashboard");
	if (side == CUSTOMER)
		url_segment_u64(&u, customer_id);
	if (path[0])
		url_segment(&u, str_from(path));
	return buf_str(&b);
}

/* On a customer's page an operator sees that customer's menu, too. */
static uint64_t
customer_of(const struct app *app, const struct request *rq)
{
	uint64_t id = app->who->customer_id;

	if (principal_is_operator(app->who) &&
	    str_starts(rq->route, S("/dashboard/{customer_id}")) &&
	    !str_to_u64(rq->path_param[0], 1, INT64_MAX, &id))
		return 0;
	return id;
}

static void
add_items(struct tval *list, const struct app *app, const struct request *rq)
{
	uint64_t customer_id = customer_of(app, rq);

	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		struct tval *item;

		if (!(items[i].roles & 1U << app->who->role) ||
		    (items[i].side == CUSTOMER && !customer_id))
			continue;
		item = tval_push_object(list);
		tval_set_text(item, "name", str_from(items[i].name));
		tval_set_text(item, "page_href",
		    href(app, list->a, items[i].side, customer_id,
			items[i].path));
		tval_set_bool(item, "is_current",
		    is_current(rq, items[i].side, items[i].path));
	}
}

void
web_nav_add(struct tval *o, const struct app *app, const struct request *rq)
{
	struct tval *list = tval_set_list(o, "nav");

	if (list && app->session)
		add_items(list, app, rq);
	tval_set_bool(o, "has_nav", list && list->first);
}
