/* SPDX-License-Identifier: MIT */
/* The meter against a real journal, read back record by record. */
#include "support/cmocka_tg.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fixture_dir.h"

#include "base/clock.h"
#include "domain/catalogue.h"
#include "domain/meter.h"
#include "domain/principal.h"
#include "journal/reader.h"

struct fixture {
	struct fixture_dir dir;
	struct journal *j;
	struct price price;
	struct catalogue_provider provider;
	struct catalogue_deployment deployment;
	struct catalogue_model model;
	struct principal who;
	struct meter m;
};

static int
set_up(void **state)
{
	static struct fixture f;
	struct journal_options options = {
		.max_bytes = MIB(64),
		.file_bytes = MIB(1),
		.sync_ms = 10,
		.open_max = 8,
		.is_any_filesystem = true,
	};
	struct error e;

	f = (struct fixture){
		.price = { .price_version_id = 5, .request_pusd = 1000 },
		.provider = { .row = { .provider_id = 3, .name = S("sim") } },
		.deployment = { .row = { .deployment_id = 4,
				    .provider_id = 3 } },
		.model = { .row = { .model_id = 2,
			       .long_context_threshold_tok = -1 } },
		.who = { .kind = PRINCIPAL_KEY,
		    .customer_id = 11,
		    .user_id = 12,
		    .api_key_id = 13,
		    .markup_ppm = 2000000 },
	};
	f.price.tok_pusd[TOK_NORMAL][TOK_IN] = 10;
	f.price.tok_pusd[TOK_NORMAL][TOK_OUT] = 20;
	f.deployment.provider = &f.provider;
	f.model.deployments = &f.deployment;
	f.model.n_deployments = 1;
	fixture_dir_make(&f.dir);
	assert_ok(journal_open_series(f.dir.path, &options, &f.j, &e));
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	journal_close(&f->j);
	fixture_dir_remove(&f->dir);
	return 0;
}

static void
open_meter(struct fixture *f)
{
	struct meter_params p = {
		.journal = f->j,
		.who = &f->who,
		.request_id = uuid7_new(1),
		.start_ms = 1704067200000,
		.start_us = clock_mono_us(),
		.model = &f->model,
		.deployment = &f->deployment,
		.price = &f->price,
		.model_requested = S("m"),
		.prompt_tok = 9,
		.is_stream = true,
	};
	struct error e;

	assert_ok(meter_open(&f->m, &p, &e));
}

/* The n-th record of a type; its payload stays good until `r` is freed. */
static struct journal_rec
nth_record(struct journal_reader *r, enum journal_type type, unsigned n)
{
	struct journal_rec rec;
	struct error e;

	while (journal_reader_next(r, false, &rec, &e) == OK)
		if (rec.type == type && n-- == 0)
			return rec;
	fail_msg("no such record");
	return rec;
}

static unsigned
count_records(struct fixture *f, enum journal_type type)
{
	struct journal_reader *r;
	struct journal_rec rec;
	struct error e;
	unsigned n = 0;

	assert_ok(journal_reader_new(f->dir.path, journal_id(f->j), 0, &r, &e));
	while (journal_reader_next(r, false, &rec, &e) == OK)
		n += rec.type == type;
	journal_reader_free(r);
	return n;
}

static struct journal_settle
last_settle(struct fixture *f, struct journal_reader **r)
{
	struct journal_settle s;
	struct journal_rec rec;
	struct error e;

	assert_ok(journal_reader_new(f->dir.path, journal_id(f->j), 0, r, &e));
	rec = nth_record(*r, JOURNAL_SETTLE, 0);
	assert_true(journal_decode_settle(rec.payload, &s));
	return s;
}

static void
meter_open__params__are_in_the_open_record(void **state)
{
	struct fixture *f = *state;
	struct journal_reader *r;
	struct journal_open o;
	struct journal_rec rec;
	struct error e;

	open_meter(f);

	assert_ok(journal_reader_new(f->dir.path, journal_id(f->j), 0, &r, &e));
	rec = nth_record(r, JOURNAL_OPEN, 0);
	assert_true(journal_decode_open(rec.payload, &o));
	assert_int_equal(o.customer_id, 11);
	assert_int_equal(o.api_key_id, 13);
	assert_int_equal(o.model_id, 2);
	assert_int_equal(o.provider_id, 3);
	assert_int_equal(o.deployment_id, 4);
	assert_int_equal(o.price_version_id, 5);
	assert_int_equal(o.markup_ppm, 2000000);
	assert_int_equal(o.prompt_tok, 9);
	assert_int_equal(o.price.out_pusd, 20);
	assert_str_is(o.model_requested, "m");
	journal_reader_free(r);
}

static void
meter_settle__counts__are_priced_with_the_markup(void **state)
{
	struct fixture *f = *state;
	struct meter_result result = { .status = USAGE_OK,
		.source = USAGE_FROM_PROVIDER };
	struct journal_reader *r;
	struct journal_settle s;
	struct error e;

	open_meter(f);
	result.used.tok[TOK_NORMAL][TOK_IN] = 3;
	result.used.tok[TOK_NORMAL][TOK_OUT] = 4;
	assert_ok(meter_settle(&f->m, &result, &e));

	s = last_settle(f, &r);
	assert_int_equal(s.provider_cost_pusd, 1000 + 3 * 10 + 4 * 20);
	assert_int_equal(s.cost_pusd, 2 * (1000 + 3 * 10 + 4 * 20));
	assert_int_equal(s.tok[TOK_NORMAL][TOK_OUT], 4);
	assert_int_equal(f->m.cost.charged_pusd, s.cost_pusd);
	journal_reader_free(r);
}

/* CHECKLIST B10: nothing is owed for an upstream that failed before output */
static void
meter_settle__failed_without_output__costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct meter_result result = { .status = USAGE_UPSTREAM_ERROR,
		.source = USAGE_FROM_PROVIDER,
		.error_code = S("upstream_error") };
	struct journal_reader *r;
	struct journal_settle s;
	struct error e;

	open_meter(f);
	assert_ok(meter_settle(&f->m, &result, &e));

	s = last_settle(f, &r);
	assert_int_equal(s.cost_pusd, 0);
	assert_int_equal(s.status, USAGE_UPSTREAM_ERROR);
	assert_str_is(s.error_code, "upstream_error");
	journal_reader_free(r);
}

static void
meter_refuse__after_open__settles_with_the_reason(void **state)
{
	struct fixture *f = *state;
	struct journal_reader *r;
	struct journal_settle s;
	struct error e;

	open_meter(f);
	assert_ok(meter_refuse(&f->m, ERR_RATE_LIMITED, &e));

	s = last_settle(f, &r);
	assert_str_is(s.refuse_reason, "rate_limit_exceeded");
	assert_int_equal(f->m.state, METER_SETTLED);
	journal_reader_free(r);
}

static void
meter_is_progress_due__many_events__at_first_only(void **state)
{
	struct fixture *f = *state;
	unsigned n_due = 0;
	struct error e;

	open_meter(f);
	for (uint64_t n = 1; n <= 100; n++) {
		if (!meter_is_progress_due(&f->m))
			continue;
		n_due++;
		assert_ok(meter_progress(&f->m,
		    &(struct meter_delivered){ 9, n, false }, &e));
	}

	assert_int_equal(n_due, 1);
	assert_int_equal(count_records(f, JOURNAL_PROGRESS), 1);
	assert_int_equal(f->m.delivered.out_tok, 1);
	assert_true(f->m.first_us > 0);
	f->m.progress_us -= 1000000;
	assert_true(meter_is_progress_due(&f->m));
}

static void
meter_progress__counted__has_the_prompt_too(void **state)
{
	struct fixture *f = *state;
	struct journal_progress p;
	struct journal_reader *r;
	struct journal_rec rec;
	struct error e;

	open_meter(f);
	assert_ok(
	    meter_progress(&f->m, &(struct meter_delivered){ 7, 3, true }, &e));
	assert_ok(meter_progress(&f->m,
	    &(struct meter_delivered){ 9, 5, false }, &e));

	assert_ok(journal_reader_new(f->dir.path, journal_id(f->j), 0, &r, &e));
	rec = nth_record(r, JOURNAL_PROGRESS, 0);
	assert_true(journal_decode_progress(rec.payload, &p));
	assert_true(p.is_counted);
	assert_int_equal(p.prompt_tok, 7);
	assert_int_equal(p.delivered_tok, 3);
	rec = nth_record(r, JOURNAL_PROGRESS, 0);
	assert_true(journal_decode_progress(rec.payload, &p));
	assert_false(p.is_counted);
	assert_int_equal(p.delivered_tok, 5);
	journal_reader_free(r);
}

/* The settle of a meter that was left open after d. */
static void
check_left_open(struct fixture *f, const struct meter_delivered *d,
    enum usage_source source)
{
	struct journal_reader *r;
	struct journal_settle s;
	struct error e;

	open_meter(f);
	assert_ok(meter_progress(&f->m, d, &e));
	meter_finish(&f->m);

	s = last_settle(f, &r);
	assert_int_equal(s.tok[TOK_NORMAL][TOK_IN], d->prompt_tok);
	assert_int_equal(s.tok[TOK_NORMAL][TOK_OUT], d->out_tok);
	assert_int_equal(s.source, source);
	assert_int_equal(f->m.state, METER_IDLE);
	journal_reader_free(r);
}

static void
meter_finish__left_open__settles_with_what_was_delivered(void **state)
{
	check_left_open(*state, &(struct meter_delivered){ 9, 6, false },
	    USAGE_FROM_ESTIMATE);
}

static void
meter_finish__left_open_and_counted__says_so(void **state)
{
	check_left_open(*state, &(struct meter_delivered){ 8, 5, true },
	    USAGE_FROM_COUNT);
}

static void
meter_finish__settled__writes_nothing_more(void **state)
{
	struct fixture *f = *state;
	struct error e;

	open_meter(f);
	assert_ok(meter_refuse(&f->m, ERR_RATE_LIMITED, &e));
	meter_finish(&f->m);
	meter_finish(&f->m);

	assert_int_equal(count_records(f, JOURNAL_SETTLE), 1);
}

/* CHECKLIST B8: that would be a fault of ours, and ends the worker before a
 * second charge is written. */
static void
meter_settle__a_second_time__ends_the_process(void **state)
{
	struct fixture *f = *state;
	struct meter_result result = { .status = USAGE_OK,
		.source = USAGE_FROM_PROVIDER };
	struct error e;
	int status;
	pid_t pid;

	open_meter(f);
	assert_ok(meter_settle(&f->m, &result, &e));
	pid = fork();
	if (pid == 0) {
		(void)close(STDERR_FILENO); /* of the assertion's words */
		(void)!meter_settle(&f->m, &result, &e);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(count_records(f, JOURNAL_SETTLE), 1);
}

static void
meter_count_refusal__known_key__is_in_the_journal(void **state)
{
	struct fixture *f = *state;

	meter_count_refusal(f->j, &f->who, 2, ERR_MODEL_FORBIDDEN);

	assert_int_equal(count_records(f, JOURNAL_REFUSE), 1);
	assert_int_equal(count_records(f, JOURNAL_OPEN), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(meter_open__params__are_in_the_open_record),
		T(meter_settle__counts__are_priced_with_the_markup),
		T(meter_settle__failed_without_output__costs_nothing),
		T(meter_refuse__after_open__settles_with_the_reason),
		T(meter_is_progress_due__many_events__at_first_only),
		T(meter_progress__counted__has_the_prompt_too),
		T(meter_finish__left_open__settles_with_what_was_delivered),
		T(meter_finish__left_open_and_counted__says_so),
		T(meter_finish__settled__writes_nothing_more),
		T(meter_settle__a_second_time__ends_the_process),
		T(meter_count_refusal__known_key__is_in_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
