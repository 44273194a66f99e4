/* SPDX-License-Identifier: MIT */
/* Settings: the name and the time zone. */
#include "base/zone.h"
#include "handler/web/settings.h"
#include "handler/web/web.h"
#include "http/param.h"

#define NAME_BYTES_MAX 200

enum {
	P_CSRF,
	P_NAME,
	P_ZONE,
	P__N
};
static const struct param_spec profile_spec[P__N] = {
	[P_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[P_NAME] = { "name", PARAM_TEXT, 1, NAME_BYTES_MAX, NULL, true },
	[P_ZONE] = { "time_zone", PARAM_ASCII, 1, ZONE_NAME_BYTES_MAX, NULL,
	    true },
};

/* arg: struct param_value[P__N]. */
static enum err
set_profile(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct param_value *field = arg;
	const struct user *u = row;

	(void)r;
	(void)a;
	return store_user_set_profile(m->db, u->user_id, field[P_NAME].text,
	    field[P_ZONE].text, e);
}

static const struct resource_act act_profile = { "profile", set_profile,
	false };

enum err
web_settings_change(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value field[P__N];
	struct zone zone;
	struct user u;
	enum err err = param_parse(rq->arena, profile_spec, P__N, rq->body,
	    field, e);

	if (!err)
		err = zone_load(field[P_ZONE].text, rq->arena, &zone, e);
	if (!err)
		err = web_settings_act(app, rq, &act_profile, field, &u, e);
	if (err)
		return web_settings_refused(app, rq, rs, SETTINGS_PROFILE, e);
	return web_settings_redirect(app, rq, rs, "/settings", "profile_saved",
	    e);
}
