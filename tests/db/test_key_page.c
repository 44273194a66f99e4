/* SPDX-License-Identifier: MIT */
/* Lists of many keys: a page reads what it shows, whatever is asked for, and
 * pages neither lose nor repeat a key. CHECKLIST S22. */
#include "db/fixture_store.h"

#include <stdio.h>

#include "base/clock.h"
#include "store/db_priv.h"
#include "store/key.h"

#define N_KEYS     3000
#define PAGE       20
#define CREATED_MS INT64_C(1735689600000) /* 2025-01-01, the last of them */
/* A row of a page is one of each table, the ids of its models, and
 * the rows that are passed over on the way to it. */
#define READS_MAX  (PAGE * 12 + 40)

static struct fixture *const f = &store_fixture;
static struct db *root;
static uint64_t model_id;

/* The later a key was made, the lower its id; half was ever used. */
static int
setup(void **state)
{
	uint64_t customer_id;
	char text[1200];

	if (fixture_setup(state) != 0 || store_setup(state) != 0)
		return -1;
	root = fixture_connect(FIXTURE_ROOT);
	fixture_sql(root, "USE tollgate");
	customer_id = fixture_customer(f, 1);
	model_id = fixture_model(f, "paged");
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO api_keys (customer_id, user_id, public_id, "
	    "api_key_secret, pepper_id, name, scopes, all_models, is_active, "
	    "expires_at, revoked_at, created_at) SELECT %llu, u.user_id, "
	    "LPAD(CONV(seq * 1299709, 10, 36), 10, '0'), "
	    "UNHEX(SHA2(seq, 256)), 1, CONCAT('key-', seq), 'infer', 0, "
	    "seq %% 100 <> 0, IF(seq %% 50 = 1, '2024-01-01' + INTERVAL seq "
	    "SECOND, NULL), IF(seq %% 50 = 2, NOW(6), NULL), '2025-01-01' - "
	    "INTERVAL seq - 1 SECOND FROM seq_1_to_%d JOIN users u ON "
	    "u.customer_id = %llu",
	    (unsigned long long)customer_id, N_KEYS,
	    (unsigned long long)customer_id);
	fixture_sql(root, text);
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO api_key_models (api_key_id, model_id) SELECT "
	    "api_key_id, %llu FROM api_keys WHERE api_key_id %% 3 = 0",
	    (unsigned long long)model_id);
	fixture_sql(root, text);
	fixture_sql(root, "INSERT INTO api_key_uses (api_key_id, last_used_at) "
			  "SELECT api_key_id, '2026-01-01' FROM api_keys WHERE "
			  "api_key_id % 2 = 0");
	fixture_sql(root, "ANALYZE TABLE api_keys, api_key_models, "
			  "api_key_uses");
	mysql_free_result(mysql_store_result(&root->my));
	return 0;
}

static int
teardown(void **state)
{
	db_free(root);
	return store_teardown(state);
}

static uint64_t
rows_read(void)
{
	return fixture_number(f->db,
	    "SELECT SUM(variable_value) FROM information_schema.session_status "
	    "WHERE variable_name LIKE 'Handler_read%'");
}

static void
key_page__each_filter__reads_what_it_shows(void **state)
{
	const struct {
		struct key_filter filter;
		bool is_found;
	} cases[] = {
		{ { 0 }, true },
		{ { .name = S("key-2999") }, true },
		{ { .name = S("%") }, false },
		{ { .prefix = S("0000") }, true },
		{ { .model_id = model_id }, true },
		{ { .state = KEY_ACTIVE + 1 }, true },
		{ { .last_used_from_ms = CREATED_MS }, true },
		{ { .last_used_to_ms = CREATED_MS }, true },
		{ { .expires_to_ms = CREATED_MS / 2 }, false },
		{ { .created_from_ms = CREATED_MS }, true },
		{ { .created_from_ms = CREATED_MS + 1 }, false },
		{ { .created_to_ms = CREATED_MS - 2990000 }, true },
		{ { .created_to_ms = CREATED_MS / 2 }, false },
		{ { .created_from_ms = CREATED_MS - 2000000,
		      .created_to_ms = CREATED_MS - 1000000 },
		    true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before, own = rows_read(), n_read, next;
		struct key *rows;
		size_t n;

		before = rows_read();
		own = before - own;
		assert_db_ok(f, store_key_page(f->db, 0, &cases[i].filter, 0,
				    PAGE, &f->a, &rows, &n, &next, &f->e));
		/* Less what was counted to know where to stop, which ends at
		 * KEY_SEARCH_MAX. */
		n_read = rows_read() - before - own;
		n_read -= n_read > N_KEYS ? N_KEYS : 0;
		if (n_read > READS_MAX || (n > 0) != cases[i].is_found)
			print_message("# case %zu: %zu keys, %llu reads\n", i,
			    n, (unsigned long long)n_read);
		assert_in_range(n_read, 0, READS_MAX);
		assert_int_equal(n > 0, cases[i].is_found);
	}
}

static void
key_page__by_time_of_creation__is_all_once_in_order(void **state)
{
	struct key_filter filter = { .created_from_ms = CREATED_MS - 999000,
		.created_to_ms = CREATED_MS + 1 };
	uint64_t after = 0, n_all = 0, next;
	int64_t last_ms = 0;
	size_t n;

	(void)state;
	do {
		struct arena_mark mark = arena_mark(&f->a);
		struct key *rows;

		assert_db_ok(f, store_key_page(f->db, 0, &filter, after, 7,
				    &f->a, &rows, &n, &next, &f->e));
		for (size_t i = 0; i < n; i++) {
			assert_true(rows[i].created_at_ms > last_ms);
			last_ms = rows[i].created_at_ms;
		}
		after = next;
		n_all += n;
		arena_rewind(&f->a, mark);
	} while (after);
	assert_int_equal(n_all, 1000);
}

#define N_ALIKE (3 * KEY_SEARCH_MAX)

/* Very many keys of one customer, all alike and used since; the last one
 * differs. */
static uint64_t
fill_alike(void)
{
	uint64_t customer_id = fixture_customer(f, 2);
	char text[800];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO api_keys (customer_id, user_id, public_id, "
	    "api_key_secret, pepper_id, name, scopes, all_models, is_active, "
	    "expires_at, created_at) SELECT %llu, u.user_id, LPAD(CONV(seq * "
	    "13, 10, 36), 10, 'Z'), UNHEX(SHA2(CONCAT('alike', seq), 256)), "
	    "1, IF(seq = %d, 'odd', 'even'), 'infer', 0, seq <> %d, "
	    "IF(seq = %d, '2024-01-01', NULL), '2026-06-01' + INTERVAL seq "
	    "MICROSECOND FROM seq_1_to_%d "
	    "JOIN users u ON u.customer_id = %llu",
	    (unsigned long long)customer_id, N_ALIKE, N_ALIKE, N_ALIKE, N_ALIKE,
	    (unsigned long long)customer_id);
	fixture_sql(root, text);
	fixture_sql(root, "INSERT INTO api_key_uses (api_key_id, last_used_at) "
			  "SELECT api_key_id, IF(name = 'odd', '2026-01-01', "
			  "'2026-07-01') FROM api_keys WHERE name IN ('odd', "
			  "'even')");
	fixture_sql(root, "ANALYZE TABLE api_keys, api_key_uses");
	mysql_free_result(mysql_store_result(&root->my));
	return customer_id;
}

/* No page looks at more than so many keys, and page after page finds it. */
static void
key_page__one_key_among_many__is_found_in_bounded_steps(void **state)
{
	enum {
		/* Counted once; then itself, its use and the tier's name. */
		READS = 4 * KEY_SEARCH_MAX + READS_MAX
	};
	const int64_t june_ms = INT64_C(1780272000000); /* 2026-06-01 */
	uint64_t customer_id = fill_alike();
	const struct key_filter cases[] = {
		{ .customer_id = customer_id, .last_used_to_ms = june_ms },
		{ .customer_id = customer_id, .state = KEY_EXPIRED + 1 },
		{ .customer_id = customer_id, .expires_to_ms = june_ms },
		{ .customer_id = customer_id, .name = S("odd") },
		{ .customer_id = customer_id,
		    .created_from_ms = june_ms,
		    .last_used_to_ms = june_ms },
		{ .name = S("odd") },
		{ .name = S("odd"), .last_used_to_ms = june_ms },
		{ .created_from_ms = june_ms, .state = KEY_EXPIRED + 1 },
		{ .created_from_ms = june_ms, .last_used_to_ms = june_ms },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t own = rows_read(), before = rows_read(), n_read;
		uint64_t after = 0;
		size_t n, n_all = 0, n_pages = 0;

		own = before - own;
		do {
			struct arena_mark mark = arena_mark(&f->a);
			struct key *rows;

			before = rows_read();
			assert_db_ok(f,
			    store_key_page(f->db, 0, &cases[i], after, PAGE,
				&f->a, &rows, &n, &after, &f->e));
			n_read = rows_read() - before - own;
			if (n_read > READS)
				print_message("# case %zu: %llu reads\n", i,
				    (unsigned long long)n_read);
			assert_in_range(n_read, 0, READS);
			n_all += n;
			n_pages++;
			arena_rewind(&f->a, mark);
		} while (after);
		assert_int_equal(n_all, 1);
		assert_in_range(n_pages, 1, N_ALIKE / KEY_SEARCH_MAX + 2);
	}
}

/* Keys that can't be used, more than a page looks at, before those that can:
 * of these one that may not infer, and the later made ends the sooner. */
static uint64_t
fill_revoked(void)
{
	uint64_t customer_id = fixture_customer(f, 3);
	char text[900];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO api_keys (customer_id, user_id, public_id, "
	    "api_key_secret, pepper_id, name, scopes, all_models, is_active, "
	    "expires_at, revoked_at) SELECT %llu, u.user_id, LPAD(CONV(seq * "
	    "17, 10, 36), 10, 'y'), UNHEX(SHA2(CONCAT('gone', seq), 256)), 1, "
	    "IF(seq > %d, CONCAT('k', seq %% 10), 'gone'), IF(seq = %d + 1, 'keys:read', 'infer'), 0, "
	    "1, IF(seq > %d, NOW(6) + INTERVAL %d + 9 - seq DAY, NULL), "
	    "IF(seq > %d, NULL, NOW(6)) FROM seq_1_to_%d "
	    "JOIN users u ON u.customer_id = %llu",
	    (unsigned long long)customer_id, KEY_SEARCH_MAX, KEY_SEARCH_MAX,
	    KEY_SEARCH_MAX, KEY_SEARCH_MAX, KEY_SEARCH_MAX, KEY_SEARCH_MAX + 3,
	    (unsigned long long)customer_id);
	fixture_sql(root, text);
	return customer_id;
}

static void
key_first__many_revoked_before__finds_those_of_the_scope(void **state)
{
	const struct key_filter filter = { .state = KEY_ACTIVE + 1,
		.scopes = KEY_SCOPE_INFER };
	uint64_t customer_id = fill_revoked(), next;
	struct key *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_key_page(f->db, customer_id, &filter, 0, PAGE,
			    &f->a, &rows, &n, &next, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, store_key_first(f->db, customer_id, &filter, PAGE,
			    &f->a, &rows, &n, &next, &f->e));
	assert_int_equal(n, 2);
	assert_str_is(rows[0].name, "k2");
	assert_str_is(rows[1].name, "k3");
	assert_int_equal(next, 0);

	assert_db_ok(f,
	    store_key_ending(f->db, customer_id, clock_now_ms() + 8 * DAY_MS, 2,
		&f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_str_is(rows[0].name, "k3");
	assert_str_is(rows[1].name, "k2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_page__each_filter__reads_what_it_shows),
		cmocka_unit_test(
		    key_page__by_time_of_creation__is_all_once_in_order),
		cmocka_unit_test(
		    key_page__one_key_among_many__is_found_in_bounded_steps),
		/* Last: its keys were never used, which the former's were. */
		cmocka_unit_test(
		    key_first__many_revoked_before__finds_those_of_the_scope),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, teardown);
}
