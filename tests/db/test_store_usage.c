/* SPDX-License-Identifier: MIT */
/* Rows of usage, many in one statement, and how far the journal they come from
 * was read. */
#include "db/fixture_db.h"

#include "store/offset.h"
#include "store/usage.h"

static void
bulk__numbers_of_rows_around_the_group_sizes__inserts_them_all(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 9, 63, 64, 65, 72, 73, 128,
		137, 1000 };
	static struct usage_row rows[1000];
	struct fixture f;
	uint64_t before, want = 0;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	before = fixture_number(f.db, "SELECT COUNT(*) FROM usage_records");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			rows[k] = fixture_usage(1, 1, 1);

		assert_db_ok(&f,
		    store_usage_insert(f.db, rows, sizes[i], &f.e));

		want += sizes[i];
		assert_int_equal(before + want,
		    fixture_number(f.db, "SELECT COUNT(*) FROM usage_records"));
	}
	fixture_fini(&f);
}

static void
usage__every_field__comes_back_unchanged(void **state)
{
	struct usage_row row = fixture_usage(3, 4, 5), back;
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	row.project_id = 6;
	row.agent_id = 7;
	row.connector_id = 8;
	for (uint64_t x = 0; x < TOK_CONTEXT__MAX; x++)
		for (uint64_t i = 0; i < TOK_CLASS__MAX; i++)
			row.tok[x][i] = 100 * x + i + 1;
	row.cost_pusd = INT64_C(9223372036854775807);
	row.provider_cost_pusd = 1;
	row.status = USAGE_INTERRUPTED;
	row.error_code = S("upstream_error");
	row.usage_source = USAGE_FROM_ESTIMATE;
	row.origin = USAGE_API;
	row.attempts = 3;

	assert_db_ok(&f, store_usage_insert(f.db, &row, 1, &f.e));
	assert_db_ok(&f, store_usage_by_request_id(f.db, &row.request_id, &f.a,
			     &back, &f.e));

	assert_str_is(back.error_code, "upstream_error");
	assert_str_is(back.model_requested, "a-model");
	assert_str_is(back.provider_used, "a-provider");
	back.error_code = row.error_code;
	back.model_requested = row.model_requested;
	back.provider_used = row.provider_used;
	assert_memory_equal(&back, &row, sizeof(row));
	fixture_fini(&f);
}

/* Whether the row in the database is this one; its texts are the fixture's. */
static void
assert_comes_back(struct fixture *fix, const struct usage_row *row)
{
	struct usage_row back;

	assert_db_ok(fix, store_usage_by_request_id(fix->db, &row->request_id,
			      &fix->a, &back, &fix->e));
	assert_str_is(back.model_requested, "a-model");
	assert_str_is(back.provider_used, "a-provider");
	assert_true(str_eq(back.error_code, row->error_code));
	back.model_requested = row->model_requested;
	back.provider_used = row->provider_used;
	back.error_code = row->error_code;
	assert_memory_equal(&back, row, sizeof(*row));
}

/* Usual rows have a shorter statement: what it leaves out must not be lost
 * from the first row that has it. */
static void
usage__rows_with_one_unusual_value_among_usual_ones__all_come_back(void **state)
{
	enum {
		AGENT,
		CONNECTOR,
		ERROR,
		ORIGIN,
		ATTEMPTS,
		N_OTHERS
	};
	static struct usage_row rows[2 * (N_OTHERS + 2 * TOK_CLASS__MAX)];
	size_t n_usual = 0;
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct usage_row *row = &rows[i];

		*row = fixture_usage(3, 4, 5);
		row->project_id = i;
		row->latency_ms = i + 1;
		row->tok[TOK_NORMAL][TOK_IN_CACHED] = i + 2;
		row->tok[TOK_NORMAL][TOK_OUT_REASONING] = i + 3;
		row->status = i % 3 ? USAGE_OK : USAGE_TIMEOUT;
		row->usage_source = USAGE_FROM_ESTIMATE;
		if (i % 2 == 0)
			continue;
		switch (i / 2) {
		case AGENT:
			row->agent_id = 7;
			break;
		case CONNECTOR:
			row->connector_id = 8;
			break;
		case ERROR:
			row->error_code = S("upstream_error");
			break;
		case ORIGIN:
			row->origin = USAGE_API;
			break;
		case ATTEMPTS:
			row->attempts = 2;
			break;
		default:
			row->tok[(i / 2 - N_OTHERS) / TOK_CLASS__MAX]
				[(i / 2 - N_OTHERS) % TOK_CLASS__MAX] = 9;
		}
	}

	assert_db_ok(&f, store_usage_insert(f.db, rows, ARRAY_LEN(rows), &f.e));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_comes_back(&f, &rows[i]);
		n_usual += usage_row_is_usual(&rows[i]);
	}
	/* Four classes of tokens are usual, too. */
	assert_int_equal(n_usual, ARRAY_LEN(rows) / 2 + 4);
	fixture_fini(&f);
}

static void
usage__unknown_values__come_back_as_unknown(void **state)
{
	struct usage_row row = fixture_usage(3, 4, 5), back;
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	row.provider_id = 0;
	row.provider_used = str_make(NULL, 0);
	row.cost_pusd = DB_MONEY_NULL;
	row.provider_cost_pusd = DB_MONEY_NULL;
	row.price_version_id = 0;
	row.time_to_first_token_ms = -1;

	assert_db_ok(&f, store_usage_insert(f.db, &row, 1, &f.e));
	assert_db_ok(&f, store_usage_by_request_id(f.db, &row.request_id, &f.a,
			     &back, &f.e));

	assert_int_equal(back.cost_pusd, DB_MONEY_NULL);
	assert_null(back.provider_used.p);
	assert_int_equal(back.provider_id, 0);
	assert_int_equal(back.time_to_first_token_ms, -1);
	fixture_fini(&f);
}

static void
usage__request_id_again__is_conflict(void **state)
{
	struct usage_row row = fixture_usage(3, 4, 5);
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_usage_insert(f.db, &row, 1, &f.e));

	assert_int_equal(store_usage_insert(f.db, &row, 1, &f.e), ERR_CONFLICT);
	fixture_fini(&f);
}

static void
offset__moved_from_a_stale_value__is_conflict(void **state)
{
	static const uint8_t series[16] = { 42 };
	struct fixture f;
	uint64_t off;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f,
	    store_offset_open(f.db, series, S("here"), &off, &f.e));
	assert_int_equal(off, 0);
	assert_db_ok(&f, store_offset_move(f.db, series, 0,
			     UINT64_C(5) << 32 | 7, false, &f.e));

	assert_int_equal(store_offset_move(f.db, series, 0, 9, false, &f.e),
	    ERR_CONFLICT);
	assert_db_ok(&f,
	    store_offset_open(f.db, series, S("here"), &off, &f.e));
	assert_true(off == (UINT64_C(5) << 32 | 7));
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    bulk__numbers_of_rows_around_the_group_sizes__inserts_them_all),
		cmocka_unit_test(usage__every_field__comes_back_unchanged),
		cmocka_unit_test(
		    usage__rows_with_one_unusual_value_among_usual_ones__all_come_back),
		cmocka_unit_test(usage__unknown_values__come_back_as_unknown),
		cmocka_unit_test(usage__request_id_again__is_conflict),
		cmocka_unit_test(offset__moved_from_a_stale_value__is_conflict),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
