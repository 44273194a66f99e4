/* SPDX-License-Identifier: MIT */
#include "handler/web/audit_actor.h"

#include "store/user.h"

static enum err
user_text(const struct manager *m, uint64_t user_id, struct arena *a,
    struct str *ret, struct error *e)
{
	struct user u;
	enum err err;

	*ret = S("");
	if (!user_id)
		return OK;
	err = store_user_by_id(m->db, m->tenant, user_id, a, &u, e);
	if (err == ERR_NOT_FOUND) {
		error_clear(e);
		*ret = m->tenant ? S("the service's operator") : S("a user");
		return OK;
	}
	if (!err)
		*ret = u.email;
	return err;
}

enum err
web_audit_actor(const struct manager *m, const struct audit *row,
    struct arena *a, struct str *ret, struct error *e)
{
	unsigned long long id = row->actor_id;

	*ret = S("");
	switch (row->actor) {
	case AUDIT_SYSTEM:
		*ret = S("the service itself");
		break;
	case AUDIT_COMMAND:
		*ret = S("the command line");
		break;
	case AUDIT_USER:
		return user_text(m, row->actor_id, a, ret, e);
	case AUDIT_API_KEY:
		*ret = arena_printf(a, "API key %llu", id);
		break;
	case AUDIT_OPERATOR_KEY:
		*ret = arena_printf(a, "operator key %llu", id);
		break;
	case AUDIT_ANONYMOUS:
		*ret = S("somebody not signed in");
		break;
	case AUDIT__N:
		break;
	}
	return OK;
}
