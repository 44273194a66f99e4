/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/attr.h"
#include "base/histogram.h"

static void
bucket__values_around_every_edge__belong_up_to_and_including_it(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HISTOGRAM_N - 1; i++) {
		int64_t edge = histogram_edges_ms[i];

		assert_int_equal(histogram_bucket(edge), i);
		assert_int_equal(histogram_bucket(edge + 1), i + 1);
	}
}

static void
bucket__values_out_of_range__go_to_the_ends(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(INT64_MIN), 0);
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(INT64_MAX), HISTOGRAM_N - 1);
}

static void
edges__neighbours__keep_the_stated_error(void **state)
{
	(void)state;
	for (unsigned i = 1; i < HISTOGRAM_N - 1; i++) {
		uint32_t low = histogram_edges_ms[i - 1];
		uint32_t high = histogram_edges_ms[i];

		assert_true(high > low);
		if (low >= 7)
			assert_true(2 * high <= 3 * low); /* + 50 % */
		else
			assert_in_range(high - low, 1, 2);
	}
}

static void
percentile__nothing_counted__is_unknown(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	assert_int_equal(histogram_percentile_ms(&h, 500), -1);
}

static void
percentile__known_values__are_within_their_buckets(void **state)
{
	static const unsigned per_mille[] = { 1, 10, 250, 500, 950, 990, 1000 };
	struct histogram h = { 0 };

	(void)state;
	for (int64_t v = 1; v <= 1000; v++)
		histogram_count(&h, v);

	assert_int_equal(histogram_total(&h), 1000);
	for (size_t i = 0; i < ARRAY_LEN(per_mille); i++) {
		int64_t got = histogram_percentile_ms(&h, per_mille[i]);

		assert_int_equal(histogram_bucket(got),
		    histogram_bucket(per_mille[i]));
	}
}

static void
percentile__beyond_the_last_edge__is_that_edge(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	histogram_count(&h, INT64_C(100000000));
	assert_int_equal(histogram_percentile_ms(&h, 500), 680000);
}

static void
add__two_histograms__count_as_one(void **state)
{
	struct histogram a = { 0 }, b = { 0 }, both = { 0 };

	(void)state;
	for (int64_t v = 0; v < 500; v += 7) {
		histogram_count(v % 2 ? &a : &b, v);
		histogram_count(&both, v);
	}

	histogram_add(&a, &b);

	assert_memory_equal(&a, &both, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    bucket__values_around_every_edge__belong_up_to_and_including_it),
		cmocka_unit_test(bucket__values_out_of_range__go_to_the_ends),
		cmocka_unit_test(edges__neighbours__keep_the_stated_error),
		cmocka_unit_test(percentile__nothing_counted__is_unknown),
		cmocka_unit_test(
		    percentile__known_values__are_within_their_buckets),
		cmocka_unit_test(
		    percentile__beyond_the_last_edge__is_that_edge),
		cmocka_unit_test(add__two_histograms__count_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
