/* SPDX-License-Identifier: MIT */
/* Summaries of usage against the rows, however their time is put together;
 * how few rows of the rollups they read; what the migration made of old ones.
 * CHECKLIST B38, B39. */
#include "db/fixture_db.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "domain/usage_report.h"
#include "store/db_priv.h"
#include "store/reconcile.h"
#include "store/refusal.h"
#include "store/rollup.h"
#include "store/usage.h"

#define N_ROWS      6000
#define FIRST_MONTH INT64_C(1793491200000) /* 2026-11-01 */
#define STEP_MS     INT64_C(2500000)       /* of every third row */
#define LAST        (FIRST_MONTH + N_ROWS / 3 * STEP_MS) /* Dec 28 */
#define NEVER       (INT64_MAX / 2)

static struct db *root;

/* Rows over two months, in groups of the same millisecond. */
static void
fill(void)
{
	static struct usage_row rows[N_ROWS];
	struct fixture f;

	fixture_init(&f, FIXTURE_APP);
	for (unsigned i = 0; i < N_ROWS; i++) {
		struct usage_row *r = &rows[i];

		*r = fixture_usage(1 + i % 2, 1 + i % 19, 1 + i % 7);
		r->request_timestamp_ms = FIRST_MONTH + i / 3 * STEP_MS;
		r->request_id = uuid7_new(r->request_timestamp_ms);
		r->user_id = 1 + i % 17;
		r->project_id = i % 5;
		r->agent_id = i % 23;
		r->connector_id = i % 29;
		r->status = (enum usage_status)(i % USAGE_STATUS__MAX);
		r->latency_ms = i * 7919 % 30011;
		r->tok[TOK_NORMAL][TOK_IN] = i;
		r->cost_pusd = 1 + i * INT64_C(1234567);
		if (i % 11 == 0)
			r->cost_pusd = r->provider_cost_pusd = DB_MONEY_NULL;
	}
	(void)fixture_customer(&f, 1);
	(void)fixture_customer(&f, 2);
	assert_db_ok(&f, store_usage_insert(f.db, rows, N_ROWS, &f.e));
	assert_db_ok(&f, store_rollup_usage(f.db, rows, N_ROWS, &f.a, &f.e));
	fixture_fini(&f);
}

static int
setup(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	root = fixture_connect(FIXTURE_ROOT);
	fixture_sql(root, "USE tollgate");
	fill();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	db_free(root);
	return 0;
}

/* An aggregate over the rows that f means; times are at full hours. */
static uint64_t
of_rows(const char *aggregate, const struct usage_filter *f)
{
	char query[600];

	(void)snprintf(query, sizeof(query),
	    "SELECT %s FROM usage_records WHERE request_timestamp >= "
	    "'1970-01-01' + INTERVAL %lld SECOND AND request_timestamp < "
	    "'1970-01-01' + INTERVAL %lld SECOND AND (%llu = 0 OR customer_id "
	    "= %llu) AND (%llu = 0 OR api_key_id = %llu) AND (%llu = 0 OR "
	    "agent_id = %llu) AND (%llu = 0 OR model_id = %llu)",
	    aggregate, (long long)(f->from_ms / 1000),
	    (long long)(f->to_ms / 1000), (unsigned long long)f->customer_id,
	    (unsigned long long)f->customer_id,
	    (unsigned long long)f->api_key_id,
	    (unsigned long long)f->api_key_id, (unsigned long long)f->agent_id,
	    (unsigned long long)f->agent_id, (unsigned long long)f->model_id,
	    (unsigned long long)f->model_id);
	return fixture_number(root, query);
}

static void
assert_is_sum_of_rows(const struct usage_group *g, const struct usage_filter *f)
{
	assert_int_equal(g->sums.requests, of_rows("COUNT(*)", f));
	assert_int_equal(g->failed_requests,
	    of_rows("COALESCE(SUM(request_status NOT IN ('ok', "
		    "'client_closed')), 0)",
		f));
	assert_int_equal(g->sums.tok[TOK_NORMAL][TOK_IN],
	    of_rows("COALESCE(SUM(token_in_count), 0)", f));
	assert_int_equal(g->sums.cost_pusd,
	    of_rows("CAST(COALESCE(SUM(cost_in_usd), 0) * 1000000000000 AS "
		    "UNSIGNED)",
		f));
	assert_int_equal(g->sums.unpriced_requests,
	    of_rows("COALESCE(SUM(cost_in_usd IS NULL), 0)", f));
	assert_int_equal(histogram_total(&g->sums.latency), g->sums.requests);
	assert_int_equal(g->sums.latency.n[20],
	    of_rows("COALESCE(SUM("
		    "latency_ms > 2200 AND latency_ms <= 3300), 0)",
		f));
}

static void
assert_report(struct fixture *x, const enum usage_dimension by[USAGE_BY_MAX],
    const struct usage_filter *f, int64_t now_ms)
{
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_report r;
	uint64_t n = 0;

	assert_db_ok(x, usage_report(x->db, by, f, now_ms, &x->a, &r, &x->e));
	for (size_t i = 0; i < r.n; i++) {
		assert_int_not_equal(r.groups[i].sums.requests, 0);
		assert_in_range(r.groups[i].sums.requests, 1, N_ROWS);
		n += r.groups[i].sums.requests;
	}
	assert_int_equal(n, r.total.sums.requests);
	assert_is_sum_of_rows(&r.total, f);
	arena_rewind(&x->a, mark);
}

/* Whatever the dimensions and however the time is cut into months, days and
 * hours, or made of more with some taken away. */
static void
usage_report__each_dimension_and_time__adds_up_to_the_rows(void **state)
{
	static const int64_t times[][2] = { { 0, 40 * DAY_MS },
		{ 5 * HOUR_MS, 3 * DAY_MS + 7 * HOUR_MS },
		{ DAY_MS, 2 * DAY_MS }, { 25 * HOUR_MS, 30 * HOUR_MS },
		{ 23 * HOUR_MS, 49 * HOUR_MS }, { 0, 61 * DAY_MS },
		{ 2 * DAY_MS, 29 * DAY_MS },
		{ DAY_MS + 5 * HOUR_MS, 29 * DAY_MS + 20 * HOUR_MS },
		{ -40 * DAY_MS, 58 * DAY_MS }, { 18 * DAY_MS, 47 * DAY_MS } };
	static const enum usage_dimension second[] = { USAGE_BY_NOTHING,
		USAGE_BY_DAY, USAGE_BY_MODEL };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (int d = 0; d < USAGE_BY__N; d++)
		for (size_t i = 0; i < ARRAY_LEN(times); i++) {
			/* Each customer and second dimension at some time. */
			size_t k = (size_t)d + i;
			enum usage_dimension by[USAGE_BY_MAX] = {
				(enum usage_dimension)d, second[k % 3]
			};
			struct usage_filter f = { .customer_id = k / 3 % 3,
				.from_ms = FIRST_MONTH + times[i][0],
				.to_ms = FIRST_MONTH + times[i][1] };

			if (by[1] == by[0])
				by[1] = USAGE_BY_NOTHING;
			assert_report(&x, by, &f, k % 2 ? LAST : NEVER);
		}
	fixture_fini(&x);
}

/* From the beginning to the end of time, in whichever sums. */
static void
usage_report__all_there_is__is_not_nothing(void **state)
{
	static const enum usage_dimension by[][USAGE_BY_MAX] = {
		{ USAGE_BY_NOTHING, USAGE_BY_NOTHING },
		{ USAGE_BY_MONTH, USAGE_BY_KEY },
		{ USAGE_BY_DAY, USAGE_BY_NOTHING },
	};
	const struct usage_filter f = { .from_ms = 1,
		.to_ms = INT64_C(253402300799999) };
	struct usage_report r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(by); i++) {
		assert_db_ok(&x,
		    usage_report(x.db, by[i], &f, NEVER, &x.a, &r, &x.e));
		assert_int_equal(r.total.sums.requests, N_ROWS);
	}
	fixture_fini(&x);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

static void
usage_report__random_filters__add_up_to_the_rows(void **state)
{
	uint64_t seed = 38;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (unsigned i = 0; i < 100; i++) {
		enum usage_dimension by[USAGE_BY_MAX] = { (
		    enum usage_dimension)(next_random(&seed) % USAGE_BY__N) };
		uint64_t hours = next_random(&seed) % 1400;
		struct usage_filter f = {
			.customer_id = next_random(&seed) % 3,
			.api_key_id = i % 3 ? 0 : next_random(&seed) % 20,
			.agent_id = i % 4 ? 0 : next_random(&seed) % 23,
			.model_id = i % 5 ? 0 : next_random(&seed) % 8,
			.from_ms = FIRST_MONTH + (int64_t)hours * HOUR_MS,
		};

		f.to_ms = f.from_ms + HOUR_MS +
			  (int64_t)(next_random(&seed) % 1400) * HOUR_MS;
		assert_report(&x, by, &f, LAST);
	}
	fixture_fini(&x);
}

static uint64_t
rows_read(struct db *db)
{
	return fixture_number(db,
	    "SELECT SUM(variable_value) FROM information_schema.session_status "
	    "WHERE variable_name IN ('Handler_read_first', "
	    "'Handler_read_key', 'Handler_read_next', 'Handler_read_rnd_next')");
}

/* What it costs is what it reads: a month less a day, not 29 days. */
static void
usage_report__a_month_but_a_day__reads_the_month_and_the_day(void **state)
{
	static const struct {
		enum usage_dimension by;
		uint64_t customer_id;
		const char *should;
	} cases[] = {
		{ USAGE_BY_KEY, 1,
		    "SELECT COUNT(*) FROM usage_callers WHERE customer_id = 1 "
		    "AND start = '2026-11-01'" },
		{ USAGE_BY_AGENT, 0,
		    "SELECT COUNT(*) FROM usage_callers WHERE "
		    "start = '2026-11-01'" },
		{ USAGE_BY_CUSTOMER, 0,
		    "SELECT COUNT(*) FROM usage_sums WHERE customer_id <> 0 "
		    "AND (period = 'month' AND start = '2026-11-01' OR period "
		    "= 'day' AND start = '2026-11-01')" },
		{ USAGE_BY_MODEL, 0,
		    "SELECT COUNT(*) FROM usage_totals WHERE customer_id = 0 "
		    "AND (period = 'month' AND start = '2026-11-01' OR period "
		    "= 'day' AND start = '2026-11-01')" },
		{ USAGE_BY_DAY, 1,
		    "SELECT COUNT(*) FROM usage_sums WHERE customer_id = 1 "
		    "AND period = 'day' AND start BETWEEN '2026-11-02' AND "
		    "'2026-11-30'" },
		{ USAGE_BY_HOUR, 2,
		    "SELECT COUNT(*) FROM usage_sums WHERE customer_id = 2 "
		    "AND period = 'hour' AND start BETWEEN '2026-11-02' AND "
		    "'2026-11-30 23:00:00'" },
	};
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum usage_dimension by[USAGE_BY_MAX] = { cases[i].by };
		struct usage_filter f = { .customer_id = cases[i].customer_id,
			.from_ms = FIRST_MONTH + DAY_MS,
			.to_ms = FIRST_MONTH + 30 * DAY_MS };
		uint64_t n = fixture_number(root, cases[i].should), before;
		uint64_t own = rows_read(x.db), most;
		struct usage_report r;

		before = rows_read(x.db);
		own = before - own; /* what looking costs */
		assert_db_ok(&x,
		    usage_report(x.db, by, &f, NEVER, &x.a, &r, &x.e));
		/* Grouping looks each row's group up once. */
		most = before + own + 2 * n + 2 * r.n + 40;
		assert_in_range(rows_read(x.db), before, most);
		assert_is_sum_of_rows(&r.total, &f);
	}
	fixture_fini(&x);
}

/* The statement of all of November, with customer 1 and the period where it has
 * them. */
static void
explain(enum stmt id, bool is_of_one, char *ret, size_t ret_bytes)
{
	static const char *const values[] = { "1", "0", "1", "'month'",
		"'2026-11-01'", "'2026-12-01'" };
	bool has_period = id == STMT_SUMMARY_CALLERS ||
			  id == STMT_SUMMARY_CALLERS_OF ||
			  id == STMT_SUMMARY_ALL || id == STMT_SUMMARY_ALL_OF;
	char *text = stmt_text(id, 1);
	size_t n = 0;
	struct buf b;

	buf_init_fixed(&b, ret, ret_bytes - 1);
	buf_add(&b, S("EXPLAIN "));
	for (const char *p = text; *p; p++) {
		if (*p != '?') {
			buf_add_char(&b, *p);
			continue;
		}
		n += n == 2 && !is_of_one;
		n += n == 3 && !has_period;
		if (n < ARRAY_LEN(values))
			buf_add(&b, str_from(values[n]));
		else
			buf_add(&b, p[1] ? S("NULL") : S("5001"));
		n++;
	}
	assert_int_equal(b.sticky, OK);
	ret[b.n] = '\0';
	free(text);
}

/* Everybody's time is one piece of the table; a customer's rows are found by
 * the customer, however many others there are. */
static void
usage_report__everybodys_and_one_customers__lead_by_time_and_customer(
    void **state)
{
	static const struct {
		enum stmt id;
		bool is_of_one;
		const char *index;
		uint64_t key_bytes; /* by which it is entered */
	} cases[] = {
		{ STMT_SUMMARY_DAYS, false, "PRIMARY", 3 },
		{ STMT_SUMMARY_DAYS_OF, true, "daily_customer", 7 },
		{ STMT_SUMMARY_MONTHS, false, "PRIMARY", 3 },
		{ STMT_SUMMARY_MONTHS_OF, true, "monthly_customer", 7 },
		{ STMT_SUMMARY_ALL, false, "sums_time", 6 },
		{ STMT_SUMMARY_ALL_OF, true, "PRIMARY", 10 },
		{ STMT_SUMMARY_CALLERS, false, "PRIMARY", 4 },
		{ STMT_SUMMARY_CALLERS_OF, true, "callers_customer", 8 },
		{ STMT_SUMMARY_HOURS, false, "usage_hour", 5 },
		{ STMT_SUMMARY_HOURS_OF, true, "PRIMARY", 9 },
	};
	static char query[65536];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		MYSQL_RES *res;
		MYSQL_ROW row;

		explain(cases[i].id, cases[i].is_of_one, query, sizeof(query));
		fixture_sql(root, query);
		res = mysql_store_result(&root->my);
		row = mysql_fetch_row(res);
		assert_string_equal(mysql_fetch_field_direct(res, 5)->name,
		    "key");
		assert_string_equal(row[5], cases[i].index);
		assert_int_equal(strtoull(row[6], NULL, 10),
		    cases[i].key_bytes);
		mysql_free_result(res);
	}
}

#define REFUSED_MS (FIRST_MONTH - 20 * DAY_MS) /* the first of them */

/* Refusals by 20 keys of each of two customers, for 2 models and 2 reasons,
 * every 37 hours. */
static void
fill_refusals(struct fixture *x)
{
	enum {
		AT_ONCE = 160,
		N = 40 * AT_ONCE
	};
	static struct usage_refusal rows[N];

	for (unsigned i = 0; i < N; i++)
		rows[i] = (struct usage_refusal){ .customer_id = 1 + i % 2,
			.hour_ms = REFUSED_MS +
				   (int64_t)(i / AT_ONCE) * 37 * HOUR_MS,
			.api_key_id = 1 + i / 2 % 20,
			.model_id = 1 + i / 40 % 2,
			.reason = i / 80 % 2 ? S("rate_limit_exceeded")
					     : S("model_not_allowed"),
			.refusals = 1 + i % 7 };
	qsort(rows, N, sizeof(rows[0]), usage_refusal_compare);
	/* A later batch adds to what is there. */
	for (int i = 0; i < 2; i++)
		assert_db_ok(x,
		    store_refusal_add(x->db, rows, N, &x->a, &x->e));
}

static void
assert_refusals(struct fixture *x, enum usage_dimension by0,
    enum usage_dimension by1, const struct usage_filter *f)
{
	const enum usage_dimension by[USAGE_BY_MAX] = { by0, by1 };
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_report r;
	char query[600];
	uint64_t n = 0;

	(void)snprintf(query, sizeof(query),
	    "SELECT COALESCE(SUM(refusals), 0) FROM usage_refusals WHERE "
	    "hour >= '1970-01-01' + INTERVAL %lld SECOND AND hour < "
	    "'1970-01-01' + INTERVAL %lld SECOND AND (%llu = 0 OR customer_id "
	    "= %llu) AND (%llu = 0 OR api_key_id = %llu) AND (%llu = 0 OR "
	    "model_id = %llu)",
	    (long long)(f->from_ms / 1000), (long long)(f->to_ms / 1000),
	    (unsigned long long)f->customer_id,
	    (unsigned long long)f->customer_id,
	    (unsigned long long)f->api_key_id,
	    (unsigned long long)f->api_key_id, (unsigned long long)f->model_id,
	    (unsigned long long)f->model_id);
	assert_db_ok(x, usage_report(x->db, by, f, LAST, &x->a, &r, &x->e));
	assert_true(r.has_refusals);
	for (size_t i = 0; i < r.n; i++)
		n += r.groups[i].refusals;
	assert_int_equal(n, r.total.refusals);
	assert_int_equal(n, fixture_number(root, query));
	arena_rewind(&x->a, mark);
}

static void
usage_report__refusals_by_anything__add_up_to_the_rows(void **state)
{
	static const enum usage_dimension by[][USAGE_BY_MAX] = {
		{ USAGE_BY_NOTHING }, { USAGE_BY_KEY }, { USAGE_BY_CUSTOMER },
		{ USAGE_BY_MODEL }, { USAGE_BY_HOUR },
		{ USAGE_BY_DAY, USAGE_BY_MODEL },
		{ USAGE_BY_MONTH, USAGE_BY_KEY },
		{ USAGE_BY_MONTH, USAGE_BY_CUSTOMER },
		{ USAGE_BY_KEY, USAGE_BY_MODEL }
	};
	static const int64_t times[][2] = { { -31 * DAY_MS, 61 * DAY_MS },
		{ DAY_MS, 29 * DAY_MS }, { 5 * HOUR_MS, 33 * DAY_MS + HOUR_MS },
		{ 37 * HOUR_MS, 38 * HOUR_MS } };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	fill_refusals(&x);
	for (size_t i = 0; i < ARRAY_LEN(by); i++)
		for (size_t k = 0; k < ARRAY_LEN(times) * 8; k++) {
			const struct usage_filter f = {
				.customer_id = k & 1,
				.api_key_id = k & 2 ? 3 : 0,
				.model_id = k & 4 ? 2 : 0,
				.from_ms = FIRST_MONTH + times[k / 8][0],
				.to_ms = FIRST_MONTH + times[k / 8][1],
			};

			assert_refusals(&x, by[i][0], by[i][1], &f);
		}
	fixture_fini(&x);
}

/* However many keys, models and reasons there were in each hour. */
static void
usage_report__refusals_of_a_month__are_read_from_its_sums(void **state)
{
	static const struct {
		enum usage_dimension by;
		uint64_t customer_id;
		const char *should;
	} cases[] = {
		{ USAGE_BY_MODEL, 1,
		    "usage_refusal_totals WHERE customer_id = 1" },
		{ USAGE_BY_MONTH, 0,
		    "usage_refusal_totals WHERE customer_id = 0" },
		{ USAGE_BY_CUSTOMER, 0,
		    "usage_refusal_totals WHERE customer_id <> 0" },
		{ USAGE_BY_KEY, 1, "usage_refusal_keys WHERE customer_id = 1" },
		{ USAGE_BY_KEY, 0, "usage_refusal_keys WHERE TRUE" },
	};
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const enum usage_dimension by[USAGE_BY_MAX] = { cases[i].by };
		/* October has no usage, so only refusals are read. */
		const struct usage_filter f = {
			.customer_id = cases[i].customer_id,
			.from_ms = rollup_start_ms(FIRST_MONTH - DAY_MS,
			    ROLLUP_MONTH),
			.to_ms = FIRST_MONTH,
		};
		uint64_t before, own, n;
		struct usage_report r;
		char query[300];

		(void)snprintf(query, sizeof(query),
		    "SELECT COUNT(*) FROM %s AND period = 'month' AND start = "
		    "'2026-10-01'",
		    cases[i].should);
		n = fixture_number(root, query);
		assert_int_not_equal(n, 0);
		own = rows_read(x.db);
		before = rows_read(x.db);
		own = before - own;
		assert_db_ok(&x,
		    usage_report(x.db, by, &f, NEVER, &x.a, &r, &x.e));
		assert_int_not_equal(r.n, 0);
		assert_in_range(rows_read(x.db), before,
		    before + own + 2 * n + 2 * r.n + 40);
	}
	fixture_fini(&x);
}

/* A number that any difference of the sums of refusals changes. */
static uint64_t
refusal_sums(void)
{
	return fixture_number(root,
	    "SELECT (SELECT SUM(CRC32(CONCAT_WS(',', customer_id, period, "
	    "start, model_id, reason, refusals))) FROM usage_refusal_totals) + "
	    "(SELECT SUM(CRC32(CONCAT_WS(',', customer_id, period, start, "
	    "api_key_id, refusals))) FROM usage_refusal_keys)");
}

/* The migration makes of usage_hourly what the flusher would have made. */
static void
migration__old_sums__become_all_rollups(void **state)
{
	struct reconcile_result r;
	uint64_t refused;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	refused = refusal_sums();
	fixture_sql(root, "DROP TABLE usage_monthly, usage_totals, "
			  "usage_refusal_totals, usage_refusal_keys");
	fixture_sql(root, "ALTER TABLE api_keys DROP KEY key_created");
	fixture_sql(root, "ALTER TABLE api_key_uses DROP KEY key_use_time");
	fixture_run_file(root, "sql/schema/0015_summaries.sql");
	fixture_run_file(root, "sql/schema/0019_time_first.sql");
	fixture_run_file(root, "sql/schema/0024_refusal_sums.sql");
	fixture_run_file(root, "sql/schema/0025_callers.sql");
	fixture_run_file(root, "sql/schema/0026_sums.sql");
	assert_int_equal(refusal_sums(), refused);
	assert_int_equal(fixture_number(root,
			     "SELECT SUM(requests) FROM usage_daily"),
	    N_ROWS);
	assert_int_equal(fixture_number(root,
			     "SELECT SUM(requests) FROM "
			     "usage_totals WHERE customer_id = 0 AND period = "
			     "'month'"),
	    N_ROWS);
	assert_db_ok(&x, store_reconcile(x.db, &x.a, &r, &x.e));
	for (size_t i = 0; i < r.n_diffs; i++)
		assert_int_not_equal(r.diffs[i].check <= RECONCILE_ALL, 1);
	fixture_fini(&x);
}

static void
usage_report__more_groups_than_allowed__names_group_by(void **state)
{
	static const enum usage_dimension by[] = { USAGE_BY_HOUR,
		USAGE_BY_AGENT };
	struct usage_filter f = { .from_ms = FIRST_MONTH,
		.to_ms = FIRST_MONTH + 70 * DAY_MS };
	struct usage_report r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	assert_int_equal(usage_report(x.db, by, &f, NEVER, &x.a, &r, &x.e),
	    ERR_BAD_PARAM);
	assert_string_equal(x.e.param, "group_by");
	fixture_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_report__all_there_is__is_not_nothing),
		cmocka_unit_test(
		    usage_report__each_dimension_and_time__adds_up_to_the_rows),
		cmocka_unit_test(
		    usage_report__random_filters__add_up_to_the_rows),
		cmocka_unit_test(
		    usage_report__a_month_but_a_day__reads_the_month_and_the_day),
		cmocka_unit_test(
		    usage_report__everybodys_and_one_customers__lead_by_time_and_customer),
		cmocka_unit_test(
		    usage_report__more_groups_than_allowed__names_group_by),
		cmocka_unit_test(
		    usage_report__refusals_by_anything__add_up_to_the_rows),
		cmocka_unit_test(
		    usage_report__refusals_of_a_month__are_read_from_its_sums),
		cmocka_unit_test(migration__old_sums__become_all_rollups),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, teardown);
}
