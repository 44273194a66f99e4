/* SPDX-License-Identifier: MIT */
/*
 * The page Overview, and the question whether it has changed. A script asks
 * that every 2 s while the page is seen (templates/static/tollgate.js): it is
 * the same address with If-None-Match, and costs the session's look-up and
 * one statement that reads a few rows; only where something was used in
 * between is the page made again.
 */
#include "handler/web/dashboard.h"

#include "base/clock.h"
#include "base/hex.h"
#include "domain/principal.h"
#include "domain/session.h"
#include "ext/crypto.h"
#include "handler/web/page.h"
#include "handler/web/web.h"
#include "http/param.h"

#define TAG_BYTES 16

/* Whose page may be seen: another customer's looks as if there was none. */
static enum err
check_access(const struct app *app, const struct request *rq,
    uint64_t *ret_customer_id, struct error *e)
{
	uint64_t id;
	if (!app->who)
		return error_set(e, ERR_UNAUTHORIZED, "nobody is signed in");
	if (!str_to_u64(rq->path_param[0], 1, INT64_MAX, &id))
		return error_set(e, ERR_NOT_FOUND, "no customer id");
	if (!principal_is_operator(app->who) && app->who->customer_id != id)
		return error_set(e, ERR_NOT_FOUND,
		    "customer %llu asked for customer %llu",
		    (unsigned long long)app->who->customer_id,
		    (unsigned long long)id);
	*ret_customer_id = id;
	return OK;
}

/* Weak: the time on the page may differ. It is made before the page is read,
 * so a page can only be newer than its tag says, which costs one more. */
static enum err
make_tag(const struct app *app, const struct request *rq, uint64_t customer_id,
    int64_t now_ms, struct str *ret, struct error *e)
{
	char hex[2 * TAG_BYTES + 1];
	uint8_t digest[TAG_BYTES];
	struct dashboard_pulse p = { 0 };
	const struct report_pulse *n = &p.numbers;
	enum err err = dashboard_pulse(app, customer_id, now_ms, &p, e);
	struct str text;

	if (err)
		return err;
	text = arena_printf(rq->arena,
	    "%s %llu %d %" PRI_STR " %llu %lld %llu %llu %lld %llu %lld %lld "
	    "%lld",
	    PACKAGE_VERSION, (unsigned long long)app->who->user_id,
	    (int)app->who->role,
	    STR_ARG(app->session ? app->session->time_zone : S("")),
	    (unsigned long long)customer_id, (long long)p.hour_ms,
	    (unsigned long long)n->requests,
	    (unsigned long long)n->unpriced_requests, (long long)n->cost_pusd,
	    (unsigned long long)n->refusals, (long long)n->credited_pusd,
	    (long long)n->budgets_at_ms, (long long)n->delayed_since_ms);
	crypto_checksum(text.p, text.n, digest, sizeof(digest));
	hex_encode(digest, sizeof(digest), hex);
	*ret = arena_strdup(rq->arena, str_from(hex));
	return ret->p ? OK : error_arena(e, rq->arena);
}

/* Wherever it stands: a web server that compresses adds to tags. */
static bool
is_known(const struct request *rq, struct str tag)
{
	struct str known = request_header(rq, "if-none-match");

	return str_find_str(known, tag) < known.n;
}

enum err
web_dashboard_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct dashboard_data *d = arena_new(rq->arena, struct dashboard_data);
	int64_t now_ms = clock_now_ms();
	uint64_t customer_id = 0;
	struct str tag = S("");
	enum err err = check_access(app, rq, &customer_id, e);

	if (!err && !d)
		err = error_arena(e, rq->arena);
	if (!err)
		err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);
	if (!err)
		err = make_tag(app, rq, customer_id, now_ms, &tag, e);
	if (err)
		return err;
	response_header(rs, "etag",
	    arena_printf(rq->arena, "W/\"%" PRI_STR "\"", STR_ARG(tag)));
	if (is_known(rq, tag))
		return web_page_unchanged(rs, e);
	err = dashboard_load(app, customer_id, now_ms, rq->arena, d, e);
	if (err)
		return err;
	return web_page_send(app, rq, rs, 200, &page_dashboard,
	    dashboard_view(app, rq, d, tag), e);
}
