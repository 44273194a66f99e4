/* SPDX-License-Identifier: MIT */
#include "handler/manager.h"

#include "domain/principal.h"
#include "store/db_pool.h"

#define DB_WAIT_MS 2000

static void
set_actor(const struct principal *who, struct audit *ret)
{
	if (who->kind == PRINCIPAL_SESSION) {
		ret->actor = AUDIT_USER;
		ret->actor_id = who->user_id;
	} else if (who->kind == PRINCIPAL_OPERATOR) {
		ret->actor = AUDIT_OPERATOR_KEY;
		ret->actor_id = who->operator_key_id;
	} else {
		ret->actor = AUDIT_API_KEY;
		ret->actor_id = who->api_key_id;
	}
}

enum err
manager_begin(struct app *app, const struct request *rq, struct manager *ret,
    struct error *e)
{
	const struct principal *who = app->who;
	bool is_operator = principal_is_operator(who);

	if (!is_operator && who->customer_id == 0)
		return error_set(e, ERR_FORBIDDEN, "nobody's credential");
	*ret = (struct manager){
		.map = app->shared->hostmap,
		.who = who,
		.tenant = is_operator ? 0 : who->customer_id,
		.if_match = request_header(rq, "if-match"),
		.now_ms = rq->start_ms,
		.audit = {
			.client_address = rq->client_addr,
			.request_id = str_from(rq->id_text),
		},
	};
	set_actor(who, &ret->audit);
	return db_pool_take(app->shared->db, DB_WAIT_MS, &ret->db, e);
}

enum err
manager_again(struct app *app, struct manager *m, struct error *e)
{
	return db_pool_take(app->shared->db, DB_WAIT_MS, &m->db, e);
}

enum err
manager_resume(struct app *app, struct manager *m, enum err err,
    struct error *e)
{
	struct error second = { 0 };
	enum err again = manager_again(app, m, err ? &second : e);

	return err ? err : again;
}

void
manager_end(struct app *app, struct manager *m)
{
	if (m->db)
		db_pool_give(app->shared->db, m->db);
	m->db = NULL;
}
