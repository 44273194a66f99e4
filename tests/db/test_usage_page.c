/* SPDX-License-Identifier: MIT */
/* Lists of usage: which index and which partitions each filter reads, and
 * that pages neither lose nor repeat a row. CHECKLIST S8. */
#include "db/fixture_sums.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/db_priv.h"
#include "store/usage_page.h"

#define N_ROWS      SUMS_USAGE_ROWS
#define FIRST_MONTH SUMS_FIRST_MONTH_MS

static int
setup(void **state)
{
	if (sums_setup(state) != 0)
		return -1;
	sums_fill_usage();
	fixture_sql(sums_root, "ANALYZE TABLE usage_records");
	mysql_free_result(mysql_store_result(&sums_root->my));
	return 0;
}

/* Places of the filters among a page's parameters, behind the times. */
enum {
	AT_TENANT,
	AT_CUSTOMER,
	AT_KEY,
	AT_USER,
	AT_PROJECT,
	AT_AGENT,
	AT_CONNECTOR,
	AT_MODEL,
	AT_PROVIDER,
	AT_STATUS,
	AT_SOURCE,
	AT__N
};

/* The statement with November as its time and one filter set. */
static void
explain(enum stmt id, int at, const char *value, char *ret, size_t ret_bytes)
{
	char *text = stmt_text(id, 1);
	struct buf b;
	int n = id == STMT_USAGE_PAGE_ALL ? 1 : 0;

	buf_init_fixed(&b, ret, ret_bytes - 1);
	buf_add(&b, S("EXPLAIN PARTITIONS "));
	for (const char *p = text; *p; p++) {
		int filter = (n - 5) / 2;

		if (*p != '?') {
			buf_add_char(&b, *p);
			continue;
		}
		if (n == 0)
			buf_add(&b, str_from(value));
		else if (n == 1)
			buf_add(&b, S("'2026-11-01'"));
		else if (n == 2 || n == 3)
			buf_add(&b, S("'2026-11-30 23:59:59'"));
		else if (n == 4)
			buf_add(&b, S("0"));
		else if (filter == AT__N)
			buf_add(&b, S("51"));
		else
			buf_add(&b, filter == at ? str_from(value) : S("NULL"));
		n++;
	}
	assert_int_equal(b.sticky, OK);
	ret[b.n] = '\0';
	free(text);
}

/* The index gives the order, too: a page costs what it shows. */
static void
assert_sorted(const char *query, const char *extra)
{
	if (strstr(extra, "filesort"))
		print_message("# %s: %s\n", query, extra);
	assert_null(strstr(extra, "filesort"));
}

static void
assert_plan(const char *query, const char *index)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	int n_found = 0;

	fixture_sql(sums_root, query);
	res = mysql_store_result(&sums_root->my);
	/* The others look one row's adjustment up. */
	assert_int_equal(mysql_num_rows(res), 4);
	row = mysql_fetch_row(res);
	for (unsigned i = 0; i < mysql_num_fields(res); i++) {
		const char *name = mysql_fetch_field_direct(res, i)->name;
		const char *want = strcmp(name, "key") == 0          ? index
				   : strcmp(name, "partitions") == 0 ? "p202611"
								     : NULL;

		if (strcmp(name, "Extra") == 0 && row[i])
			assert_sorted(query, row[i]);
		if (!want)
			continue;
		if (!row[i] || strcmp(row[i], want) != 0)
			print_message("# %s: %s, not %s\n", query,
			    row[i] ? row[i] : "none", want);
		assert_non_null(row[i]);
		assert_string_equal(row[i], want);
		n_found++;
	}
	mysql_free_result(res);
	assert_int_equal(n_found, 2);
}

static void
usage_page__each_filter__uses_an_index_and_one_months_partition(void **state)
{
	static const struct {
		int at;
		struct usage_filter f;
		uint64_t tenant;
		const char *value;
		const char *index;
	} cases[] = {
		{ AT_TENANT, { 0 }, 1, "1", "usage_customer" },
		{ AT_CUSTOMER, { .customer_id = 1 }, 0, "1", "usage_customer" },
		{ AT_KEY, { .api_key_id = 5 }, 0, "5", "usage_key" },
		{ AT_USER, { .user_id = 5 }, 0, "5", "usage_user" },
		{ AT_PROJECT, { .project_id = 2 }, 1, "2", "usage_customer" },
		{ AT_PROJECT, { .project_id = 2 }, 0, "2", "usage_time" },
		{ AT_AGENT, { .agent_id = 5 }, 0, "5", "usage_agent" },
		{ AT_CONNECTOR, { .connector_id = 5 }, 0, "5",
		    "usage_connector" },
		{ AT_MODEL, { .model_id = 5 }, 0, "5", "usage_model" },
		{ AT_PROVIDER, { .provider_id = 1 }, 1, "1", "usage_customer" },
		{ AT_STATUS, { .status = { "timeout", 7 } }, 1, "'timeout'",
		    "usage_customer" },
		{ AT_STATUS, { .status = { "timeout", 7 } }, 0, "'timeout'",
		    "usage_time" },
		{ AT_SOURCE, { .origin = { "api", 3 } }, 1, "'api'",
		    "usage_customer" },
		{ AT__N, { 0 }, 0, "0", "usage_time" },
	};
	char query[8192];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum stmt id = store_usage_page_stmt(cases[i].tenant,
		    &cases[i].f);

		explain(id, cases[i].at, cases[i].value, query, sizeof(query));
		assert_plan(query, cases[i].index);
	}
}

static uint64_t
rows_of(const struct usage_filter *f, uint64_t tenant)
{
	char query[400];

	(void)snprintf(query, sizeof(query),
	    "SELECT COUNT(*) FROM usage_records WHERE "
	    "request_timestamp >= '1970-01-01' + INTERVAL %lld * 1000 "
	    "MICROSECOND AND request_timestamp < '1970-01-01' + INTERVAL %lld "
	    "* 1000 MICROSECOND AND (%llu = 0 OR customer_id = %llu) AND (%llu "
	    "= 0 OR agent_id = %llu)",
	    (long long)f->from_ms, (long long)f->to_ms,
	    (unsigned long long)tenant, (unsigned long long)tenant,
	    (unsigned long long)f->agent_id, (unsigned long long)f->agent_id);
	return fixture_number(sums_root, query);
}

/* Page after page; every row is behind the one before. */
static uint64_t
walk(struct fixture *x, const struct usage_filter *f, uint64_t tenant,
    uint64_t limit)
{
	struct usage_cursor at = { 0, 0 }, next;
	uint64_t n_all = 0;
	size_t n;

	do {
		struct arena_mark mark = arena_mark(&x->a);
		struct usage_view *rows;

		assert_db_ok(x, store_usage_page(x->db, tenant, f, at, limit,
				    &x->a, &rows, &n, &next, &x->e));
		for (size_t i = 0; i < n; i++) {
			const struct usage_row *r = &rows[i].row;

			assert_in_range(r->request_timestamp_ms, f->from_ms,
			    f->to_ms - 1);
			if (at.usage_id)
				assert_true(
				    r->request_timestamp_ms < at.time_ms ||
				    (r->request_timestamp_ms == at.time_ms &&
					rows[i].usage_id < at.usage_id));
			if (tenant)
				assert_int_equal(r->customer_id, tenant);
			at = (struct usage_cursor){ r->request_timestamp_ms,
				rows[i].usage_id };
		}
		if (n == limit)
			assert_memory_equal(&next, &at, sizeof(at));
		at = next;
		n_all += n;
		arena_rewind(&x->a, mark);
	} while (at.usage_id);
	return n_all;
}

static void
usage_page__pages_of_any_size__are_all_rows_once(void **state)
{
	static const uint64_t limits[] = { 1, 2, 3, 7, 100 };
	struct usage_filter f = { .from_ms = FIRST_MONTH + 10 * 2500000,
		.to_ms = FIRST_MONTH + 90 * 2500000 };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		for (uint64_t tenant = 0; tenant < 3; tenant++)
			for (uint64_t agent = 0; agent < 3; agent++) {
				f.agent_id = agent;
				assert_int_equal(walk(&x, &f, tenant,
						     limits[i]),
				    rows_of(&f, tenant));
			}
	fixture_fini(&x);
}

static void
usage_posted__numbers_of_rows_around_the_group_size__finds_each(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 63, 64, 65, 128, 130 };
	struct usage_filter f = { .from_ms = FIRST_MONTH,
		.to_ms = FIRST_MONTH + 62 * DAY_MS };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct usage_view *rows, *back;
		struct usage_cursor next;
		size_t n;

		f.user_id = 1 + i;
		assert_db_ok(&x,
		    store_usage_page(x.db, 0, &f, (struct usage_cursor){ 0, 0 },
			sizes[i], &x.a, &rows, &n, &next, &x.e));
		assert_int_equal(n, sizes[i]);
		back = arena_array(&x.a, struct usage_view, n);
		for (size_t k = 0; k < n; k++)
			back[k].row = rows[n - 1 - k].row;

		assert_db_ok(&x, store_usage_posted(x.db, &x.a, back, n, &x.e));

		for (size_t k = 0; k < n; k++) {
			assert_int_equal(back[k].usage_id,
			    rows[n - 1 - k].usage_id);
			assert_int_equal(back[k].created_at_ms,
			    rows[n - 1 - k].created_at_ms);
		}
		back[n - 1].row.request_id.b[15] ^= 1;
		assert_int_equal(store_usage_posted(x.db, &x.a, back, n, &x.e),
		    ERR_NOT_FOUND);
		error_clear(&x.e);
	}
	fixture_fini(&x);
}

#define N_LIKE   (3 * USAGE_SEARCH_MAX)
#define ALIKE_MS (FIRST_MONTH + 92 * DAY_MS) /* 2027-02-01 */

static uint64_t
rows_read(struct db *db)
{
	return fixture_number(db,
	    "SELECT SUM(variable_value) FROM information_schema.session_status "
	    "WHERE variable_name LIKE 'Handler_read%'");
}

/* Many rows alike and one that differs, the oldest. */
static void
fill_alike(void)
{
	char text[800];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO usage_records (request_timestamp, request_id, "
	    "customer_id, api_key_id, user_id, agent_id, project_id, model_id, "
	    "model_requested, cost_in_usd, provider_cost_in_usd, "
	    "request_status, usage_source, source, latency_ms) SELECT "
	    "'2027-02-01' + INTERVAL seq * 10000 MICROSECOND, "
	    "UNHEX(MD5(seq)), 1, 3, 3, 3, 1 + (seq > 1), 3, 'm', 0, 0, "
	    "IF(seq = 1, 'timeout', 'ok'), 'provider', IF(seq = 1, 'api', "
	    "'gateway'), 1 FROM seq_1_to_%d",
	    N_LIKE);
	fixture_sql(sums_root, text);
}

/* Whatever leads to it: no page looks at more than so many rows, and page
 * after page finds the one. */
static void
usage_page__one_row_among_many__is_found_in_bounded_steps(void **state)
{
	static const struct {
		uint64_t tenant;
		struct usage_filter f;
	} cases[] = {
		{ 0, { .origin = { "api", 3 } } },
		{ 1, { .origin = { "api", 3 } } },
		{ 0, { .status = { "timeout", 7 } } },
		{ 0, { .project_id = 1 } },
		{ 1, { .project_id = 1, .user_id = 3 } },
		{ 0, { .api_key_id = 3, .origin = { "api", 3 } } },
		{ 0, { .agent_id = 3, .project_id = 1 } },
		{ 0, { .model_id = 3, .status = { "timeout", 7 } } },
		{ 0, { .customer_id = 1, .origin = { "api", 3 } } },
		/* Of whom there is nothing. */
		{ 0, { .customer_id = 2, .user_id = 3 } },
		{ 0, { .provider_id = 77 } },
	};
	struct fixture x;

	(void)state;
	fill_alike();
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct usage_filter f = cases[i].f;
		struct usage_cursor at = { 0, 0 };
		uint64_t own = rows_read(x.db), before = rows_read(x.db);
		size_t n, n_all = 0, n_pages = 0;

		own = before - own;
		f.from_ms = ALIKE_MS;
		f.to_ms = ALIKE_MS + DAY_MS;
		do {
			struct usage_view *rows;
			uint64_t n_read;

			before = rows_read(x.db);
			assert_db_ok(&x,
			    store_usage_page(x.db, cases[i].tenant, &f, at, 50,
				&x.a, &rows, &n, &at, &x.e));
			n_read = rows_read(x.db) - before - own;
			/* Once by the index alone, once as rows. */
			if (n_read > 2 * USAGE_SEARCH_MAX + 200)
				print_message("# case %zu: %llu reads\n", i,
				    (unsigned long long)n_read);
			assert_in_range(n_read, 0, 2 * USAGE_SEARCH_MAX + 200);
			n_all += n;
			n_pages++;
		} while (at.usage_id);
		assert_in_range(n_pages, 1, N_LIKE / USAGE_SEARCH_MAX + 1);
		assert_int_equal(n_all, i < 9);
	}
	fixture_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    usage_page__each_filter__uses_an_index_and_one_months_partition),
		cmocka_unit_test(
		    usage_page__pages_of_any_size__are_all_rows_once),
		cmocka_unit_test(
		    usage_posted__numbers_of_rows_around_the_group_size__finds_each),
		cmocka_unit_test(
		    usage_page__one_row_among_many__is_found_in_bounded_steps),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, sums_teardown);
}
