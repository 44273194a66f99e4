/* SPDX-License-Identifier: MIT */
/* tollgate notice list, send, test */
#include "domain/notice.h"

#include "admin/admin_priv.h"
#include "admin/lookup.h"
#include "base/clock.h"
#include "base/uuid7.h"
#include "domain/key_notice.h"
#include "domain/notice_deliver.h"
#include "domain/notice_text.h"
#include "ext/httpc.h"
#include "store/db_pool.h"
#include "store/notice.h"

#define LIST_ROWS 100 /* unless more are asked for */

const struct admin_option admin_notice_list_options[] = {
	{ "customer", "ID|EMAIL", "Of that customer only.", false },
	{ "kind", "KIND", "Such as key.expiring.", false },
	{ "state", "STATE", "pending, sent or dead.", false },
	{ "from", "TIME", "Made at or after.", false },
	{ "before", "TIME", "Made before.", false },
	{ "limit", "N", "The newest so many (100).", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_notice_send_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_notice_test_options[] = {
	ADMIN_OPTIONS_END,
};

/* A line for a way that it goes; without one, it isn't known yet. */
static void
way_rec(struct admin *ad, const struct notice_view *n, const char *channel,
    const struct notice_way *w)
{
	char uid[NOTICE_UID_BYTES];

	notice_uid(n->uid, uid);
	admin_rec(ad);
	admin_u64(ad, "id", n->notice_id);
	admin_count(ad, "customer_id",
	    n->customer_id ? (int64_t)n->customer_id : -1);
	admin_str(ad, "kind", n->kind);
	admin_str(ad, "payload", n->payload);
	admin_time(ad, "created_at", n->created_at_ms);
	admin_str(ad, "channel",
	    channel ? str_from(channel) : (struct str){ NULL, 0 });
	admin_str(ad, "state", w->state);
	admin_u64(ad, "attempts", w->attempts);
	admin_time(ad, "next_attempt_at", w->next_attempt_at_ms);
	admin_time(ad, "sent_at", w->sent_at_ms);
	admin_str(ad, "last_error", w->last_error);
	admin_str(ad, "webhook_id", str_from(uid));
}

static void
notice_recs(struct admin *ad, const struct notice_view *n, struct str state)
{
	const struct notice_way *const ways[NOTICE_CHANNEL__N] = {
		[NOTICE_EMAIL] = &n->email,
		[NOTICE_WEBHOOK] = &n->webhook,
	};

	if (!n->email.state.p && !n->webhook.state.p)
		way_rec(ad, n, NULL, &n->email);
	for (int i = 0; i < NOTICE_CHANNEL__N; i++)
		if (ways[i]->state.p &&
		    (!state.p || str_eq(ways[i]->state, state)))
			way_rec(ad, n, notice_channel_names[i], ways[i]);
}

static enum err
read_filter(struct admin *ad, struct notice_filter *f, uint64_t *ret_limit,
    struct error *e)
{
	struct str customer = admin_opt(ad, "customer");
	enum notice_kind kind;
	unsigned state = 0;
	struct customer c;
	enum err err = OK;

	f->kind = admin_opt(ad, "kind");
	if (f->kind.p && notice_kind_find(f->kind, &kind, e))
		return admin_usage(e, "--kind: there is no such kind");
	if (admin_has(ad, "state")) {
		err = admin_opt_enum(ad, "state", notice_state_names,
		    NOTICE_STATE__N, &state, e);
		f->state = str_from(notice_state_names[state]);
	}
	if (!err)
		err = admin_opt_time(ad, "from", &f->from_ms, e);
	if (!err)
		err = admin_opt_time(ad, "before", &f->to_ms, e);
	if (!err)
		err = admin_opt_u64(ad, "limit", 1, INT64_MAX, ret_limit, e);
	if (!err && customer.p)
		err = lookup_customer(ad, customer, &c, e);
	if (!err && customer.p)
		f->customer_id = c.customer_id;
	return err;
}

/* filter: a struct notice_filter. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	const struct notice_filter *f = filter;
	struct notice_view *notices = NULL;
	struct newest_end end = { 0, 0 };
	enum err err = store_notice_page(db, f, p->after, p->limit,
	    admin_arena(ad), &notices, &p->n, &end, e);

	for (size_t i = 0; i < p->n && !err; i++)
		notice_recs(ad, &notices[i], f->state);
	p->next = end.next_id;
	return err;
}

enum err
admin_notice_list(struct admin *ad, struct error *e)
{
	struct notice_filter f = { .customer_id = 0 };
	uint64_t limit = LIST_ROWS;
	enum err err = read_filter(ad, &f, &limit, e);

	return err ? err : admin_list_first(ad, list_page, &f, limit, e);
}

/* What the workers look for once a minute. */
static enum err
look_for_news(struct admin *ad, struct db *db, struct error *e)
{
	uint64_t notice_s = conf_u64(ad->conf, CONF_KEYS_NOTICE_S);
	size_t n;

	return notice_s ? key_notice_expiring(db, notice_s, NULL, &n, e) : OK;
}

static enum err
revive(struct admin *ad, struct error *e)
{
	struct str text = admin_arg(ad, 0);
	uint64_t id, n = 0;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (err || !text.p)
		return err ? err : look_for_news(ad, db, e);
	if (!str_to_u64(text, 1, UINT64_MAX, &id))
		return admin_usage(e, "ID must be a notice's number");
	err = store_notice_revive(db, id, &n, e);
	if (!err && n == 0)
		return error_set(e, ERR_NOT_FOUND,
		    "no notice of that number waits to be sent");
	return err ? err : admin_audit(ad, "notice.send", "notice", id, 0, e);
}

/* In this process, so that it works where no worker runs. */
enum err
admin_notice_send(struct admin *ad, struct error *e)
{
	struct notice_sender_params params = { .conf = ad->conf };
	struct notice_sender *sender = NULL;
	struct db_pool *pool = NULL;
	const struct crypto_keys *keys;
	struct notice_tally tally = { 0 };
	struct db_options opt;
	enum err err = revive(ad, e);

	if (!err)
		err = admin_keys(ad, &keys, e);
	if (!err)
		err = httpc_global_init(e);
	if (err)
		return err;
	admin_db_options(ad, &opt);
	pool = db_pool_new(&opt, 1);
	params.db = pool;
	params.seal = keys->seal;
	err = pool ? notice_sender_new(&params, &sender, e)
		   : error_set(e, ERR_NO_MEMORY, "database pool");
	if (!err)
		err = notice_deliver_due(sender, &tally, e);
	notice_sender_free(sender);
	if (pool)
		db_pool_free(pool);
	httpc_global_fini();
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "sent", tally.n_sent);
	admin_u64(ad, "failed", tally.n_failed);
	admin_u64(ad, "dead", tally.n_dead);
	if (tally.n_failed || tally.n_dead)
		admin_fail(ad);
	return OK;
}

enum err
admin_notice_test(struct admin *ad, struct error *e)
{
	struct uuid7 id = uuid7_new(clock_now_ms());
	char cause[UUID7_TEXT_BYTES];
	struct notice n = { .kind = NOTICE_TEST, .payload = S("{}") };
	struct customer c;
	struct db *db;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (err)
		return err;
	uuid7_format(&id, cause); /* each is another one */
	n.customer_id = c.customer_id;
	n.cause = str_from(cause);
	err = notice_add(db, &n, NULL, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "customer_id", c.customer_id);
	admin_str(ad, "kind", str_from(notice_info(NOTICE_TEST)->kind));
	admin_note(ad,
	    "\nThe workers send it; `tollgate notice send` does so now.");
	return admin_audit(ad, "notice.test", "customer", c.customer_id,
	    c.customer_id, e);
}
