/* SPDX-License-Identifier: MIT */
/* Long lists by time: the audit log, notices, closed months. A page reads what
 * it shows or stops after so many rows; pages neither lose nor repeat a row.
 * CHECKLIST S22, S31. */
#include "db/fixture_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/audit.h"
#include "store/closing.h"
#include "store/db_priv.h"
#include "store/notice.h"

#define PAGE     20
#define N_AUDIT  (2 * AUDIT_SEARCH_MAX + 10000)
#define N_NOTICE (2 * NOTICE_SEARCH_MAX + 10000)
#define AT_ONCE  10000 /* rows of one statement */
#define N_CLOSED 3000
#define FIRST_MS INT64_C(1767225600000) /* 2026-01-01, of the first rows */
#define STEP_MS  60000

static struct fixture *const f = &store_fixture;
static struct db *root;
static uint64_t customer_id, other_id;

/* Three rows a minute, whose ids don't rise with their time quite: neighbours
 * are swapped. The oldest alone is odd. */
#define ROW_MADE_AT \
 "'2026-01-01' + INTERVAL ((seq ^ 1) DIV 3) MINUTE + INTERVAL 7 MICROSECOND"

static void
fill_audit(unsigned from, unsigned to)
{
	char text[900];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO audit_log (actor, customer_id, action, object, "
	    "object_id, is_success, detail, created_at) SELECT IF(seq = 1, "
	    "'user', 'system'), IF(seq %% 10 = 0, %llu, %llu), IF(seq = 1, "
	    "'seldom', 'often'), IF(seq = 1, 'odd', 'thing'), IF(seq %% 1000 "
	    "= 1, 7, 1), seq > 1, '{}', " ROW_MADE_AT " FROM seq_%u_to_%u",
	    (unsigned long long)other_id, (unsigned long long)customer_id, from,
	    to);
	fixture_sql(root, text);
}

static void
fill_notices(unsigned from, unsigned to)
{
	char text[900];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO notices (notice_id, uid, customer_id, kind, cause, "
	    "payload, is_routed, created_at) SELECT seq, UNHEX(MD5(seq)), "
	    "IF(seq %% 10 = 0, %llu, %llu), IF(seq = 1, 'seldom', 'often'), "
	    "seq, '{}', 1, " ROW_MADE_AT " FROM seq_%u_to_%u",
	    (unsigned long long)other_id, (unsigned long long)customer_id, from,
	    to);
	fixture_sql(root, text);
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO notice_deliveries (notice_id, channel, state, "
	    "next_attempt_at) SELECT notice_id, 'email', IF(notice_id = 1, "
	    "'dead', 'sent'), created_at FROM notices WHERE notice_id BETWEEN "
	    "%u AND %u",
	    from, to);
	fixture_sql(root, text);
}

/* Of one month, in all that follows it in the key. */
static void
fill_closings(void)
{
	char text[2000];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO usage_closings SELECT '2026-01-01', c.customer_id, "
	    "seq DIV 900, seq DIV 600, seq DIV 60 %% 10, seq DIV 20 %% 3, "
	    "seq DIV 10 %% 2, seq DIV 5 %% 2, 0, 1 + seq %% 5, seq, %s NOW(6), "
	    "NOW(6) FROM seq_1_to_%d JOIN customers c",
	    "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	    "0, 0,",
	    N_CLOSED);
	fixture_sql(root, text);
}

static int
setup(void **state)
{
	if (fixture_setup(state) != 0 || store_setup(state) != 0)
		return -1;
	root = fixture_connect(FIXTURE_ROOT);
	fixture_sql(root, "USE tollgate");
	customer_id = fixture_customer(f, 1);
	other_id = fixture_customer(f, 2);
	fixture_sql(root, "DELETE FROM audit_log");
	for (unsigned i = 1; i < N_AUDIT; i += AT_ONCE)
		fill_audit(i, i + AT_ONCE - 1);
	for (unsigned i = 1; i < N_NOTICE; i += AT_ONCE)
		fill_notices(i, i + AT_ONCE - 1);
	fill_closings();
	fixture_sql(root, "ANALYZE TABLE audit_log, notices, "
			  "notice_deliveries, usage_closings");
	mysql_free_result(mysql_store_result(&root->my));
	return store_teardown(state);
}

static int
teardown(void **state)
{
	(void)state;
	db_free(root);
	return 0;
}

static uint64_t
handler_reads(void)
{
	return fixture_number(f->db,
	    "SELECT SUM(variable_value) FROM information_schema.session_status "
	    "WHERE variable_name LIKE 'Handler_read%'");
}

/* What counting costs itself. */
static uint64_t
own_reads(void)
{
	uint64_t before = handler_reads();

	return handler_reads() - before;
}

static struct audit_filter
any(void)
{
	return (struct audit_filter){ .is_success = -1 };
}

struct page_cost {
	size_t n;
	uint64_t reads;
	struct newest_end end;
};

static struct page_cost
audit_page(uint64_t tenant, const struct audit_filter *filter, uint64_t before)
{
	struct arena_mark mark = arena_mark(&f->a);
	uint64_t own = own_reads(), start = handler_reads();
	struct page_cost c;
	struct audit *rows;

	assert_db_ok(f,
	    store_audit_page(f->db, tenant, filter, before, PAGE,
		AUDIT_SEARCH_MAX, &f->a, &rows, &c.n, &c.end, &f->e));
	c.reads = handler_reads() - start - own;
	arena_rewind(&f->a, mark);
	return c;
}

static struct page_cost
notice_page(const struct notice_filter *filter, uint64_t before)
{
	struct arena_mark mark = arena_mark(&f->a);
	uint64_t own = own_reads(), start = handler_reads();
	struct page_cost c;
	struct notice_view *rows;

	assert_db_ok(f, store_notice_page(f->db, filter, before, PAGE, &f->a,
			    &rows, &c.n, &c.end, &f->e));
	c.reads = handler_reads() - start - own;
	arena_rewind(&f->a, mark);
	return c;
}

static void
assert_reads(size_t i, const struct page_cost *c, uint64_t max)
{
	if (c->reads > max)
		print_message("# case %zu: %llu reads for %zu rows\n", i,
		    (unsigned long long)c->reads, c->n);
	assert_in_range(c->reads, 0, max);
}

/* The cursor's own row, and a few where ranges begin. */
#define FEW 20

static void
audit__one_thing_asked_for__reads_what_it_shows(void **state)
{
	const int64_t old_ms = FIRST_MS + 1000 * STEP_MS;
	struct audit_filter cases[] = { any(), any(), any(), any(), any(),
		any() };

	(void)state;
	cases[1].customer_id = customer_id;
	cases[2].action = S("often");
	cases[3].object = S("thing");
	cases[3].object_id = 7;
	/* However old. */
	cases[4].to_ms = old_ms;
	cases[5].customer_id = other_id;
	cases[5].from_ms = old_ms;
	cases[5].to_ms = old_ms + 1000 * STEP_MS;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct page_cost c = audit_page(0, &cases[i], 0);

		assert_int_equal(c.n, PAGE);
		assert_reads(i, &c, PAGE + FEW);
		c = audit_page(0, &cases[i], c.end.next_id);
		assert_int_equal(c.n, PAGE);
		assert_reads(i, &c, PAGE + FEW);
	}
}

/* An hour long ago: no page of it goes beyond, whatever else is asked for. */
static void
audit__others_asked_for_within_a_time__reads_that_time(void **state)
{
	struct audit_filter cases[] = { any(), any(), any(), any() };

	(void)state;
	cases[0].actor = S("user");
	cases[1].is_success = 0;
	cases[2].object = S("odd");
	cases[3].object_id = 9;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (uint64_t tenant = 0; tenant <= customer_id;
		     tenant += customer_id) {
			struct page_cost c;

			cases[i].from_ms = FIRST_MS;
			cases[i].to_ms = FIRST_MS + 60 * STEP_MS;
			c = audit_page(tenant, &cases[i], 0);
			assert_int_equal(c.n, i < 3);
			assert_int_equal(c.end.next_id, 0);
			/* Once to see where to stop, once as rows. */
			assert_reads(i, &c, 2 * 3 * 60 + FEW);
		}
}

static void
audit__one_row_among_many__is_found_in_bounded_steps(void **state)
{
	struct audit_filter cases[] = { any(), any(), any(), any(), any(),
		any() };

	(void)state;
	cases[0].actor = S("user");
	cases[1].is_success = 0;
	cases[2].object = S("odd");
	cases[3].action = S("seldom");
	cases[3].customer_id = customer_id;
	cases[4].action = S("seldom");
	cases[4].actor = S("user");
	cases[5].actor = S("anonymous"); /* of which there is none */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (uint64_t tenant = 0; tenant <= customer_id;
		     tenant += customer_id) {
			struct page_cost c = { .n = 0 };
			size_t n = 0, n_pages = 0;

			do {
				c = audit_page(tenant, &cases[i],
				    c.end.next_id);
				assert_reads(i, &c,
				    2 * AUDIT_SEARCH_MAX + PAGE + FEW);
				n += c.n;
				n_pages++;
				assert_int_equal(c.end.cut_ms != 0,
				    c.end.next_id != 0);
			} while (c.end.next_id);
			assert_int_equal(n, i < 5);
			assert_in_range(n_pages, i == 4 && !tenant ? 1 : 2,
			    N_AUDIT / AUDIT_SEARCH_MAX + 1);
		}
}

static void
audit__pages_of_any_size__are_all_rows_once_by_time(void **state)
{
	static const uint64_t limits[] = { 1, 2, 3, 7, 500 };
	struct audit_filter filter = any();

	(void)state;
	filter.from_ms = FIRST_MS + 20 * STEP_MS;
	filter.to_ms = FIRST_MS + 120 * STEP_MS;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct newest_end end = { 0, 0 };
		int64_t last_ms = INT64_MAX;
		uint64_t last_id = 0, n_all = 0;
		size_t n;

		do {
			struct arena_mark mark = arena_mark(&f->a);
			struct audit *rows;

			assert_db_ok(f,
			    store_audit_page(f->db, 0, &filter, end.next_id,
				limits[i], 100, &f->a, &rows, &n, &end, &f->e));
			for (size_t k = 0; k < n; k++) {
				int64_t ms = rows[k].created_at_ms;

				assert_in_range(ms, filter.from_ms,
				    filter.to_ms - 1);
				assert_true(ms < last_ms ||
					    (ms == last_ms &&
						rows[k].audit_id < last_id));
				last_ms = ms;
				last_id = rows[k].audit_id;
			}
			n_all += n;
			arena_rewind(&f->a, mark);
		} while (end.next_id);
		assert_int_equal(n_all, 300);
	}
}

static void
audit__a_tenants__is_its_own_without_what_is_the_operators(void **state)
{
	struct audit a = { .actor = AUDIT_OPERATOR_KEY,
		.action = S("page.test"),
		.object = S("thing"),
		.is_success = true,
		.detail = S("{\"a\":1,\"operator\":{\"b\":2}}") };
	struct audit_filter filter = any();
	struct newest_end end;
	struct audit *rows;
	size_t n;

	(void)state;
	filter.action = a.action;
	for (unsigned i = 0; i < 6; i++) {
		a.customer_id = i % 2 ? customer_id : other_id;
		a.object_id = i + 1;
		assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	}
	assert_db_ok(f, store_audit_page(f->db, customer_id, &filter, 0, 2, 0,
			    &f->a, &rows, &n, &end, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].object_id, 6);
	assert_int_equal(rows[1].object_id, 4);
	assert_true(str_eq(rows[1].detail, S("{\"a\": 1}")));
	assert_int_equal(end.next_id, rows[1].audit_id);
	assert_db_ok(f, store_audit_page(f->db, customer_id, &filter,
			    end.next_id, 2, 0, &f->a, &rows, &n, &end, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].object_id, 2);
	assert_int_equal(end.next_id, 0);
	/* By the thing, too. */
	filter.object = a.object;
	filter.object_id = 5; /* the other's */
	assert_db_ok(f, store_audit_page(f->db, customer_id, &filter, 0, 9, 0,
			    &f->a, &rows, &n, &end, &f->e));
	assert_int_equal(n, 0);
	filter = any();
	filter.customer_id = other_id;
	assert_db_ok(f, store_audit_page(f->db, customer_id, &filter, 0, 9, 50,
			    &f->a, &rows, &n, &end, &f->e));
	assert_int_equal(n, 0);
}

static void
notices__by_customer_or_time__reads_what_it_shows(void **state)
{
	const int64_t old_ms = FIRST_MS + 1000 * STEP_MS;
	const struct notice_filter cases[] = { { 0 },
		{ .customer_id = customer_id }, { .to_ms = old_ms },
		{ .customer_id = other_id, .to_ms = old_ms },
		{ .from_ms = old_ms, .to_ms = old_ms + 100 * STEP_MS } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct page_cost c = notice_page(&cases[i], 0);

		/* Itself, and whether it has a delivery of either kind. */
		assert_int_equal(c.n, PAGE);
		assert_reads(i, &c, 3 * PAGE + FEW);
		c = notice_page(&cases[i], c.end.next_id);
		assert_int_equal(c.n, PAGE);
		assert_reads(i, &c, 3 * PAGE + FEW);
	}
}

static void
notices__one_among_many__is_found_in_bounded_steps(void **state)
{
	const struct notice_filter cases[] = { { .kind = S("seldom") },
		{ .state = S("dead") },
		{ .customer_id = customer_id, .kind = S("seldom") },
		{ .customer_id = customer_id, .state = S("dead") },
		{ .state = S("pending") } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct page_cost c = { .n = 0 };
		size_t n = 0, n_pages = 0;

		do {
			c = notice_page(&cases[i], c.end.next_id);
			assert_reads(i, &c, 4 * NOTICE_SEARCH_MAX + FEW);
			n += c.n;
			n_pages++;
		} while (c.end.next_id);
		assert_int_equal(n, i < 4);
		assert_in_range(n_pages, 2, N_NOTICE / NOTICE_SEARCH_MAX + 1);
	}
}

/* What a page ended with may be let go of before the next is asked for; what is
 * behind it is older, so that goes, too. */
static void
notices__cursors_row_is_gone__is_the_end(void **state)
{
	const struct notice_filter all = { 0 };
	struct page_cost c = notice_page(&all, 0), behind;
	char text[80];

	(void)state;
	behind = notice_page(&all, c.end.next_id);
	assert_int_equal(behind.n, PAGE);
	(void)snprintf(text, sizeof(text),
	    "DELETE FROM notices WHERE notice_id = %llu",
	    (unsigned long long)c.end.next_id);
	fixture_sql(root, text);
	behind = notice_page(&all, c.end.next_id);
	assert_int_equal(behind.n, 0);
	assert_int_equal(behind.end.next_id, 0);
}

static void
closings__page_by_page__each_reads_what_it_shows(void **state)
{
	struct closing last;
	uint64_t n_all = 0, sum = 0;
	size_t n = PAGE;

	(void)state;
	while (n == PAGE) {
		struct arena_mark mark = arena_mark(&f->a);
		uint64_t own = own_reads(), before = handler_reads();
		struct page_cost c = { .n = 0 };
		struct closing *rows;

		assert_db_ok(f,
		    store_closing_page(f->db, customer_id, n_all ? &last : NULL,
			PAGE, &f->a, &rows, &n, &f->e));
		c.reads = handler_reads() - before - own;
		c.n = n;
		assert_reads((size_t)n_all, &c, PAGE + FEW);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(rows[i].customer_id, customer_id);
			sum += rows[i].requests;
		}
		if (n)
			last = rows[n - 1];
		n_all += n;
		arena_rewind(&f->a, mark);
	}
	assert_int_equal(n_all, N_CLOSED);
	/* Each has a number of its own. */
	assert_int_equal(sum, (uint64_t)N_CLOSED * (N_CLOSED + 1) / 2);
}

/* A cursor can be made by whoever knows how. S8. */
static void
lists__behind_another_tenants_row__are_at_their_end(void **state)
{
	const struct notice_filter notices = { .customer_id = customer_id };
	const struct audit_filter audit = { 0 };
	struct page_cost c;
	char query[200];

	(void)state;
	for (int is_own = 0; is_own <= 1; is_own++) {
		(void)snprintf(query, sizeof(query),
		    "SELECT MAX(audit_id) FROM audit_log WHERE customer_id = "
		    "%llu",
		    (unsigned long long)(is_own ? customer_id : other_id));
		c = audit_page(customer_id, &audit,
		    fixture_number(root, query));
		/* Of its own so many are hidden that a page has none. */
		assert_int_equal(c.n, 0);
		assert_int_equal(c.end.next_id != 0, is_own);
		(void)snprintf(query, sizeof(query),
		    "SELECT MAX(notice_id) FROM notices WHERE customer_id = "
		    "%llu",
		    (unsigned long long)(is_own ? customer_id : other_id));
		c = notice_page(&notices, fixture_number(root, query));
		assert_int_equal(c.n, is_own ? PAGE : 0);
		assert_int_equal(c.end.next_id != 0, is_own);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(audit__one_thing_asked_for__reads_what_it_shows),
		STORE_TEST(
		    audit__others_asked_for_within_a_time__reads_that_time),
		STORE_TEST(
		    audit__one_row_among_many__is_found_in_bounded_steps),
		STORE_TEST(audit__pages_of_any_size__are_all_rows_once_by_time),
		STORE_TEST(
		    audit__a_tenants__is_its_own_without_what_is_the_operators),
		STORE_TEST(notices__by_customer_or_time__reads_what_it_shows),
		STORE_TEST(notices__one_among_many__is_found_in_bounded_steps),
		STORE_TEST(notices__cursors_row_is_gone__is_the_end),
		STORE_TEST(lists__behind_another_tenants_row__are_at_their_end),
		STORE_TEST(closings__page_by_page__each_reads_what_it_shows),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, teardown);
}
