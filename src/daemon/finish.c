/* SPDX-License-Identifier: MIT */
#include "daemon/finish.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "daemon/gates.h"
#include "domain/admission.h"
#include "domain/catalogue.h"
#include "domain/hostmap.h"

typedef void finish_fn(struct turn *t);

/*
 * A meter that its handler left open is settled here, with what is known:
 * nothing that was begun may stay without an end.
 */
static void
close_meter(struct turn *t)
{
	t->metered = t->app->meter;
	meter_finish(&t->app->meter);
}

/* Before the last byte, so that whoever has the whole answer and asks again
 * finds its limits corrected. */
static void
leave_limits(struct turn *t)
{
	admission_leave(t->app, t->code, &t->metered);
}

static int
final_status(const struct turn *t)
{
	if (t->code == ERR_CLIENT_CLOSED || t->rs.is_client_gone)
		return err_info(ERR_CLIENT_CLOSED)->http_status;
	return t->rs.status;
}

static void
add_totals(struct turn *t)
{
	struct hostmap *map = t->app->shared->hostmap;
	int status = final_status(t);

	hostmap_total_add(map, HOSTMAP_REQUESTS, 1);
	if (status >= 500)
		hostmap_total_add(map, HOSTMAP_ERRORS, 1);
	else if (status >= 400 && t->who.kind == PRINCIPAL_KEY)
		hostmap_total_add(map, HOSTMAP_REFUSALS, 1);
}

/* The members by which lines of one request are found. */
static void
log_request_members(struct log_rec *r, const struct turn *t)
{
	log_cstr(r, "request_id", t->rq.id_text);
	log_cstr(r, "method", http_method_name(t->rq.method));
	log_str(r, "route", t->rq.route.n ? t->rq.route : S("-"));
	if (t->who.public_id[0])
		log_cstr(r, "key", t->who.public_id);
	if (t->who.customer_id)
		log_u64(r, "customer_id", t->who.customer_id);
	/* Who is signed in: in the playground a key is charged, and its row
	 * has the member whom that meters to. */
	if (t->who.kind == PRINCIPAL_SESSION)
		log_u64(r, "user_id", t->who.user_id);
}

static void
log_metered(struct log_rec *r, const struct meter *m)
{
	uint64_t in = 0, out = 0;

	if (m->state == METER_IDLE || !m->model)
		return;
	log_str(r, "model", m->model->row.name);
	for (size_t c = 0; c < TOK_CONTEXT__MAX; c++)
		for (size_t i = 0; i < TOK_CLASS__MAX; i++)
			*(i < TOK_CLASS_FIRST_OUT ? &in
						  : &out) += m->used.tok[c][i];
	log_u64(r, "tokens_in", in);
	log_u64(r, "tokens_out", out);
	log_usd(r, "cost", m->cost.charged_pusd);
}

static void
log_request(struct turn *t)
{
	int64_t now_us = clock_mono_us();
	struct log_rec r;

	log_begin(&r, LOG_LEVEL_INFO, "request");
	log_request_members(&r, t);
	log_metered(&r, &t->metered);
	log_i64(&r, "status", final_status(t));
	log_i64(&r, "ms", (now_us - t->rq.start_mono_us) / 1000);
	if (t->rs.mode == RESP_STREAMING || t->metered.first_us)
		log_i64(&r, "first_ms",
		    t->rs.first_sent_us
			? (t->rs.first_sent_us - t->rq.start_mono_us) / 1000
			: -1);
	log_u64(&r, "bytes", t->rs.sent_bytes);
	log_str(&r, "client", t->rq.client_addr);
	log_end(&r);
}

static void
log_failure(struct turn *t)
{
	struct log_rec r;

	if (t->code == OK)
		return;
	log_begin(&r,
	    err_info(t->code)->http_status >= 500 ? LOG_LEVEL_ERROR
						  : LOG_LEVEL_INFO,
	    "request_failed");
	log_request_members(&r, t);
	log_error_members(&r, &t->e);
	log_end(&r);
}

/* Keys, cookies and passwords do not outlive their request. */
static void
wipe_credentials(struct turn *t)
{
	request_wipe_credentials(&t->rq);
	if (t->route && (t->route->flags & (ROUTE_CSRF | ROUTE_SECRET)) &&
	    t->rq.body.n)
		secret_wipe((void *)(uintptr_t)t->rq.body.p, t->rq.body.n);
}

static void
forget_caller(struct turn *t)
{
	t->app->who = NULL;
	t->app->session = NULL;
}

static finish_fn *const before[] = {
	close_meter,
	leave_limits,
};

static finish_fn *const after[] = {
	add_totals,
	log_failure,
	log_request,
	gates_release_body,
	wipe_credentials,
	forget_caller,
};

void
finish_before_last_byte(struct turn *t)
{
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		before[i](t);
}

void
finish_after(struct turn *t)
{
	for (size_t i = 0; i < ARRAY_LEN(after); i++)
		after[i](t);
}
