/* SPDX-License-Identifier: MIT */
/* Admission with a real journal; limits count in the host's map, as there is
 * no memcached. */
#include "support/cmocka_tg.h"

#include "base/clock.h"
#include "domain/admission.h"
#include "domain/app.h"
#include "domain/catalogue.h"
#include "domain/hostmap.h"
#include "domain/principal.h"
#include "ext/crypto.h"
#include "ext/mcache.h"
#include "journal/writer.h"
#include "support/fixture_dir.h"

#define MINUTE_MS INT64_C(60000)
#define NOW       (INT64_C(1795305600000) + 90 * MINUTE_MS)

struct fixture {
	struct fixture_dir dir;
	struct mcache *cache;
	struct shared shared;
	struct app app;
	struct price price;
	struct catalogue_provider provider;
	struct catalogue_deployment deployment;
	struct catalogue_model model;
	struct principal who;
	struct error e;
};

static void
open_services(struct fixture *f)
{
	struct journal_options journal = {
		.max_bytes = MIB(64),
		.file_bytes = MIB(1),
		.sync_ms = 10,
		.open_max = 8,
		.is_any_filesystem = true,
	};
	struct mcache_params cache = { .servers = "/nonexistent/memcached",
		.pool = 1,
		.timeout_ms = 100 };
	struct limiter_params limiter = {
		.settings = { .on_failure = CONF_FAILURE_LOCAL }
	};

	assert_ok(journal_open_series(f->dir.path, &journal, &f->shared.journal,
	    &f->e));
	assert_ok(hostmap_open(f->dir.path, true, &f->shared.hostmap, &f->e));
	assert_ok(mcache_new(&cache, &f->cache, &f->e));
	limiter.map = f->shared.hostmap;
	limiter.cache = f->cache;
	assert_ok(limiter_new(&limiter, &f->shared.limiter, &f->e));
}

static int
set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){
		.provider = { .row = { .provider_id = 3, .name = S("sim") } },
		.deployment = { .row = { .deployment_id = 4,
				    .provider_id = 3 } },
		.model = { .row = { .model_id = 2,
			       .long_context_threshold_tok = -1 } },
		.who = { .kind = PRINCIPAL_KEY,
		    .customer_id = 11,
		    .user_id = 12,
		    .api_key_id = 13,
		    .markup_ppm = 1000000 },
	};
	limit_set_put(&f.who.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 1);
	f.deployment.provider = &f.provider;
	f.model.deployments = &f.deployment;
	f.model.n_deployments = 1;
	f.model.prices = &f.price;
	f.model.n_prices = 1;
	f.app.shared = &f.shared;
	f.app.who = &f.who;
	fixture_dir_make(&f.dir);
	open_services(&f);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	clock_set_for_test(0);
	limiter_free(f->shared.limiter);
	mcache_free(f->cache);
	hostmap_close(f->shared.hostmap);
	journal_close(&f->shared.journal);
	fixture_dir_remove(&f->dir);
	return 0;
}

/* A request that began at start_ms and whose body has arrived at now_ms. */
static enum err
enter(struct fixture *f, int64_t start_ms, int64_t now_ms, uint64_t hold_tok)
{
	struct admission_params p = {
		.request_id = uuid7_new(start_ms),
		.start_ms = start_ms,
		.start_us = clock_mono_us(),
		.model = &f->model,
		.model_requested = S("m"),
		.prompt_tok = 9,
		.hold_tok = hold_tok,
	};
	uint64_t out_tok;

	f->app.meter = (struct meter){ 0 };
	clock_set_for_test(now_ms);
	return admission_enter(&f->app, &p, &out_tok, &f->e);
}

static void
admission_enter__slow_uploads__are_counted_when_admitted(void **state)
{
	struct fixture *f = *state;
	const struct limit_take *t = &f->app.take;

	assert_ok(enter(f, NOW - 2 * MINUTE_MS, NOW, 0));
	assert_int_equal(t->view[LIMIT_REQUESTS].ends_at_ms, NOW + MINUTE_MS);
	/* It began in another minute, and is the second in this one. */
	assert_int_equal(enter(f, NOW - MINUTE_MS, NOW + 1000, 0),
	    ERR_RATE_LIMITED);
	assert_int_equal(limit_seconds(t->retry_ms), 59);
}

/* The end of a request that used some tokens, or was refused. */
static void
leave(struct fixture *f, enum err code, uint64_t used_tok)
{
	f->app.meter.state = METER_SETTLED;
	f->app.meter.used = (struct tokens){ 0 };
	f->app.meter.used.tok[TOK_NORMAL][TOK_OUT] = used_tok;
	admission_leave(&f->app, code, &f->app.meter);
	admission_leave(&f->app, code, &f->app.meter); /* once only */
}

static void
admission_leave__ended__only_what_was_used_stays_taken(void **state)
{
	struct fixture *f = *state;
	const struct limit_view *v = &f->app.take.view[LIMIT_TOKENS];

	f->who.limits = (struct limit_set){ 0 };
	limit_set_put(&f->who.limits, LIMIT_KEY_TOKENS_MINUTE, 1000);
	assert_ok(enter(f, NOW, NOW, 500));
	assert_int_equal(v->remaining, 500);
	leave(f, OK, 20);
	assert_ok(enter(f, NOW, NOW, 500));
	assert_int_equal(v->remaining, 480);
	/* The client left: what it received counts. */
	leave(f, ERR_CLIENT_CLOSED, 80);
	assert_ok(enter(f, NOW, NOW, 500));
	assert_int_equal(v->remaining, 400);
	leave(f, OK, 500);
}

/* A request that turns out to be a bad one counts nowhere. */
static void
admission_leave__refused_after_all__all_is_given_back(void **state)
{
	struct fixture *f = *state;

	assert_ok(enter(f, NOW, NOW, 0));
	leave(f, ERR_UNSUPPORTED_PARAM, 0);
	assert_ok(enter(f, NOW, NOW, 0));
	leave(f, ERR_UPSTREAM, 0); /* it was tried, so it counts */
	assert_int_equal(enter(f, NOW, NOW, 0), ERR_RATE_LIMITED);
}

static void
admission_enter__shadow__is_counted_and_passes(void **state)
{
	struct fixture *f = *state;
	struct limit_settings settings = {
		.on_failure = CONF_FAILURE_LOCAL,
		.is_shadow = true,
	};

	limiter_set(f->shared.limiter, &settings);
	assert_ok(enter(f, NOW, NOW, 0));
	assert_false(f->app.take.is_shadowed);
	leave(f, OK, 1);
	assert_ok(enter(f, NOW, NOW, 0));
	assert_true(f->app.take.is_shadowed);
	leave(f, OK, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    admission_enter__slow_uploads__are_counted_when_admitted,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    admission_leave__ended__only_what_was_used_stays_taken,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    admission_leave__refused_after_all__all_is_given_back,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    admission_enter__shadow__is_counted_and_passes, set_up,
		    tear_down),
	};
	struct error e;

	if (crypto_init(&e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
