/* SPDX-License-Identifier: MIT */
/*
 * Links by which a member sets a password: with the member, and on demand. Who
 * makes one sees it once, on the answer's page alone.
 */
#include "domain/user_link.h"
#include "handler/web/member.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"

static const struct tmpl_key link_keys[] = {
	{ "list_href", TVAL_TEXT },
	{ "name", TVAL_TEXT },
	{ "email", TVAL_TEXT },
	{ "is_invitation", TVAL_BOOL },
	{ "is_mailed", TVAL_BOOL },
	{ "link", TVAL_TEXT },
	VIEW_TIME_KEYS("until"),
};
const struct tmpl_page page_link = PAGE("dashboard/member_link", link_keys);

struct making {
	struct user_link_maker maker;
	enum user_link_kind kind;
	int64_t now_ms;
	char token[SESSION_TEXT_BYTES];
};

static enum err
make(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	struct making *k = arg;
	const struct user *u = row;

	(void)r;
	(void)a;
	if (u->archived_at_ms || !u->is_active)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That member may not sign in.");
	k->kind = user_link_kind_for(u);
	return user_link_make(m->db, &k->maker, u->user_id, k->kind, k->now_ms,
	    k->token, e);
}

static enum err
show(const struct app *app, const struct request *rq, struct response *rs,
    const struct web_place *place, const struct user *u, const struct making *k,
    struct error *e)
{
	struct arena *a = rq->arena;
	struct tval *o = web_place_page(app, rq, place, &page_link,
	    k->kind == USER_LINK_RESET ? S("Link to set another password")
				       : S("Invitation"));

	tval_set_text(o, "list_href",
	    web_place_href(app, a, place, "members", 0, NULL));
	tval_set_text(o, "name", u->name);
	tval_set_text(o, "email", u->email);
	tval_set_bool(o, "is_invitation", k->kind == USER_LINK_INVITATION);
	tval_set_bool(o, "is_mailed", k->maker.is_mailed);
	tval_set_text(o, "link",
	    web_absolute(app, rq,
		arena_printf(a, "/login/password/%s", k->token)));
	view_time(o, "until",
	    k->now_ms + (int64_t)k->maker.valid_s[k->kind] * 1000);
	return web_page_send(app, rq, rs, 200, &page_link, o, e);
}

enum err
web_member_link_page(struct app *app, const struct request *rq,
    struct response *rs, const struct web_place *place, struct manager *m,
    uint64_t user_id, struct error *e)
{
	static const struct resource_act act = { "link", make, true };
	struct making k = { .now_ms = rq->start_ms };
	struct user u;
	enum err err;

	user_link_maker_init(&k.maker, app->conf, app->shared->pepper,
	    app->shared->seal);
	err = resource_act(&user_resource, m, user_id, &act, &k, rq->arena, &u,
	    e);
	if (!err)
		err = show(app, rq, rs, place, &u, &k, e);
	secret_wipe(&k, sizeof(k));
	return err;
}
