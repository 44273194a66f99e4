/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/usage_tally.h"

struct fixture {
	struct arena a;
	struct usage_tally t;
	struct usage_group *groups, total;
	size_t n;
	struct error e;
};

static void
init(struct fixture *x)
{
	*x = (struct fixture){ 0 };
	arena_init(&x->a, MIB(64));
	usage_tally_init(&x->t, &x->a);
}

static struct usage_group
row_of(uint64_t first, uint64_t second, uint64_t requests)
{
	return (struct usage_group){ .by = { first, second },
		.refusals = requests,
		.failed_requests = 2 * requests,
		.sums = { .requests = requests,
		    .tok = { [TOK_LONG] = { [TOK_OUT] = 5 * requests } },
		    .cost_pusd = (int64_t)(3 * requests),
		    .latency.n[HISTOGRAM_N - 1] = requests } };
}

static void
add(struct fixture *x, uint64_t first, uint64_t second, uint64_t requests,
    bool is_less)
{
	struct usage_group row = row_of(first, second, requests);

	assert_ok(usage_tally_add(&x->t, &row, is_less, &x->e));
}

static void
end(struct fixture *x)
{
	assert_ok(usage_tally_end(&x->t, &x->groups, &x->n, &x->total, &x->e));
}

static void
assert_group(const struct usage_group *g, uint64_t first, uint64_t second,
    uint64_t requests)
{
	assert_int_equal(g->by[0], first);
	assert_int_equal(g->by[1], second);
	assert_int_equal(g->refusals, requests);
	assert_int_equal(g->failed_requests, 2 * requests);
	assert_int_equal(g->sums.requests, requests);
	assert_int_equal(g->sums.tok[TOK_LONG][TOK_OUT], 5 * requests);
	assert_int_equal(g->sums.cost_pusd, 3 * requests);
	assert_int_equal(g->sums.latency.n[HISTOGRAM_N - 1], requests);
}

static void
usage_tally__nothing_added__has_no_group(void **state)
{
	struct fixture x;

	(void)state;
	init(&x);
	end(&x);
	assert_int_equal(x.n, 0);
	assert_int_equal(x.total.sums.requests, 0);
	arena_fini(&x.a);
}

static void
usage_tally__rows_in_any_order__are_groups_in_theirs(void **state)
{
	struct fixture x;

	(void)state;
	init(&x);
	add(&x, 7, 1, 1, false);
	add(&x, 2, 9, 10, false);
	add(&x, 7, 0, 100, false);
	add(&x, 2, 9, 1000, false);
	add(&x, 7, 1, 10000, false);
	end(&x);
	assert_int_equal(x.n, 3);
	assert_group(&x.groups[0], 2, 9, 1010);
	assert_group(&x.groups[1], 7, 0, 100);
	assert_group(&x.groups[2], 7, 1, 10001);
	assert_group(&x.total, 0, 0, 11111);
	arena_fini(&x.a);
}

static void
usage_tally__all_taken_away__leaves_no_group(void **state)
{
	struct fixture x;

	(void)state;
	init(&x);
	add(&x, 1, 0, 5, false);
	add(&x, 2, 0, 8, false);
	add(&x, 1, 0, 5, true);
	add(&x, 2, 0, 1, true);
	end(&x);
	assert_int_equal(x.n, 1);
	assert_group(&x.groups[0], 2, 0, 7);
	assert_group(&x.total, 0, 0, 7);
	arena_fini(&x.a);
}

static void
usage_tally__cleared__begins_anew_in_the_same_memory(void **state)
{
	size_t used;
	struct fixture x;

	(void)state;
	init(&x);
	for (uint64_t i = 0; i < 100; i++)
		add(&x, i, 0, 5, false);
	used = x.a.used_bytes;
	usage_tally_clear(&x.t);
	for (uint64_t i = 0; i < 100; i++)
		add(&x, i / 2, 1, 2, false);
	assert_int_equal(x.a.used_bytes, used);
	end(&x);
	assert_int_equal(x.n, 50);
	assert_group(&x.groups[49], 49, 1, 4);
	arena_fini(&x.a);
}

static void
usage_tally__as_many_as_may_be__are_all_there(void **state)
{
	struct fixture x;

	(void)state;
	init(&x);
	for (uint64_t k = 0; k < 3; k++)
		for (uint64_t i = 0; i < USAGE_GROUPS_MAX; i++)
			add(&x, 1764547200 + 3600 * (i / 10), i % 10, i + 1,
			    false);
	end(&x);
	assert_int_equal(x.n, USAGE_GROUPS_MAX);
	for (uint64_t i = 0; i < USAGE_GROUPS_MAX; i++)
		assert_group(&x.groups[i], 1764547200 + 3600 * (i / 10), i % 10,
		    3 * (i + 1));
	arena_fini(&x.a);
}

static void
usage_tally__one_too_many__names_group_by(void **state)
{
	struct fixture x;

	(void)state;
	init(&x);
	for (uint64_t i = 0; i <= USAGE_GROUPS_MAX; i++)
		add(&x, i, 0, 1, false);
	assert_int_equal(usage_tally_end(&x.t, &x.groups, &x.n, &x.total, &x.e),
	    ERR_BAD_PARAM);
	assert_string_equal(x.e.param, "group_by");
	arena_fini(&x.a);
}

static void
usage_tally__one_too_many_of_which_one_goes__are_all_there(void **state)
{
	struct fixture x;

	(void)state;
	init(&x);
	for (uint64_t i = 0; i <= USAGE_GROUPS_MAX; i++)
		add(&x, i, 0, 1, false);
	add(&x, 77, 0, 1, true);
	end(&x);
	assert_int_equal(x.n, USAGE_GROUPS_MAX);
	arena_fini(&x.a);
}

static void
usage_tally__twice_too_many__stops_reading(void **state)
{
	struct usage_group row;
	struct fixture x;

	(void)state;
	init(&x);
	for (uint64_t i = 0; i < USAGE_TALLY_MAX; i++)
		add(&x, i, 0, 1, false);
	row = row_of(USAGE_TALLY_MAX, 0, 1);
	assert_int_equal(usage_tally_add(&x.t, &row, false, &x.e),
	    ERR_BAD_PARAM);
	assert_string_equal(x.e.param, "group_by");
	arena_fini(&x.a);
}

static void
usage_tally__no_memory__is_an_error_at_each_place(void **state)
{
	struct usage_group row = row_of(1, 2, 3);

	(void)state;
	for (size_t at = 1; at <= 4; at++) {
		struct fixture x;
		enum err err;

		init(&x);
		x.a.fail_at = at;
		err = usage_tally_add(&x.t, &row, false, &x.e);
		if (!err)
			err = usage_tally_end(&x.t, &x.groups, &x.n, &x.total,
			    &x.e);
		assert_int_equal(err, ERR_NO_MEMORY);
		arena_fini(&x.a);
	}
}

static void
usage_tally__amounts_beyond_the_range__are_an_error(void **state)
{
	struct usage_group row = row_of(1, 0, 1);
	struct fixture x;

	(void)state;
	init(&x);
	row.sums.cost_pusd = INT64_MAX;
	assert_ok(usage_tally_add(&x.t, &row, false, &x.e));
	assert_int_equal(usage_tally_add(&x.t, &row, false, &x.e),
	    ERR_MONEY_RANGE);
	arena_fini(&x.a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_tally__nothing_added__has_no_group),
		cmocka_unit_test(
		    usage_tally__rows_in_any_order__are_groups_in_theirs),
		cmocka_unit_test(usage_tally__all_taken_away__leaves_no_group),
		cmocka_unit_test(
		    usage_tally__cleared__begins_anew_in_the_same_memory),
		cmocka_unit_test(usage_tally__as_many_as_may_be__are_all_there),
		cmocka_unit_test(usage_tally__one_too_many__names_group_by),
		cmocka_unit_test(
		    usage_tally__one_too_many_of_which_one_goes__are_all_there),
		cmocka_unit_test(usage_tally__twice_too_many__stops_reading),
		cmocka_unit_test(
		    usage_tally__no_memory__is_an_error_at_each_place),
		cmocka_unit_test(
		    usage_tally__amounts_beyond_the_range__are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
