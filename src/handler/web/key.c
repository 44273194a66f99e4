/* SPDX-License-Identifier: MIT */
#include "handler/web/key.h"

enum err
web_key_begin(struct web_key *v, struct app *app, const struct request *rq,
    bool has_id, struct error *e)
{
	enum err err;

	*v = (struct web_key){ .app = app, .rq = rq };
	err = web_place_begin(app, rq, &v->place, &v->m, e);
	if (err || !has_id)
		return err;
	err = web_place_id(&v->place, rq, &v->id, e);
	if (!err)
		err = resource_load(&key_resource, &v->m, v->id, rq->arena,
		    &v->row, e);
	if (err)
		web_key_end(v);
	return err;
}

void
web_key_end(struct web_key *v)
{
	manager_end(v->app, &v->m);
}

bool
web_key_may_change(const struct web_key *v)
{
	const struct principal *who = v->app->who;

	if (principal_is_operator(who) || principal_is_owner(who))
		return true;
	return who->role == USER_DEVELOPER &&
	       (v->id == 0 || v->row.k.user_id == who->user_id);
}

struct str
web_key_href(const struct web_key *v, uint64_t id, const char *verb)
{
	return web_place_href(v->app, v->rq->arena, &v->place, "keys", id,
	    verb);
}

struct str
web_key_text(struct arena *a, struct str public_id)
{
	return arena_printf(a, "tg_%" PRI_STR "_…", STR_ARG(public_id));
}

struct str
web_key_state_text(enum key_state state)
{
	switch (state) {
	case KEY_ACTIVE:
		return S("Active");
	case KEY_INACTIVE:
		return S("Switched off");
	case KEY_EXPIRED:
		return S("Expired");
	case KEY_REVOKED:
		return S("Revoked");
	case KEY_STATE__N:
		break;
	}
	return S("");
}
