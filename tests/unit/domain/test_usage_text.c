/* SPDX-License-Identifier: MIT */
/* Rows and sums of usage as JSON and CSV. CHECKLIST D9. */
#include "support/cmocka_tg.h"

#include <string.h>

#include "domain/usage_text.h"

static char out[16384];
static struct buf b;

static const char *
finish(void)
{
	assert_int_equal(b.sticky, OK);
	assert_true(b.n < sizeof(out));
	out[b.n] = '\0';
	return out;
}

static void
start(void)
{
	buf_init_fixed(&b, out, sizeof(out) - 1);
}

/* A row that was rated anew. */
static struct usage_view
row(void)
{
	struct usage_view v = { .usage_id = 9,
		.created_at_ms = INT64_C(1793491200000),
		.row = { .request_timestamp_ms = INT64_C(1793491199999),
		    .customer_id = 1,
		    .user_id = 2,
		    .model_id = 3,
		    .model_requested = S("=1+1"),
		    .cost_pusd = 1,
		    .provider_cost_pusd = 2,
		    .price_version_id = 4,
		    .markup_ppm = 1500000,
		    .time_to_first_token_ms = -1 },
		.cost_pusd = INT64_C(1000000000001),
		.provider_cost_pusd = INT64_C(2000000000000),
		.price_version_id = 5 };

	v.row.tok[TOK_NORMAL][TOK_IN] = 10;
	v.row.tok[TOK_LONG][TOK_IN_CACHED] = 5;
	v.row.tok[TOK_NORMAL][TOK_OUT_REASONING] = 7;
	return v;
}

static const char *
json_of(enum usage_reader reader)
{
	struct usage_view v = row();
	struct json_out j;

	start();
	json_out_init(&j, &b);
	json_out_object(&j);
	usage_row_json(&v, reader, &j);
	json_out_object_end(&j);
	return finish();
}

static size_t
cells(const char *line)
{
	size_t n = 1;

	for (; *line; line++)
		n += *line == ',';
	return n;
}

static void
row_json__rated_anew__shows_both_costs_and_the_price_in_force(void **state)
{
	const char *text = json_of(USAGE_FOR_OPERATOR);

	(void)state;
	assert_non_null(strstr(text, "\"cost_in_usd\":1.000000000001,"
				     "\"original_cost_in_usd\":0.000000000001,"
				     "\"provider_cost_in_usd\":2,"
				     "\"price_version_id\":5,\"markup\":1.5"));
	assert_non_null(strstr(text, "\"prompt_tokens\":15"));
	assert_non_null(strstr(text, "\"completion_tokens\":7"));
	assert_non_null(strstr(text, "\"api_key_id\":null"));
	assert_non_null(strstr(text, "\"time_to_first_token_ms\":null"));
}

static void
row_json__for_a_customer__does_not_tell_what_it_costs_us(void **state)
{
	const char *text = json_of(USAGE_FOR_CUSTOMER);

	(void)state;
	assert_null(strstr(text, "provider_cost_in_usd"));
	assert_null(strstr(text, "markup"));
}

static void
row_csv__each_reader__has_as_many_cells_as_names(void **state)
{
	static const enum usage_reader readers[] = { USAGE_FOR_CUSTOMER,
		USAGE_FOR_OPERATOR };
	struct usage_view v = row();
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		start();
		usage_row_csv_head(readers[i], &b);
		n = cells(finish());
		start();
		usage_row_csv(&v, readers[i], &b);
		assert_int_equal(cells(finish()), n);
		assert_non_null(strstr(out, ",'=1+1,"));
		assert_string_equal(out + strlen(out) - 2, "\r\n");
	}
}

static void
csv_text__what_a_spreadsheet_would_run_or_split__is_quoted(void **state)
{
	static const char *const cases[][2] = { { "a b", "a b" },
		{ "a,b", "\"a,b\"" }, { "a\"b", "\"a\"\"b\"" },
		{ "a\r\nb", "\"a\r\nb\"" }, { "=1", "'=1" }, { "+1", "'+1" },
		{ "-1", "'-1" }, { "@x", "'@x" }, { "\tx", "'\tx" },
		{ "=a,b", "\"'=a,b\"" }, { "", "" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start();
		usage_csv_text(&b, str_from(cases[i][0]));
		assert_string_equal(finish(), cases[i][1]);
	}
}

static void
group__dimensions_and_unknown_refusals__in_both_formats(void **state)
{
	const struct usage_group_style style = { .by = { USAGE_BY_DAY,
						     USAGE_BY_STATUS } };
	struct usage_group g = { .by = { 1793491200, 3 },
		.refusals = 8,
		.sums = { .requests = 2, .cost_pusd = 5 } };
	struct json_out j;

	(void)state;
	histogram_count(&g.sums.latency, 100);
	start();
	json_out_init(&j, &b);
	json_out_object(&j);
	usage_group_json(&g, &style, &j);
	json_out_object_end(&j);
	assert_non_null(strstr(finish(), "{\"day\":\"2026-11-01\","
					 "\"request_status\":\"timeout\","
					 "\"requests\":2,\"refusals\":null"));
	assert_non_null(strstr(out, "\"cost_in_usd\":0.000000000005"));
	assert_non_null(strstr(out, "\"time_to_first_token_p50_ms\":null"));
	assert_null(strstr(out, "provider_cost_in_usd"));
	start();
	usage_group_csv_head(&style, &b);
	usage_group_csv(&g, &style, &b);
	assert_non_null(strstr(finish(), "\r\n2026-11-01,timeout,2,,"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    row_json__rated_anew__shows_both_costs_and_the_price_in_force),
		cmocka_unit_test(
		    row_json__for_a_customer__does_not_tell_what_it_costs_us),
		cmocka_unit_test(
		    row_csv__each_reader__has_as_many_cells_as_names),
		cmocka_unit_test(
		    csv_text__what_a_spreadsheet_would_run_or_split__is_quoted),
		cmocka_unit_test(
		    group__dimensions_and_unknown_refusals__in_both_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
