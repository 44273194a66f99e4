/* SPDX-License-Identifier: MIT */
/*
 * A page to copy. It is compiled and run by tests/unit/handler, never linked
 * into the worker. Then, in this order:
 *   1. copy this file to handler/web/<page>.c and rename what says skeleton;
 *   2. declare handler and page in web.h and page.h, list both files in
 *      local.mk, the page in page.c's table;
 *   3. write templates/dashboard/<page>.html with the declared keys;
 *   4. add the route's row to src/daemon/routes.def and to doc/openapi.yaml;
 *   5. add the page to tests/unit/handler/test_pages.c, run
 *      `make update-golden` and read the diff.
 */
#include "handler/web/skeleton.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "http/param.h"

/* Every key that the template may use; a misspelt one stops the start. */
static const struct tmpl_key skeleton_keys[] = {
	{ "greeting", TVAL_TEXT },
	{ "items", TVAL_LIST },
	{ "items.name", TVAL_TEXT },
	{ "items.count", TVAL_TEXT },
};
const struct tmpl_page page_skeleton = PAGE("dashboard/skeleton",
    skeleton_keys);

/* The query's parameters; any other is refused. */
enum {
	Q_LIMIT,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_LIMIT] = { "limit", PARAM_U64, 1, 100, NULL, false },
};

/* Builders take NULL, so a full arena needs no check here: web_page_send()
 * looks once. */
static void
add_items(struct tval *o, uint64_t n)
{
	struct tval *list = tval_set_list(o, "items");
	for (uint64_t i = 1; i <= n; i++) {
		struct tval *item = tval_push_object(list);
		tval_set_textf(item, "name", "Item %llu",
		    (unsigned long long)i);
		view_count(item, "count", i * 1000);
	}
}

enum err
web_skeleton_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value query[Q__N];
	if (!app->who)
		return error_set(e, ERR_UNAUTHORIZED, "nobody is signed in");
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);
	if (err)
		return err;
	uint64_t n = query[Q_LIMIT].is_set ? query[Q_LIMIT].u64 : 3;

	struct tval *o = web_page_begin(app, rq, &page_skeleton, S("Skeleton"));
	tval_set_text(o, "greeting", S("A page like any other"));
	add_items(o, n);
	return web_page_send(app, rq, rs, 200, &page_skeleton, o, e);
}
