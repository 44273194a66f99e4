/* SPDX-License-Identifier: MIT */
/* GET /customers/{id}/export: page after page through a small arena, a
 * connection to the database held for one page only. */
#include "domain/customer_export.h"

#include <stdio.h>

#include "base/clock.h"
#include "domain/customer.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"
#include "store/db_pool.h"

#define DB_WAIT_MS 2000
#define TRIES      3 /* of a page: the first lines are out already */

static enum err
next_lines(struct app *app, struct customer_export *x, struct arena *a,
    struct str *ret, struct error *e)
{
	struct db_pool *pool = app->shared->db;
	enum err err = ERR_DB_DOWN;

	for (int i = 0; i < TRIES && err && err != ERR_NOT_FOUND; i++) {
		struct db *db;

		arena_reset(a);
		err = db_pool_take(pool, DB_WAIT_MS, &db, e);
		if (err)
			continue;
		err = customer_export_next(x, db, a, ret, e);
		db_pool_give(pool, db);
	}
	return err;
}

/* Whoever reads on must not take what there is for all. */
static void
tell_end(struct response *rs)
{
	struct error e;

	if (response_write(rs,
		S("{\"error\":{\"message\":\"This export ended early.\"}}\n"),
		&e) != OK)
		error_clear(&e); /* the client left: nobody reads it */
}

static enum err
send_head(struct response *rs, uint64_t customer_id, struct error *e)
{
	char name[64];

	(void)snprintf(name, sizeof(name),
	    "attachment; filename=\"customer-%llu.ndjson\"",
	    (unsigned long long)customer_id);
	response_header(rs, "content-type", S("application/x-ndjson"));
	response_header(rs, "content-disposition", str_from(name));
	response_header(rs, "cache-control", S("no-store"));
	return response_stream_begin(rs, e);
}

static enum err
stream(struct app *app, struct customer_export *x, struct response *rs,
    struct arena *a, struct error *e)
{
	struct str lines;
	enum err err = next_lines(app, x, a, &lines, e);

	if (!err)
		err = send_head(rs, x->customer_id, e);
	while (!err && lines.n) {
		err = response_write(rs, lines, e);
		if (!err)
			err = response_flush(rs, e);
		if (err)
			break;
		if (atomic_load(&app->shared->shutdown) == APP_CUT)
			err = error_set(e, ERR_SHUTTING_DOWN, "an export");
		if (!err)
			err = next_lines(app, x, a, &lines, e);
		if (err)
			tell_end(rs);
	}
	return err;
}

enum err
api_customer_export(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct customer_export x;
	struct manager m;
	struct arena a;
	uint64_t id;
	enum err err = resource_id(&customer_resource, rq, &id, e);

	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	/* Of a HEAD nothing goes out, so it leaves no line in the audit log. */
	err = rs->is_head ? customer_export_check(&m, id, rq->arena, e)
			  : customer_export_begin(&x, &m, id, rq->arena, e);
	manager_end(app, &m);
	if (err == ERR_NOT_FOUND)
		return error_public(e, err, "id", "There is no such customer.");
	if (err || rs->is_head)
		return err ? err : send_head(rs, id, e);
	arena_init(&a, CUSTOMER_EXPORT_ARENA);
	err = stream(app, &x, rs, &a, e);
	arena_fini(&a);
	return err;
}
