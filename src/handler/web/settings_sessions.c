/* SPDX-License-Identifier: MIT */
/* Settings: where one is signed in, and signing out there. */
#include "handler/web/page.h"
#include "handler/web/settings.h"
#include "handler/web/view.h"
#include "handler/web/web.h"

struct mark {
	const char *word, *name;
};

static const char *
find_mark(const struct mark *marks, size_t n, struct str text,
    const char *otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (str_find_str(text, str_from(marks[i].word)) < text.n)
			return marks[i].name;
	return otherwise;
}

/* Of a User-Agent header as much as tells one's own devices apart. Each word
 * stands before those that it usually comes with. */
static struct str
device_text(struct arena *a, struct str agent)
{
	static const struct mark browsers[] = { { "Edg/", "Edge" },
		{ "OPR/", "Opera" }, { "Firefox/", "Firefox" },
		{ "Chrome/", "Chrome" }, { "Safari/", "Safari" },
		{ "curl/", "curl" } };
	static const struct mark systems[] = { { "Android", "Android" },
		{ "iPhone", "iPhone" }, { "iPad", "iPad" },
		{ "Windows", "Windows" }, { "Mac OS X", "macOS" },
		{ "Linux", "Linux" } };
	const char *browser = find_mark(browsers, ARRAY_LEN(browsers), agent,
	    NULL);
	const char *system = find_mark(systems, ARRAY_LEN(systems), agent,
	    NULL);

	if (!browser && !system)
		return S("Unknown device");
	if (!browser || !system)
		return str_from(browser ? browser : system);
	return arena_printf(a, "%s on %s", browser, system);
}

static struct str
end_href(const struct app *app, struct arena *a, uint64_t session_id)
{
	return arena_printf(a, "%" PRI_STR "/end",
	    STR_ARG(web_href(app, a, "/settings/sessions", session_id)));
}

void
web_settings_sessions(struct tval *o, const struct app *app,
    const struct session_listed *sessions, size_t n)
{
	struct tval *list = tval_set_list(o, "sessions");

	for (size_t i = 0; list && i < n; i++) {
		const struct session_listed *row = &sessions[i];
		struct tval *v = tval_push_object(list);

		tval_set_text(v, "device",
		    device_text(list->a, row->user_agent));
		tval_set_text(v, "address",
		    row->client_address.p ? row->client_address : S("–"));
		tval_set_bool(v, "is_this",
		    row->session_id == app->session->session_id);
		tval_set_text(v, "end_href",
		    end_href(app, list->a, row->session_id));
		view_time(v, "since", row->created_at_ms);
		view_time(v, "seen", row->last_seen_at_ms);
	}
}

/* arg: the session's id; 0: all but this one. */
struct ending {
	uint64_t session_id;
	uint64_t this_id;
};

static enum err
end_sessions(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct ending *end = arg;
	const struct user *u = row;

	(void)r;
	(void)a;
	return end->session_id ? store_session_delete_one(m->db, u->user_id,
				     end->session_id, e)
			       : store_session_delete_others(m->db, u->user_id,
				     end->this_id, e);
}

static const struct resource_act act_sessions_end = { "sessions_end",
	end_sessions, true };

static enum err
end_and_go_on(struct app *app, const struct request *rq, struct response *rs,
    uint64_t session_id, struct error *e)
{
	struct ending end = { session_id, app->session->session_id };
	struct user u;
	enum err err = web_settings_act(app, rq, &act_sessions_end, &end, &u,
	    e);

	return err ? err
		   : web_settings_redirect(app, rq, rs, "/settings",
			 session_id ? "session_ended" : "sessions_ended", e);
}

enum err
web_session_end_others(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return end_and_go_on(app, rq, rs, 0, e);
}

enum err
web_session_end_one(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	uint64_t id;

	if (!str_to_u64(rq->path_param[0], 1, INT64_MAX, &id))
		return error_set(e, ERR_NOT_FOUND, "no session id");
	return end_and_go_on(app, rq, rs, id, e);
}
