/* SPDX-License-Identifier: MIT */
#include "domain/notice_deliver.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cidr.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/rng.h"
#include "domain/customer.h"
#include "domain/notice_text.h"
#include "domain/user_link.h"
#include "domain/webhook.h"
#include "domain/webhook_url.h"
#include "ext/httpc.h"
#include "ext/sendmail.h"
#include "store/db_pool.h"
#include "store/notice.h"

#define DB_WAIT_MS 2000
#define CONNECT_MS 5000
#define WEBHOOK_MS 15000 /* from name look-up to the answer's head */
#define MAIL_MS    60000
/* Who takes so long, and has more waiting, has it done behind all others'. */
#define SLOW_MS    1000
/* A claim outlasts every try by far: WEBHOOK_MS, MAIL_MS, the database. */
#define LEASE_S    300

struct notice_sender {
	struct notice_sender_params p;
	struct arena a; /* what lives as long as it */
	struct cidr_list networks;
	struct httpc_pool *http;
	bool has_email;
	atomic_bool is_stopping;
};

/* ---- making one ---- */

enum err
notice_mail_check(const struct conf *c, bool *ret_is_on, struct error *e)
{
	const char *command = conf_text(c, CONF_MAIL_SENDMAIL);
	struct str from = str_from(conf_text(c, CONF_MAIL_FROM));

	*ret_is_on = command[0] != '\0';
	if (!*ret_is_on)
		return OK;
	if (!email_is_valid(from))
		return error_set(e, ERR_CONFIG,
		    "mail.sendmail is set, and mail.from is no address such as "
		    "tollgate@example.com");
	return sendmail_check(command, e);
}

static enum err
read_settings(struct notice_sender *s, struct error *e)
{
	const struct conf *c = s->p.conf;
	struct httpc_pool_conf http = {
		.ca_file = conf_text(c, CONF_WEBHOOKS_CA),
		.user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
		.allow_peer = webhook_peer_is_ok,
		.allow_ctx = &s->networks,
	};
	enum err err = cidr_list_parse(&s->a,
	    str_from(conf_text(c, CONF_WEBHOOKS_NETWORKS)), &s->networks, e);

	if (err)
		return error_prefix(e, "webhooks.allowed_networks");
	/* A command that is missing today is doctor's to say: it may come
	 * back, and the worker has more to do. */
	s->has_email = conf_text(c, CONF_MAIL_SENDMAIL)[0] != '\0';
	return httpc_pool_new(&http, &s->http, e);
}

enum err
notice_sender_new(const struct notice_sender_params *p,
    struct notice_sender **ret, struct error *e)
{
	struct notice_sender *s = calloc(1, sizeof(*s));
	enum err err;

	if (!s)
		return error_set(e, ERR_NO_MEMORY, "notices");
	s->p = *p;
	arena_init(&s->a, KIB(64));
	err = read_settings(s, e);
	if (err) {
		notice_sender_free(s);
		return err;
	}
	*ret = s;
	return OK;
}

void
notice_sender_free(struct notice_sender *s)
{
	if (!s)
		return;
	if (s->http)
		httpc_pool_free(s->http);
	arena_fini(&s->a);
	free(s);
}

void
notice_sender_stop(struct notice_sender *s)
{
	atomic_store(&s->is_stopping, true);
	httpc_pool_abort(s->http);
}

/* ---- one try ---- */

/* What is sent, read beforehand: no connection to the database is kept while
 * a receiver takes its time. */
struct letter {
	struct notice_row n;
	struct notice_recipient *to;
	size_t n_to;
	struct webhook_secret *secrets;
	size_t n_secrets;
};

static enum err
load(struct db *db, const struct notice_delivery *d, struct arena *a,
    struct letter *ret, struct error *e)
{
	enum err err = store_notice_by_id(db, d->notice_id, a, &ret->n, e);

	if (err)
		return err;
	return d->channel == NOTICE_EMAIL
		   ? store_notice_recipients(db, ret->n.customer_id,
			 ret->n.user_id, a, &ret->to, &ret->n_to, e)
		   : store_webhook_secrets(db, ret->n.customer_id, a,
			 &ret->secrets, &ret->n_secrets, e);
}

/* The link of a notice that has one. */
static enum err
open_link(const struct notice_sender *s, const struct notice_row *n,
    struct arena *a, struct str *ret, struct error *e)
{
	struct str token;
	enum err err;

	if (!n->link.p)
		return OK;
	err = user_link_open(s->p.seal, n->uid, n->link, a, &token, e);
	if (!err)
		*ret = user_link_url(s->p.conf, token, a);
	return err;
}

static enum err
send_mail(struct notice_sender *s, const struct letter *l, struct arena *a,
    struct error *e)
{
	const char *to[SENDMAIL_RECIPIENTS_MAX];
	struct sendmail mail = {
		.command = conf_text(s->p.conf, CONF_MAIL_SENDMAIL),
		.from = conf_text(s->p.conf, CONF_MAIL_FROM),
		.recipients = to,
		.timeout_ms = MAIL_MS,
		.is_stopping = &s->is_stopping,
	};
	struct str link = { NULL, 0 };
	enum err err;

	if (!email_is_valid(str_from(mail.from)))
		return error_set(e, ERR_CONFIG, "mail.from is no address");
	for (size_t i = 0; i < l->n_to; i++) {
		const char *text = arena_cstr(a, l->to[i].email);

		if (text && email_is_valid(l->to[i].email) &&
		    mail.n_recipients < SENDMAIL_RECIPIENTS_MAX)
			to[mail.n_recipients++] = text;
	}
	if (mail.n_recipients == 0)
		return error_set(e, ERR_NOT_FOUND, "no address to send it to");
	err = open_link(s, &l->n, a, &link, e);
	if (err)
		return err;
	err = notice_mail(&l->n, str_from(mail.from), to, mail.n_recipients,
	    link, clock_now_ms(), a, &mail.message, e);
	return err ? err : sendmail_run(&mail, a, e);
}

/* The status says all; of the body nothing is read. */
static enum err
on_head(void *ctx, const struct httpc_head *head, struct error *e)
{
	*(int *)ctx = httpc_head_status(head);
	return error_set(e, ERR_CLIENT_CLOSED, "enough was read");
}

static enum err
post(struct notice_sender *s, const char *url, const char *const headers[],
    size_t n_headers, struct str body, struct error *e)
{
	struct httpc_request rq = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.n_headers = n_headers,
		.body = &body,
		.n_body = 1,
		.connect_ms = CONNECT_MS,
		.total_ms = WEBHOOK_MS,
		.client_fd = -1,
	};
	int status = 0;
	struct httpc_callbacks cb = { .ctx = &status, .on_head = on_head };
	struct httpc_result res;
	enum err err = httpc_perform(s->http, &rq, &cb, &res, e);

	if (status == 0)
		return err ? err : error_set(e, ERR_UPSTREAM, "no answer");
	if (status < 200 || status > 299)
		return error_set(e, ERR_UPSTREAM_STATUS, "status %d%s", status,
		    status >= 300 && status <= 399
			? ": redirects are not followed"
			: "");
	return OK;
}

static enum err
send_webhook(struct notice_sender *s, const struct letter *l, struct arena *a,
    struct error *e)
{
	char uid[NOTICE_UID_BYTES], id_line[64], time_line[64];
	char signature[WEBHOOK_SIGNATURE_BYTES];
	const char *headers[] = { "content-type: application/json", id_line,
		time_line, signature };
	int64_t now_s = clock_now_ms() / 1000;
	struct str body = { NULL, 0 };
	const char *url;
	enum err err;

	if (!l->n.webhook_url.p || l->n_secrets == 0)
		return error_set(e, ERR_NOT_FOUND,
		    "the webhook was taken away");
	url = arena_cstr(a, l->n.webhook_url);
	if (!url)
		return error_arena(e, a);
	err = notice_json(&l->n, a, &body, e);
	if (err)
		return err;
	notice_uid(l->n.uid, uid);
	err = webhook_sign(s->p.seal, l->secrets, l->n_secrets, str_from(uid),
	    now_s, body, signature, e);
	if (err)
		return err;
	(void)snprintf(id_line, sizeof(id_line), "webhook-id: %s", uid);
	(void)snprintf(time_line, sizeof(time_line), "webhook-timestamp: %lld",
	    (long long)now_s);
	return post(s, url, headers, ARRAY_LEN(headers), body, e);
}

/* ---- how it went ---- */

uint64_t
notice_backoff_s(uint64_t n, uint64_t retry_s, uint64_t max_s)
{
	uint64_t wait_s = retry_s;

	while (--n && wait_s < max_s)
		wait_s *= 2;
	if (wait_s > max_s)
		wait_s = max_s;
	return wait_s - rng_below((uint32_t)(wait_s / 2 + 1));
}

static void
log_try(const struct notice_delivery *d, const struct letter *l,
    enum notice_state state, const struct error *e)
{
	struct log_rec r;

	log_begin(&r, state == NOTICE_SENT ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	    state == NOTICE_SENT   ? "notice_sent"
	    : state == NOTICE_DEAD ? "notice_dead"
				   : "notice_failed");
	log_u64(&r, "notice_id", d->notice_id);
	log_u64(&r, "customer_id", l->n.customer_id);
	log_str(&r, "kind", l->n.kind);
	log_cstr(&r, "channel", notice_channel_names[d->channel]);
	log_u64(&r, "attempts", d->attempts);
	if (state != NOTICE_SENT)
		log_error_members(&r, e);
	log_end(&r);
}

static enum err
settle(struct notice_sender *s, struct db *db, const struct notice_delivery *d,
    const struct letter *l, enum err outcome, const struct error *why,
    struct notice_tally *t, struct error *e)
{
	const struct conf *c = s->p.conf;
	enum notice_state state = NOTICE_SENT;

	if (outcome == ERR_NOT_FOUND ||
	    (outcome && d->attempts >= conf_u64(c, CONF_NOTICES_ATTEMPTS)))
		state = NOTICE_DEAD;
	else if (outcome)
		state = NOTICE_PENDING;
	log_try(d, l, state, why);
	if (state == NOTICE_SENT) {
		t->n_sent++;
		return store_notice_sent(db, d, e);
	}
	if (state == NOTICE_DEAD)
		t->n_dead++;
	else
		t->n_failed++;
	return store_notice_failed(db, d, state,
	    notice_backoff_s(d->attempts, conf_u64(c, CONF_NOTICES_RETRY_S),
		conf_u64(c, CONF_NOTICES_RETRY_MAX_S)),
	    str_from(why->internal), e);
}

/* So a silent receiver holds others up for one try, however many notices it
 * was to get. Those of one that answers at once go out one after the other. */
static enum err
take_turns(struct db *db, const struct notice_delivery *d,
    const struct letter *l, int64_t took_ms, struct error *e)
{
	return took_ms < SLOW_MS
		   ? OK
		   : store_notice_behind(db, l->n.customer_id, d->channel, e);
}

/* Errors: ERR_NOT_FOUND nothing is due. */
static enum err
claim(struct notice_sender *s, struct arena *a, struct notice_delivery *d,
    struct letter *l, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(s->p.db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = store_notice_claim(db, s->has_email, LEASE_S, d, e);
	if (!err)
		err = load(db, d, a, l, e);
	db_pool_give(s->p.db, db);
	return err;
}

static enum err
deliver_one(struct notice_sender *s, struct arena *a, struct notice_tally *t,
    struct error *e)
{
	struct notice_delivery d;
	struct letter l = { .n_to = 0 };
	struct error why = { .code = OK };
	struct db *db;
	enum err outcome, err = claim(s, a, &d, &l, e);
	int64_t start_ms = clock_mono_ms(), took_ms;

	if (err)
		return err;
	outcome = d.channel == NOTICE_EMAIL ? send_mail(s, &l, a, &why)
					    : send_webhook(s, &l, a, &why);
	if (outcome == ERR_SHUTTING_DOWN) {
		*e = why;
		return outcome; /* again when the claim ends */
	}
	took_ms = clock_mono_ms() - start_ms;
	err = db_pool_take(s->p.db, DB_WAIT_MS, &db, e);
	if (err)
		return err;
	err = settle(s, db, &d, &l, outcome, &why, t, e);
	if (!err)
		err = take_turns(db, &d, &l, took_ms, e);
	db_pool_give(s->p.db, db);
	return err;
}

static enum err
route(struct notice_sender *s, uint64_t *ret_n, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(s->p.db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = store_notice_route(db, s->has_email, ret_n, e);
	db_pool_give(s->p.db, db);
	return err;
}

enum err
notice_deliver_due(struct notice_sender *s, struct notice_tally *ret_tally,
    struct error *e)
{
	uint64_t n = 1;
	enum err err = OK;

	*ret_tally = (struct notice_tally){ 0 };
	while (!err && n)
		err = route(s, &n, e);
	while (!err) {
		struct arena a;

		if (atomic_load(&s->is_stopping))
			return error_set(e, ERR_SHUTTING_DOWN, "notices");
		arena_init(&a, MIB(1));
		err = deliver_one(s, &a, ret_tally, e);
		arena_fini(&a);
	}
	return err == ERR_NOT_FOUND ? OK : err;
}
