/* SPDX-License-Identifier: MIT */
/* Values on their way to the server and back, and those that it refuses. */
#include "db/fixture_db.h"

#include <stdio.h>
#include <time.h>

#include "store/db_priv.h"
#include "store/model.h"
#include "store/name.h"
#include "store/rejected.h"
#include "store/tier.h"
#include "store/user.h"

static void
text__any_unicode_and_length__comes_back_unchanged(void **state)
{
	static char long_text[2000];
	struct model m = { .name = S("x"),
		.allowed_members = S(""),
		.is_enabled = true,
		.context_length = -1,
		.default_max_output_tok = 0,
		.max_output_tok = 4294967295,
		.long_context_threshold_tok = -1,
		.default_temperature_ppm = 1999999,
		.default_top_p_ppm = -1,
		.connect_ms = -1,
		.first_byte_ms = -1,
		.idle_ms = 7 };
	struct model back;
	struct fixture f;
	uint64_t id;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text, "\xf0\x9f\x98\x80", 4);
	m.name = S("m\xc3\xb6\xf0\x9f\x98\x80'\"\\;--");
	m.description = str_make(long_text, 1990);

	assert_db_ok(&f, store_model_insert(f.db, &m, &id, &f.e));
	assert_db_ok(&f, store_model_by_id(f.db, id, &f.a, &back, &f.e));

	assert_true(str_eq(back.name, m.name));
	assert_true(str_eq(back.description, m.description));
	assert_null(back.tokenizer.p);
	assert_int_equal(back.context_length, -1);
	assert_int_equal(back.default_max_output_tok, 0);
	assert_int_equal(back.max_output_tok, 4294967295);
	assert_int_equal(back.default_temperature_ppm, 1999999);
	assert_int_equal(back.default_top_p_ppm, -1);
	assert_int_equal(back.idle_ms, 7);
	assert_int_equal(back.archived_at_ms, 0);
	assert_in_range(back.created_at_ms, 1700000000000, 4000000000000);
	fixture_fini(&f);
}

static void
insert__unique_key_taken__is_conflict(void **state)
{
	struct tier t = { .name = S("twice") };
	struct fixture f;
	uint64_t id;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_tier_insert(f.db, &t, &id, &f.e));

	assert_int_equal(store_tier_insert(f.db, &t, &id, &f.e), ERR_CONFLICT);
	assert_false(db_in_txn(f.db));
	fixture_fini(&f);
}

static void
insert__value_does_not_fit__is_bad_param(void **state)
{
	static char name[70];
	struct tier t = { .name = S("big") };
	struct user u = { .name = S("n"),
		.email = S("\xc3\xbc@example.org"),
		.role = USER_OPERATOR };
	struct fixture f;
	uint64_t id;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	limit_set_put(&t.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	    INT64_C(1) << 40);

	assert_int_equal(store_tier_insert(f.db, &t, &id, &f.e), ERR_BAD_PARAM);
	memset(name, 'n', sizeof(name));
	t = (struct tier){ .name = str_make(name, sizeof(name)) };
	assert_int_equal(store_tier_insert(f.db, &t, &id, &f.e), ERR_BAD_PARAM);
	assert_int_equal(store_user_insert(f.db, &u, &id, &f.e), ERR_BAD_PARAM);
	u.email = S("member@example.org");
	u.role = USER_DEVELOPER;
	assert_int_equal(store_user_insert(f.db, &u, &id, &f.e), ERR_BAD_PARAM);
	u.customer_id = 4000000;
	assert_int_equal(store_user_insert(f.db, &u, &id, &f.e), ERR_BAD_PARAM);
	fixture_fini(&f);
}

/* A text that the column's character set doesn't have can't be there, which
 * is no fault of the database. */
static void
select__text_beyond_the_columns_characters__is_bad_param(void **state)
{
	struct user u;
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(store_user_by_email(f.db, S("\xc3\xbc@example.org"),
			     &f.a, &u, &f.e),
	    ERR_BAD_PARAM);
	fixture_fini(&f);
}

static void
call__values_of_another_type__is_an_internal_error(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(db_exec(f.db, STMT_USER_SIGNED_IN, DB_IN(db_i64(1)),
			     NULL, &f.e),
	    ERR_INTERNAL);
	assert_int_equal(db_exec(f.db, STMT_USER_SIGNED_IN, DB_IN_NONE, NULL,
			     &f.e),
	    ERR_INTERNAL);
	fixture_fini(&f);
}

static void
rejected__bytes_longer_than_the_buffer__come_back(void **state)
{
	static char bytes[70000];
	struct usage_rejected r = { .series = { 1, 2, 0, 255 },
		.off = UINT64_MAX,
		.error = S("why"),
		.record = { bytes, sizeof(bytes) } };
	struct usage_rejected *back;
	struct fixture f;
	size_t n;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);

	assert_db_ok(&f, store_rejected_insert(f.db, &r, &f.e));
	assert_db_ok(&f, store_rejected_list(f.db, 1, &f.a, &back, &n, &f.e));

	assert_int_equal(n, 1);
	assert_memory_equal(back->series, r.series, 16);
	assert_int_equal(back->off, UINT64_MAX);
	assert_int_equal(back->record.n, sizeof(bytes));
	assert_memory_equal(back->record.p, bytes, sizeof(bytes));
	fixture_fini(&f);
}

static void
read__arena_too_small__is_an_error_and_the_connection_lives(void **state)
{
	struct usage_rejected r = { .series = { 9 },
		.error = S("why"),
		.record = S("record") };
	struct usage_rejected *back;
	struct fixture f;
	struct arena small;
	size_t n;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_rejected_insert(f.db, &r, &f.e));

	for (size_t i = 1; i < 4; i++) {
		arena_init(&small, MIB(1));
		small.full_err = ERR_NO_MEMORY;
		small.fail_at = i;
		assert_int_equal(store_rejected_list(f.db, 1, &small, &back, &n,
				     &f.e),
		    ERR_NO_MEMORY);
		arena_fini(&small);
	}

	assert_db_ok(&f, store_rejected_count(f.db, &r.off, &f.e));
	fixture_fini(&f);
}

/* Rows one by one: how many came, and when to break off. */
struct walk {
	size_t n, stop_at;
	uint64_t last;
};

static enum err
step(const void *row, void *arg, struct error *e)
{
	struct walk *w = arg;

	w->last = *(const uint64_t *)row;
	return ++w->n == w->stop_at ? error_set(e, ERR_CONFLICT, "enough") : OK;
}

static enum err
each_notice(struct fixture *f, db_row_fn *fn, void *arg)
{
	static const struct db_field id = { .type = DB_U64 };
	static const struct db_map map = { &id, 1, sizeof(uint64_t) };

	return db_each(f->db, STMT_NOTICE_UNROUTED, DB_IN(db_u64(1000000)),
	    &map, fn, arg, &f->e);
}

static enum err
walk_notices(struct fixture *f, struct walk *w)
{
	return each_notice(f, step, w);
}

static void
make_notices(unsigned n)
{
	struct db *root = fixture_connect(FIXTURE_ROOT);
	char text[250];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO notices (uid, kind, cause, payload) SELECT "
	    "UNHEX(MD5(seq)), 'test', seq, '{}' FROM seq_1_to_%u",
	    n);
	fixture_sql(root, "USE tollgate");
	fixture_sql(root, "DELETE FROM notices");
	fixture_sql(root, text);
	db_free(root);
}

/* db_txn_fn: a part of the rows, all of them, something else. */
static enum err
walk_in_txn(struct db *db, void *arg, struct error *e)
{
	struct fixture *f = arg;
	struct walk all = { 0 }, some = { .stop_at = 2 };
	uint64_t n;

	(void)db;
	(void)e;
	assert_int_equal(walk_notices(f, &some), ERR_CONFLICT);
	assert_int_equal(some.n, 2);
	assert_string_equal(f->e.internal, "enough");
	error_clear(&f->e);
	/* What was left unread is gone. */
	assert_db_ok(f, store_rejected_count(f->db, &n, &f->e));
	assert_db_ok(f, walk_notices(f, &all));
	assert_int_equal(all.n, 500);
	return OK;
}

static void
each__rows_one_by_one__are_all_and_may_be_broken_off(void **state)
{
	uint64_t generation;
	struct fixture f;

	(void)state;
	make_notices(500);
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, db_connect(f.db, &f.e));
	generation = db_generation(f.db);
	assert_db_ok(&f, db_txn(f.db, walk_in_txn, &f, &f.e));
	assert_int_equal(db_generation(f.db), generation);
	fixture_fini(&f);
}

struct killing {
	struct fixture *f;
	size_t n;
};

/* Ends the connection that the rows come by. */
static enum err
kill_it(const void *row, void *arg, struct error *e)
{
	struct killing *k = arg;
	struct db *root;
	char text[60];

	(void)row;
	(void)e;
	if (k->n++)
		return OK;
	root = fixture_connect(FIXTURE_ROOT);
	(void)snprintf(text, sizeof(text), "KILL %lu",
	    mysql_thread_id(&k->f->db->my));
	fixture_sql(root, text);
	db_free(root);
	return OK;
}

/* db_txn_fn; the statement is one of those that may have changed something
 * otherwise. */
static enum err
read_and_kill(struct db *db, void *arg, struct error *e)
{
	struct killing *k = arg;

	(void)db;
	(void)e;
	return each_notice(k->f, kill_it, k);
}

static void
each__connection_killed_between_rows__is_db_down_and_made_anew(void **state)
{
	/* More than is on its way when the first one comes. */
	const unsigned n = 200000;
	struct walk all = { 0 };
	struct killing k = { 0 };
	struct fixture f;

	(void)state;
	make_notices(n);
	fixture_init(&f, FIXTURE_APP);
	k.f = &f;
	assert_int_equal(db_txn(f.db, read_and_kill, &k, &f.e), ERR_DB_DOWN);
	assert_in_range(k.n, 1, n - 1);
	assert_false(db_is_alive(f.db));
	error_clear(&f.e);
	assert_db_ok(&f, walk_notices(&f, &all));
	/* What the server has not rolled back yet is locked, and skipped:
	 * some of the first thousands. */
	assert_in_range(all.n, n / 2, n);
	make_notices(1);
	fixture_fini(&f);
}

/* Longer than a query may take, once. */
static enum err
take_too_long(const void *row, void *arg, struct error *e)
{
	struct timespec t = { .tv_sec = 1, .tv_nsec = 100000000 };
	size_t *n = arg;

	(void)row;
	(void)e;
	while (!*n && nanosleep(&t, &t) != 0)
		;
	++*n;
	return OK;
}

static void
each__rows_for_longer_than_a_query_may_take__is_db_down(void **state)
{
	const unsigned n = 2000;
	size_t n_seen = 0;
	struct fixture f;

	(void)state;
	make_notices(n);
	fixture_init(&f, FIXTURE_APP);
	/* Not of the socket as well: a server that is slow to begin with would be
	 * another error. */
	assert_db_ok(&f, db_connect(f.db, &f.e));
	f.db->opt.query_timeout_s = 1;
	assert_int_equal(each_notice(&f, take_too_long, &n_seen), ERR_DB_DOWN);
	assert_in_range(n_seen, 1, n - 1);
	assert_false(db_is_alive(f.db));
	fixture_fini(&f);
}

static void
each__a_column_of_text__is_an_internal_error(void **state)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct name, id, U64),
		DB_FIELD(struct name, name, STR),
	};
	static const struct db_map map = DB_MAP(struct name, fields);
	struct walk w = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	(void)fixture_customer(&f, 9001);
	assert_int_equal(db_each(f.db, STMT_NAME_LIST_CUSTOMER,
			     DB_IN(db_u64(0), db_u64(9)), &map, step, &w, &f.e),
	    ERR_INTERNAL);
	assert_int_equal(w.n, 0);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    text__any_unicode_and_length__comes_back_unchanged),
		cmocka_unit_test(insert__unique_key_taken__is_conflict),
		cmocka_unit_test(insert__value_does_not_fit__is_bad_param),
		cmocka_unit_test(
		    select__text_beyond_the_columns_characters__is_bad_param),
		cmocka_unit_test(
		    call__values_of_another_type__is_an_internal_error),
		cmocka_unit_test(
		    rejected__bytes_longer_than_the_buffer__come_back),
		cmocka_unit_test(
		    read__arena_too_small__is_an_error_and_the_connection_lives),
		cmocka_unit_test(
		    each__rows_one_by_one__are_all_and_may_be_broken_off),
		cmocka_unit_test(
		    each__connection_killed_between_rows__is_db_down_and_made_anew),
		cmocka_unit_test(
		    each__rows_for_longer_than_a_query_may_take__is_db_down),
		cmocka_unit_test(each__a_column_of_text__is_an_internal_error),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
