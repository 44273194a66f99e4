/* SPDX-License-Identifier: MIT */
/* Hosts and their workers, and what was found there last. */
#include "db/fixture_store.h"

#include "store/host.h"
#include "store/reconcile_last.h"
#include "store/worker.h"

static struct fixture *const f = &store_fixture;

static void
host__seen_again__is_one_row(void **state)
{
	struct host h = { .host = S("one.example"),
		.pepper_id = 1,
		.pepper_check = { 1 },
		.seal_check = { 2 } };
	struct host *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	h.pepper_id = 2;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	assert_db_ok(f, store_host_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].pepper_id, 2);
	assert_int_equal(rows[0].seal_check[0], 2);
}

static void
host__with_a_backlog__says_since_when(void **state)
{
	struct host h = { .host = S("late.example"),
		.n_unflushed = 3,
		.unflushed_since_ms = INT64_C(1795305600000),
		.n_unreadable = 1 };
	struct host *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	assert_db_ok(f, store_host_list(f->db, &f->a, &rows, &n, &f->e));
	assert_true(n >= 1 && str_eq(rows[0].host, h.host)); /* by name */
	assert_int_equal(rows[0].n_unflushed, 3);
	assert_int_equal(rows[0].unflushed_since_ms, h.unflushed_since_ms);
	assert_int_equal(rows[0].n_unreadable, 1);
	h.n_unflushed = -1;
	h.unflushed_since_ms = 0;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	assert_db_ok(f, store_host_list(f->db, &f->a, &rows, &n, &f->e));
	assert_true(n >= 1 && str_eq(rows[0].host, h.host));
	assert_int_equal(rows[0].n_unflushed, -1);
	assert_int_equal(rows[0].unflushed_since_ms, 0);
}

static void
worker__while_it_runs__has_a_row(void **state)
{
	struct worker w = { .series = { 1, 2 },
		.host = S("one.example"),
		.pid = 77,
		.version = S("1.2"),
		.started_at_ms = INT64_C(1795305600000) };
	struct worker *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_worker_seen(f->db, &w, &f->e));
	assert_db_ok(f, store_worker_seen(f->db, &w, &f->e));
	assert_db_ok(f, store_worker_forget(f->db, 3600, &f->e));
	assert_db_ok(f, store_worker_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].pid, 77);
	assert_int_equal(rows[0].started_at_ms, w.started_at_ms);
	assert_db_ok(f, store_worker_leave(f->db, w.series, &f->e));
	assert_db_ok(f, store_worker_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
}

static void
reconcile_last__again__is_the_last(void **state)
{
	struct reconcile_last r = { .host = S("one.example"),
		.started_at_ms = INT64_C(1795305600000),
		.finished_at_ms = INT64_C(1795305601000),
		.n_differences = 2,
		.usage_rows = 10 };
	struct reconcile_last *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_reconcile_last_set(f->db, &r, &f->e));
	r.is_clean = true;
	r.n_differences = 0;
	r.finished_at_ms++;
	assert_db_ok(f, store_reconcile_last_set(f->db, &r, &f->e));
	assert_db_ok(f,
	    store_reconcile_last_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_true(rows[0].is_clean);
	assert_int_equal(rows[0].n_differences, 0);
	assert_int_equal(rows[0].usage_rows, 10);
	assert_int_equal(rows[0].finished_at_ms, r.finished_at_ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(host__seen_again__is_one_row),
		STORE_TEST(host__with_a_backlog__says_since_when),
		STORE_TEST(worker__while_it_runs__has_a_row),
		STORE_TEST(reconcile_last__again__is_the_last),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
