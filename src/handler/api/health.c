/* SPDX-License-Identifier: MIT */
/*
 * GET /healthz: this process answers. GET /readyz: it could admit a request
 * that must be paid for: the journal has room, and models are known. The
 * database may be away, as requests go on from what is cached.
 */
#include "base/json_out.h"
#include "handler/api/api.h"
#include "journal/writer.h"
#include "store/db_pool.h"

static enum err
respond(struct response *rs, int status, const char *text, bool has_journal,
    bool has_database, struct error *e)
{
	struct json_out j;

	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_str(&j, "status", str_from(text));
	json_out_member_bool(&j, "journal", has_journal);
	json_out_member_bool(&j, "database", has_database);
	json_out_object_end(&j);
	return response_json(rs, status, &j, e);
}

enum err
api_health_live(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct json_out j;

	(void)app;
	(void)rq;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_str(&j, "status", S("ok"));
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
api_health_ready(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct shared *shared = app->shared;
	bool has_journal = journal_has_room(shared->journal);
	bool has_database = !db_pool_is_down(shared->db);
	bool is_serving = atomic_load(&shared->shutdown) == APP_SERVING &&
			  app->catalogue;

	(void)rq;
	if (has_journal && is_serving)
		return respond(rs, 200, "ok", true, has_database, e);
	return respond(rs, 503, "not ready", has_journal, has_database, e);
}
