/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "handler/web/chart.h"
#include "handler/web/page.h"

#define N        30
#define N_SERIES 2

static struct arena a;
static const struct chart_series series[N_SERIES] = {
	{ STR_INIT("Fine"), "series-1" },
	{ STR_INIT("Bad"), "series-failed" },
};
static struct chart_bar bars[N];
static uint64_t values[N][N_SERIES];

static int
set_up(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
	for (size_t i = 0; i < N; i++) {
		bars[i] = (struct chart_bar){ .label = S("a day"),
			.tick = i % 7 == 1 ? S("1 Nov") : S("") };
		values[i][0] = values[i][1] = 0;
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static struct tval *
build(enum chart_unit unit)
{
	const struct chart c = { .id = "chart",
		.title = S("Title"),
		.desc = S("Words"),
		.unit = unit,
		.series = series,
		.n_series = N_SERIES,
		.bars = bars,
		.n_bars = N,
		.values = &values[0][0] };
	struct tval *o = tval_object(&a);
	chart_build(o, &c);
	return o;
}

/* The i-th item's member, as text or as a number before its unit. */
static struct str
text_at(const struct tval *o, struct str list, size_t i, struct str key)
{
	const struct tval_item *item = tval_get(o, list)->first;
	while (i-- > 0)
		item = item->next;
	return tval_get(item->value, key)->text;
}

static const struct tval *
parts_of(const struct tval *o, size_t bar)
{
	const struct tval_item *item = tval_get(o, S("bars"))->first;
	while (bar-- > 0)
		item = item->next;
	return item->value;
}

static unsigned
pixels_at(const struct tval *o, size_t bar, size_t part, struct str key)
{
	uint64_t n;
	assert_true(str_to_u64(text_at(parts_of(o, bar), S("parts"), part, key),
	    0, 1000, &n));
	return (unsigned)n;
}

static size_t
count(const struct tval *o, struct str list)
{
	size_t n = 0;
	for (const struct tval_item *i = tval_get(o, list)->first; i;
	     i = i->next)
		n++;
	return n;
}

static void
chart_step__for_any_maximum__is_round_and_gives_few_lines(void **state)
{
	(void)state;
	assert_int_equal(chart_step(0), 1);
	assert_int_equal(chart_step(1), 1);
	assert_int_equal(chart_step(5), 1);
	assert_int_equal(chart_step(6), 2);
	assert_int_equal(chart_step(10), 2);
	assert_int_equal(chart_step(11), 5);
	assert_int_equal(chart_step(1201), 500);
	for (uint64_t max = 1; max < UINT64_MAX / 3; max = max * 3 + 1) {
		uint64_t step = chart_step(max);
		uint64_t lines = max / step + (max % step > 0);
		assert_in_range(lines, 1, 5);
		while (step % 10 == 0)
			step /= 10;
		assert_true(step == 1 || step == 2 || step == 5);
	}
}

static void
bars__by_their_values__have_their_share_of_the_height(void **state)
{
	(void)state;
	values[0][0] = 1000;
	values[1][0] = 250;
	values[1][1] = 250;
	values[2][0] = 1;
	values[2][1] = 1;
	struct tval *o = build(CHART_COUNT);

	assert_int_equal(pixels_at(o, 0, 0, S("height")), 150);
	assert_int_equal(count(parts_of(o, 0), S("parts")), 1);
	assert_int_equal(pixels_at(o, 1, 0, S("height")), 38);
	assert_int_equal(pixels_at(o, 1, 0, S("y")), 164 - 38);
	assert_int_equal(pixels_at(o, 1, 1, S("height")), 75 - 38);
	assert_int_equal(pixels_at(o, 1, 1, S("y")), 164 - 75);
	/* What is there is seen, each. */
	assert_int_equal(pixels_at(o, 2, 0, S("height")), 2);
	assert_int_equal(pixels_at(o, 2, 1, S("height")), 2);
	assert_int_equal(pixels_at(o, 2, 1, S("y")), 164 - 4);
	assert_str_is(text_at(parts_of(o, 2), S("parts"), 1, S("fill")),
	    "series-failed");
	assert_int_equal(count(parts_of(o, 3), S("parts")), 0);
	assert_int_equal(count(o, S("bars")), N);
	assert_int_equal(count(o, S("lines")), 6);
	assert_str_is(text_at(o, S("lines"), 5, S("text")), "1,000");
}

static void
bars__of_a_month__fill_the_width(void **state)
{
	(void)state;
	struct tval *o = build(CHART_COUNT);

	assert_str_is(text_at(o, S("bars"), 0, S("slot_x")), "0.000%");
	assert_str_is(text_at(o, S("bars"), 29, S("slot_x")), "96.666%");
	assert_str_is(text_at(o, S("bars"), 29, S("slot_width")), "3.334%");
	assert_int_equal(count(o, S("ticks")), 5);
	assert_str_is(text_at(o, S("ticks"), 4, S("x")), "100.000%");
	assert_str_is(text_at(o, S("ticks"), 4, S("anchor")), "end");
}

static void
nothing__on_all_days__is_an_empty_plot(void **state)
{
	(void)state;
	struct tval *o = build(CHART_COUNT);

	assert_int_equal(count(o, S("lines")), 1);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(count(parts_of(o, i), S("parts")), 0);
}

static void
axes__of_large_counts_and_of_money__read_well(void **state)
{
	(void)state;
	values[0][0] = 1300000;
	struct tval *o = build(CHART_COUNT);
	assert_str_is(text_at(o, S("lines"), 1, S("text")), "500k");
	assert_str_is(text_at(o, S("lines"), 3, S("text")), "1,500k");

	values[0][0] = UINT64_C(345000000);
	o = build(CHART_USD);
	assert_str_is(text_at(o, S("lines"), 1, S("text")), "$0.0001");

	values[0][0] = INT64_MAX;
	o = build(CHART_USD);
	assert_str_is(text_at(o, S("lines"), 1, S("text")), "$2,000,000.00");
	assert_int_equal(pixels_at(o, 0, 0, S("height")), 138);

	values[0][0] = 12000;
	o = build(CHART_MS);
	assert_str_is(text_at(o, S("lines"), 0, S("text")), "0");
	assert_str_is(text_at(o, S("lines"), 1, S("text")), "5.00 s");
}

static const struct tmpl_key keys[] = { CHART_KEYS("chart") };

static void
chart_keys__of_a_built_chart__are_all_there(void **state)
{
	(void)state;
	struct error e = { 0 };
	const struct tmpl_page page = { .keys = keys,
		.n_keys = ARRAY_LEN(keys) };
	struct tval *root = tval_object(&a);
	values[3][0] = 3;
	values[3][1] = 1;
	tval_set(root, "chart", build(CHART_COUNT));

	if (tmpl_check_values(&page, root, &e))
		fail_msg("%s", e.internal);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(chart_step__for_any_maximum__is_round_and_gives_few_lines),
		T(bars__by_their_values__have_their_share_of_the_height),
		T(bars__of_a_month__fill_the_width),
		T(nothing__on_all_days__is_an_empty_plot),
		T(axes__of_large_counts_and_of_money__read_well),
		T(chart_keys__of_a_built_chart__are_all_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
