/* SPDX-License-Identifier: MIT */
/* Limits: what each counts and for how long, and what is told of it. */
#include "limit_fixture.h"

static void
limit_take__nothing_stated__default_of_60_a_minute(void **state)
{
	struct limit_take t;

	(void)state;
	assert_ok(take(1, NOW, &t));
	assert_true(t.is_granted && t.view[0].is_limited);
	assert_int_equal(t.view[0].limit, 60);
	assert_int_equal(t.view[0].remaining, 59);
	assert_int_equal(t.view[0].reset_ms, 60000 - 12345);
	assert_int_equal(t.view[0].ends_at_ms, HOUR + 21 * 60000);

	assert_int_equal(grants_of(100, NOW), 59);

	assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
	assert_false(t.is_granted);
	assert_int_equal(t.view[0].limit, 60);
	assert_int_equal(t.view[0].remaining, 0);
	assert_int_equal(limit_seconds(t.retry_ms), 48); /* 47.655 s */
	/* The next window is another one; so is another model. */
	assert_int_equal(grants_of(61, t.view[0].ends_at_ms), 60);
	assert_ok(limit_take(limiter,
	    &(struct limit_ask){ .who = &who,
		.model_id = MODEL + 1,
		.now_ms = NOW },
	    &t, &e));
	assert_int_equal(t.view[0].remaining, 59);
}

static void
limit_take__zero__is_not_limited(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(0, 0);
	assert_ok(take(1, NOW, &t));
	assert_true(t.is_granted);
	assert_false(t.view[0].is_limited);
	assert_int_equal(grants_of(100, NOW), 100);
}

static void
limit_take__two_windows__tells_of_the_one_with_least_left(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(10, 15);
	assert_ok(take(1, NOW, &t));
	assert_int_equal(t.view[0].metric, LIMIT_KEY_MODEL_REQUESTS_MINUTE);
	assert_int_equal(t.view[0].remaining, 9);
	assert_int_equal(grants_of(20, NOW), 9);

	/* Refused by the minute, so the hour was given back: 5 are left. */
	assert_ok(take(1, NOW + 60000, &t));
	assert_int_equal(t.view[0].metric, LIMIT_KEY_MODEL_REQUESTS_HOUR);
	assert_int_equal(t.view[0].remaining, 4);
	assert_int_equal(grants_of(20, NOW + 60000), 4);

	/* The hour is what refuses now, and its end is what is told. */
	assert_int_equal(take(1, NOW + 60000, &t), ERR_RATE_LIMITED);
	assert_int_equal(t.view[0].metric, LIMIT_KEY_MODEL_REQUESTS_HOUR);
	assert_int_equal(t.view[0].limit, 15);
	assert_int_equal(t.view[0].ends_at_ms, HOUR + 3600000);
}

static void
limit_give_back__granted_then_refused_elsewhere__can_be_taken_again(
    void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(3, 4);
	assert_int_equal(grants_of(2, NOW), 2);
	for (int i = 0; i < 10; i++) {
		assert_ok(take(1, NOW, &t));
		limit_give_back(limiter, &t);
		limit_give_back(limiter, &t); /* once only */
	}
	assert_int_equal(grants_of(10, NOW), 1);
}

static void
limiter_set__lower_default__is_in_force_at_once(void **state)
{
	(void)state;
	assert_int_equal(grants_of(10, NOW), 10);
	limit_set_put(&settings.defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 12);
	limiter_set(limiter, &settings);
	assert_int_equal(grants_of(10, NOW), 2);
}

/*
 * Scopes, units and windows.
 */

/* Another key of another customer, model and client: only what the scope
 * names is the same. */
static enum err
take_elsewhere(enum limit_scope scope, struct limit_take *t)
{
	static const enum limit_scope has_key[] = { LIMIT_KEY_MODEL,
		LIMIT_KEY };
	struct principal other = who;
	struct limit_ask ask = {
		.who = &other,
		.model_id = MODEL + 100,
		.client = client,
		.tok = 1,
		.now_ms = NOW,
	};

	if (scope != has_key[0] && scope != has_key[1])
		other.api_key_id += 1000;
	if (scope != LIMIT_CUSTOMER)
		other.customer_id += 1000;
	if (scope == LIMIT_KEY_MODEL || scope == LIMIT_MODEL)
		ask.model_id = MODEL;
	if (scope != LIMIT_ADDRESS)
		ask.client.bytes[1]++;
	return limit_take(limiter, &ask, t, &e);
}

/* And the other way round: everything is the same but what it names. */
static enum err
take_beside(enum limit_scope scope, struct limit_take *t)
{
	struct principal other = who;
	struct limit_ask ask = {
		.who = &other,
		.model_id = MODEL,
		.client = client,
		.tok = 1,
		.now_ms = NOW,
	};

	other.api_key_id += scope == LIMIT_KEY ? 2000 : 0;
	other.customer_id += scope == LIMIT_CUSTOMER ? 2000 : 0;
	ask.model_id += scope == LIMIT_MODEL || scope == LIMIT_KEY_MODEL ? 200
									 : 0;
	ask.client.bytes[1] ^= scope == LIMIT_ADDRESS ? 0x80 : 0;
	return limit_take(limiter, &ask, t, &e);
}

static void
limit_take__each_metric__counts_its_scope_in_its_window(void **state)
{
	static const int64_t window_ms[] = { 60000, 3600000, 86400000 };

	(void)state;
	for (unsigned m = 0; m < LIMIT__COUNTED; m++) {
		const struct limit_metric_info *info = &limit_metrics[m];
		int64_t ms = window_ms[info->window];
		struct limit_take t;

		who.api_key_id++;
		who.customer_id++;
		client.bytes[2]++;
		only(m, 3);
		if (info->scope == LIMIT_MODEL)
			rates_set(LIMIT_UNSTATED, LIMIT_UNSTATED);
		assert_ok(take(1, NOW, &t));
		assert_int_equal(t.view[info->unit].metric, m);
		assert_int_equal(t.view[info->unit].remaining, 2);
		assert_int_equal(t.view[info->unit].reset_ms, ms - NOW % ms);
		assert_ok(take_elsewhere(info->scope, &t));
		assert_int_equal(t.view[info->unit].remaining, 1);
		assert_ok(take(1, NOW, &t));

		assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
		assert_int_equal(t.refuser, m);
		assert_int_equal(t.retry_ms, ms - NOW % ms);
		assert_int_equal(take_elsewhere(info->scope, &t),
		    ERR_RATE_LIMITED);
		assert_ok(take_beside(info->scope, &t));
		assert_ok(take(1, NOW - NOW % ms + ms, &t));
	}
}

static void
limit_take__client_unknown__address_is_not_limited(void **state)
{
	(void)state;
	only(LIMIT_ADDRESS_REQUESTS_MINUTE, 1);
	client.is_known = false;
	assert_int_equal(grants_of(5, NOW), 5);
}

/* S14: of IPv6 the /64 counts, as one customer of a provider has that. */
static void
limit_client_of__ipv6__is_its_network(void **state)
{
	static const uint8_t a[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6 };
	static const uint8_t b[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 9, 9 };
	static const uint8_t c[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 5, 5, 6 };
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const uint8_t v4b[16] = { [10] = 0xff, 0xff, 192, 0, 2, 2 };
	struct limit_client x = limit_client_of(a), y = limit_client_of(b);

	(void)state;
	assert_memory_equal(x.bytes, y.bytes, 16);
	y = limit_client_of(c);
	assert_memory_not_equal(x.bytes, y.bytes, 16);
	x = limit_client_of(v4);
	y = limit_client_of(v4b);
	assert_memory_not_equal(x.bytes, y.bytes, 16);
}

/*
 * Tokens.
 */
static void
limit_take__tokens__are_taken_on_entry_and_corrected(void **state)
{
	struct limit_take t, other;

	(void)state;
	only(LIMIT_KEY_TOKENS_MINUTE, 1000);
	assert_ok(take(600, NOW, &t));
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 400);
	assert_false(t.view[LIMIT_REQUESTS].is_limited);
	assert_int_equal(take(401, NOW, &other), ERR_RATE_LIMITED);

	limit_finish(limiter, &t, 100);
	limit_finish(limiter, &t, 100); /* once only */
	assert_ok(take(900, NOW, &other));
	assert_int_equal(other.view[LIMIT_TOKENS].remaining, 0);

	/* More than was held is counted, too. */
	limit_finish(limiter, &other, 950);
	assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
	assert_ok(take(1000, NOW + 60000, &t));
}

static void
limit_take__more_tokens_than_a_window_grants__is_refused_for_good(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_TOKENS_MINUTE, 1000);
	limit_set_put(&who.limits, LIMIT_KEY_TOKENS_HOUR, 5000);
	assert_int_equal(limit_token_cap(limiter, &who), 1000);
	assert_int_equal(take(1001, NOW, &t), ERR_TOKENS_OVER_LIMIT);
	assert_int_equal(t.refuser, LIMIT_KEY_TOKENS_MINUTE);
	/* It is not counted in the hour either. */
	assert_ok(take(1000, NOW, &t));
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 0);
}

static void
limit_token_cap__no_limit_of_tokens__is_none(void **state)
{
	(void)state;
	assert_int_equal(limit_token_cap(limiter, &who), UINT64_MAX);
	only(LIMIT_KEY_TOKENS_MINUTE, 0);
	assert_int_equal(limit_token_cap(limiter, &who), UINT64_MAX);
	limit_set_put(&settings.defaults, LIMIT_MODEL_TOKENS_DAY, 70);
	limiter_set(limiter, &settings);
	assert_int_equal(limit_token_cap(limiter, &who), 70);
}

static void
limit_take__both_units__each_tells_its_least(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_TOKENS_MINUTE, 1000);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_DAY, 2);
	limit_set_put(&who.limits, LIMIT_CUSTOMER_REQUESTS_MINUTE, 50);
	assert_ok(take(300, NOW, &t));
	assert_int_equal(t.view[LIMIT_REQUESTS].metric, LIMIT_KEY_REQUESTS_DAY);
	assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 1);
	assert_int_equal(t.view[LIMIT_TOKENS].limit, 1000);
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 700);

	/* Refused by tokens: the request is not counted. */
	assert_int_equal(take(800, NOW, &t), ERR_RATE_LIMITED);
	assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 1);
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 0);
	assert_ok(take(700, NOW, &t));
}

/*
 * Sliding windows.
 */
static void
limit_take__sliding__previous_window_counts_by_its_share(void **state)
{
	int64_t minute = HOUR + 60000 * 5, half = minute + 90000;
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_MINUTE, 10);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	assert_int_equal(grants_of(20, minute + 30000), 10);
	/* Half of the window before is covered: 5 of its 10 count. */
	assert_ok(take(1, half, &t));
	assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 4);
	assert_int_equal(grants_of(20, half), 4);
	assert_int_equal(take(1, half, &t), ERR_RATE_LIMITED);
	/* One more fits when 4 of 10 are covered: 6 s later. */
	assert_int_equal(t.retry_ms, 6000);
	assert_int_equal(take(1, half + 5999, &t), ERR_RATE_LIMITED);
	assert_ok(take(1, half + 6000, &t));
}

static void
limit_take__sliding_and_window_full__waits_into_the_next(void **state)
{
	int64_t minute = HOUR + 60000 * 5;
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_MINUTE, 10);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	assert_int_equal(grants_of(20, minute + 1000), 10);
	assert_int_equal(take(1, minute + 1000, &t), ERR_RATE_LIMITED);
	/* 59 s to its end, then until 9 of 10 are covered: 6 s. */
	assert_int_equal(t.retry_ms, 59000 + 6000);
	assert_int_equal(take(1, minute + 1000 + t.retry_ms - 1, &t),
	    ERR_RATE_LIMITED);
	assert_ok(take(1, minute + 66000, &t));
}

/* The limit that holds for longest is told, though another was asked first. */
static void
limit_take__sliding_hour_refuses_for_less_long__the_minute_is_told(void **state)
{
	int64_t at = HOUR + 3600000 + 1000;
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_HOUR, 3600);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_MINUTE, 1);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_MINUTE, 0);
	assert_int_equal(grants_of(3600, HOUR + 1), 3600);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_MINUTE, 1);
	assert_ok(take(1, at, &t));
	/* One of the hour before is past each second; the minute is full. */
	assert_int_equal(take(1, at, &t), ERR_RATE_LIMITED);
	assert_int_equal(t.refuser, LIMIT_KEY_REQUESTS_MINUTE);
	assert_true(t.retry_ms > 59000);
}

/*
 * limits.shadow
 */
static void
limit_take__shadow__passes_and_tells(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_MINUTE, 2);
	settings.is_shadow = true;
	limiter_set(limiter, &settings);
	assert_ok(take(1, NOW, &t));
	assert_ok(take(1, NOW, &t));
	assert_false(t.is_shadowed);
	for (int i = 0; i < 3; i++) {
		assert_ok(take(1, NOW, &t));
		assert_true(t.is_granted && t.is_shadowed);
		assert_int_equal(t.refuser, LIMIT_KEY_REQUESTS_MINUTE);
		assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 0);
		limit_finish(limiter, &t, 1);
	}
	only(LIMIT_CONCURRENT, 1);
	limit_set_put(&who.limits, LIMIT_KEY_TOKENS_DAY, 5);
	assert_ok(take(6, NOW, &t));
	assert_true(t.is_shadowed);
	limit_finish(limiter, &t, 6);
}

/* ---- what is left ---- */

static unsigned
left(uint64_t model_id, int64_t now_ms, struct limit_left ret[LIMIT__COUNTED])
{
	const struct limit_ask ask = { .who = &who,
		.client = client,
		.now_ms = now_ms };
	struct limit_left_of of = { .model_id = model_id };

	limit_left(limiter, &ask, &of, 1);
	memcpy(ret, of.v, sizeof(of.v));
	return of.n;
}

static void
limit_left__after_requests__tells_what_remains_and_counts_nothing(void **state)
{
	struct limit_left v[LIMIT__COUNTED];
	struct limit_take t;

	(void)state;
	rates_set(10, 0);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_DAY, 7);
	limit_set_put(&who.limits, LIMIT_CUSTOMER_TOKENS_HOUR, 1000);
	assert_int_equal(left(0, NOW, v), 2);
	assert_int_equal(v[0].metric, LIMIT_KEY_REQUESTS_DAY);
	assert_int_equal(v[0].remaining, 7);
	assert_ok(take(300, NOW, &t));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(left(0, NOW, v), 2);
		assert_true(v[0].is_known && v[1].is_known);
		assert_int_equal(v[0].limit, 7);
		assert_int_equal(v[0].remaining, 6);
		assert_int_equal(v[0].ends_at_ms, HOUR + INT64_C(86400000));
		assert_int_equal(v[1].metric, LIMIT_CUSTOMER_TOKENS_HOUR);
		assert_int_equal(v[1].remaining, 700);
		assert_int_equal(v[1].ends_at_ms, HOUR + 3600000);
	}
	assert_int_equal(left(MODEL, NOW, v), 1);
	assert_int_equal(v[0].metric, LIMIT_KEY_MODEL_REQUESTS_MINUTE);
	assert_int_equal(v[0].remaining, 9);
	assert_int_equal(v[0].ends_at_ms, HOUR + 21 * 60000);
	assert_int_equal(left(MODEL + 1, NOW, v), 1);
	assert_int_equal(v[0].remaining, 10);
	limit_finish(limiter, &t, 100);
	assert_int_equal(left(0, NOW, v), 2);
	assert_int_equal(v[1].remaining, 900);
	assert_int_equal(left(MODEL, NOW + 60000, v), 1);
	assert_int_equal(v[0].remaining, 10);
}

/* Six limits a model: more than are read in one go. */
static void
limit_left__many_models__each_by_itself(void **state)
{
	const struct limit_ask ask = { .who = &who,
		.client = client,
		.now_ms = NOW };
	struct limit_left_of of[LIMIT_LEFT_MODELS];
	struct limit_take t;

	(void)state;
	for (unsigned m = 0; m < LIMIT__COUNTED; m++)
		if (limit_metrics[m].scope == LIMIT_KEY_MODEL)
			limit_set_put(&who.limits, m, 100);
	for (unsigned i = 0; i < ARRAY_LEN(of); i++) {
		of[i].model_id = MODEL + i;
		for (unsigned k = 0; k < i; k++)
			assert_ok(limit_take(limiter,
			    &(struct limit_ask){ .who = &who,
				.model_id = MODEL + i,
				.tok = 2,
				.now_ms = NOW },
			    &t, &e));
	}
	limit_left(limiter, &ask, of, ARRAY_LEN(of));
	for (unsigned i = 0; i < ARRAY_LEN(of); i++) {
		assert_int_equal(of[i].n, 6);
		for (unsigned k = 0; k < of[i].n; k++) {
			const struct limit_left *v = &of[i].v[k];

			assert_int_equal(limit_metrics[v->metric].scope,
			    LIMIT_KEY_MODEL);
			assert_int_equal(v->remaining,
			    limit_metrics[v->metric].unit == LIMIT_TOKENS
				? 100 - 2 * i
				: 100 - i);
		}
	}
}

static void
limit_left__one_limit_used_up__is_zero(void **state)
{
	struct limit_left v[LIMIT__COUNTED];

	(void)state;
	only(LIMIT_KEY_REQUESTS_HOUR, 3);
	assert_int_equal(grants_of(5, NOW), 3);
	assert_int_equal(left(0, NOW, v), 1);
	assert_int_equal(v[0].remaining, 0);
	assert_int_equal(left(MODEL, NOW, v), 0);
}

static void
limit_left__sliding__previous_window_counts_by_its_share(void **state)
{
	struct limit_left v[LIMIT__COUNTED];

	(void)state;
	only(LIMIT_KEY_REQUESTS_HOUR, 100);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	assert_int_equal(grants_of(40, HOUR), 40);
	/* A quarter of the next hour is over: 30 of them still count. */
	assert_int_equal(left(0, HOUR + 3600000 + 900000, v), 1);
	assert_int_equal(v[0].remaining, 70);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(limit_take__nothing_stated__default_of_60_a_minute),
		LIMIT_TEST(limit_take__zero__is_not_limited),
		LIMIT_TEST(
		    limit_take__two_windows__tells_of_the_one_with_least_left),
		LIMIT_TEST(
		    limit_give_back__granted_then_refused_elsewhere__can_be_taken_again),
		LIMIT_TEST(limiter_set__lower_default__is_in_force_at_once),
		LIMIT_TEST(
		    limit_take__each_metric__counts_its_scope_in_its_window),
		LIMIT_TEST(limit_take__client_unknown__address_is_not_limited),
		LIMIT_TEST(limit_client_of__ipv6__is_its_network),
		LIMIT_TEST(
		    limit_take__tokens__are_taken_on_entry_and_corrected),
		LIMIT_TEST(
		    limit_take__more_tokens_than_a_window_grants__is_refused_for_good),
		LIMIT_TEST(limit_token_cap__no_limit_of_tokens__is_none),
		LIMIT_TEST(limit_take__both_units__each_tells_its_least),
		LIMIT_TEST(
		    limit_take__sliding__previous_window_counts_by_its_share),
		LIMIT_TEST(
		    limit_take__sliding_and_window_full__waits_into_the_next),
		LIMIT_TEST(
		    limit_take__sliding_hour_refuses_for_less_long__the_minute_is_told),
		LIMIT_TEST(limit_take__shadow__passes_and_tells),
		LIMIT_TEST(
		    limit_left__after_requests__tells_what_remains_and_counts_nothing),
		LIMIT_TEST(limit_left__many_models__each_by_itself),
		LIMIT_TEST(limit_left__one_limit_used_up__is_zero),
		LIMIT_TEST(
		    limit_left__sliding__previous_window_counts_by_its_share),
	};
	int n_failed;

	if (!limit_fixture_start())
		return 0;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	limit_fixture_stop();
	return n_failed;
}
