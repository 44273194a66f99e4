/* SPDX-License-Identifier: MIT */
/* Connections, transactions, bulk statements and the pool, on a real server
 * that is stopped and started again. */
#include "db/fixture_db.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/audit.h"
#include "store/db_pool.h"
#include "store/db_priv.h"
#include "store/generation.h"
#include "store/model.h"
#include "store/offset.h"
#include "store/refusal.h"
#include "store/rejected.h"
#include "store/tier.h"
#include "store/usage.h"
#include "store/user.h"

static void
server(const char *verb)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "%s %s",
	    getenv("TOLLGATE_TEST_CTL"), verb);
	assert_int_equal(system(command), 0);
}

static void
session__after_connecting__is_strict_utc_and_read_committed(void **state)
{
	struct db *db = fixture_connect(FIXTURE_APP);

	(void)state;
	assert_int_equal(1,
	    fixture_number(db,
		"SELECT @@session.time_zone = '+00:00' AND "
		"@@session.sql_mode LIKE '%STRICT_ALL_TABLES%' AND "
		"@@session.autocommit = 1"));
	assert_int_equal(1,
	    fixture_number(db, "SELECT @@tx_isolation = 'READ-COMMITTED'"));
	assert_int_equal(1,
	    fixture_number(db,
		"SELECT @@character_set_connection = 'utf8mb4' AND "
		"@@character_set_results = 'utf8mb4'"));
	db_free(db);
}

static void
connect__no_server_there__is_db_down(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct error e;
	struct db *db;

	(void)state;
	opt.socket = "/tmp/there-is-no-such-socket";
	db = db_new(&opt);

	assert_int_equal(db_connect(db, &e), ERR_DB_DOWN);
	assert_false(db_is_alive(db));
	db_free(db);
}

/* Carries one TCP connection on 127.0.0.2, which is not among the names that
 * count as local, to the server's socket. */
struct forwarder {
	int listener;
	uint16_t port;
};

static void
pump(int a, int b)
{
	struct pollfd p[2] = { { .fd = a, .events = POLLIN },
		{ .fd = b, .events = POLLIN } };
	char bytes[4096];

	while (poll(p, 2, 5000) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (!p[i].revents)
				continue;
			n = read(p[i].fd, bytes, sizeof(bytes));
			if (n <= 0 || write(p[!i].fd, bytes, (size_t)n) != n)
				return;
		}
	}
}

static void *
forward(void *arg)
{
	const struct forwarder *f = arg;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int in = accept(f->listener, NULL, NULL);
	int out = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s",
	    getenv("TOLLGATE_TEST_SOCKET"));
	if (connect(out, (struct sockaddr *)&to, sizeof(to)) == 0)
		pump(in, out);
	close(in);
	close(out);
	return NULL;
}

static void
forwarder_listen(struct forwarder *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_ok(bind(f->listener, (struct sockaddr *)&at, sizeof(at)));
	assert_ok(listen(f->listener, 1));
	assert_ok(getsockname(f->listener, (struct sockaddr *)&at, &n));
	f->port = ntohs(at.sin_port);
}

static void
connect__remote_server_without_tls__is_refused(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct forwarder f;
	pthread_t thread;
	struct error e;
	struct db *db;

	(void)state;
	forwarder_listen(&f);
	pthread_create(&thread, NULL, forward, &f);
	opt.socket = NULL;
	opt.host = "127.0.0.2";
	opt.port = f.port;
	db = db_new(&opt);

	assert_int_equal(db_connect(db, &e), ERR_DB_DOWN);
	assert_non_null(
	    strstr(e.internal, "2026")); /* CR_SSL_CONNECTION_ERROR */
	db_free(db);
	pthread_join(thread, NULL);
	close(f.listener);
}

static void
text__any_unicode_and_length__comes_back_unchanged(void **state)
{
	static char long_text[2000];
	struct model m = { .name = S("x"),
		.is_enabled = true,
		.context_length = -1,
		.default_max_output_tok = 0,
		.max_output_tok = 4294967295,
		.long_context_threshold_tok = -1,
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
	assert_int_equal(back.idle_ms, 7);
	assert_int_equal(back.archived_at_ms, 0);
	assert_in_range(back.created_at_ms, 1700000000000, 4000000000000);
	fixture_fini(&f);
}

static void
insert__unique_key_taken__is_conflict(void **state)
{
	struct tier t = { .name = S("twice"),
		.rate_limit_per_minute = 1,
		.rate_limit_per_hour = -1 };
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
	struct tier t = { .rate_limit_per_minute = INT64_C(1) << 40,
		.rate_limit_per_hour = -1,
		.name = S("big") };
	struct user u = { .name = S("n"),
		.email = S("\xc3\xbc@example.org"),
		.role = USER_OPERATOR };
	struct fixture f;
	uint64_t id;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(store_tier_insert(f.db, &t, &id, &f.e), ERR_BAD_PARAM);
	memset(name, 'n', sizeof(name));
	t = (struct tier){ .name = str_make(name, sizeof(name)),
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1 };
	assert_int_equal(store_tier_insert(f.db, &t, &id, &f.e), ERR_BAD_PARAM);
	assert_int_equal(store_user_insert(f.db, &u, &id, &f.e), ERR_BAD_PARAM);
	u.email = S("member@example.org");
	u.role = USER_MEMBER;
	assert_int_equal(store_user_insert(f.db, &u, &id, &f.e), ERR_BAD_PARAM);
	u.customer_id = 4000000;
	assert_int_equal(store_user_insert(f.db, &u, &id, &f.e), ERR_BAD_PARAM);
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

/* Two transactions that lock two slots in opposite order. */
struct crossing {
	unsigned first, second;
	pthread_barrier_t *both_hold_one;
	unsigned runs;
	enum err err;
};

static enum err
cross_txn(struct db *db, void *arg, struct error *e)
{
	struct crossing *c = arg;
	enum err err = store_generation_bump(db, c->first, e);

	if (c->runs++ == 0)
		pthread_barrier_wait(c->both_hold_one);
	if (err == OK)
		err = store_generation_bump(db, c->second, e);
	return err;
}

static void *
cross_thread(void *arg)
{
	struct crossing *c = arg;
	struct db *db = fixture_connect(FIXTURE_APP);
	struct error e;

	c->err = db_txn(db, cross_txn, c, &e);
	db_free(db);
	return NULL;
}

static void
txn__real_deadlock__is_run_again_and_both_commit(void **state)
{
	uint64_t generations[GENERATION__N];
	pthread_barrier_t barrier;
	struct crossing c[2] = { { 1, 2, &barrier, 0, OK },
		{ 2, 1, &barrier, 0, OK } };
	pthread_t threads[2];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_generation_bump(f.db, 1, &f.e));
	assert_db_ok(&f, store_generation_bump(f.db, 2, &f.e));
	pthread_barrier_init(&barrier, NULL, 2);

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, cross_thread, &c[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	assert_int_equal(c[0].err, OK);
	assert_int_equal(c[1].err, OK);
	assert_int_equal(c[0].runs + c[1].runs, 3); /* one was the victim */
	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[1], 3);
	assert_int_equal(generations[2], 3);
	pthread_barrier_destroy(&barrier);
	fixture_fini(&f);
}

static enum err
bump_slot_900(struct db *db, void *arg, struct error *e)
{
	unsigned *runs = arg;

	(*runs)++;
	return store_generation_bump(db, 900, e);
}

static void
txn__row_stays_locked__is_run_again_and_then_given_up(void **state)
{
	struct fixture f, other;
	unsigned runs = 0;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	fixture_init(&other, FIXTURE_ROOT);
	assert_db_ok(&f, store_generation_bump(f.db, 900, &f.e));
	fixture_sql(f.db, "SET SESSION innodb_lock_wait_timeout = 1");
	fixture_sql(other.db, "START TRANSACTION");
	fixture_sql(other.db,
	    "UPDATE tollgate.key_generations SET generation = 9 "
	    "WHERE slot = 900");

	assert_int_equal(db_txn(f.db, bump_slot_900, &runs, &f.e),
	    ERR_DB_RETRY);

	assert_true(runs > 1);
	fixture_sql(other.db, "ROLLBACK");
	assert_db_ok(&f, db_txn(f.db, bump_slot_900, &runs, &f.e));
	fixture_fini(&other);
	fixture_fini(&f);
}

static enum err
fail_after_change(struct db *db, void *arg, struct error *e)
{
	enum err err = store_generation_bump(db, 3, e);

	(void)arg;
	if (err != OK)
		return err;
	return error_set(e, ERR_FORBIDDEN, "on purpose");
}

static void
txn__function_fails__nothing_is_changed(void **state)
{
	uint64_t generations[GENERATION__N];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(db_txn(f.db, fail_after_change, NULL, &f.e),
	    ERR_FORBIDDEN);

	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[3], 0);
	fixture_fini(&f);
}

static enum err
lose_connection(struct db *db, void *arg, struct error *e)
{
	struct db *killer = arg;
	enum err err = store_generation_bump(db, 4, e);
	char text[60];

	if (err != OK)
		return err;
	(void)snprintf(text, sizeof(text), "KILL %lu",
	    mysql_thread_id(&db->my));
	fixture_sql(killer, text);
	return OK;
}

static void
txn__connection_lost_before_commit__is_uncertain_and_not_run_again(void **state)
{
	struct db *killer = fixture_connect(FIXTURE_ROOT);
	uint64_t generations[GENERATION__N];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(db_txn(f.db, lose_connection, killer, &f.e),
	    ERR_DB_UNCERTAIN);

	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[4], 0);
	assert_int_equal(db_generation(f.db), 2);
	db_free(killer);
	fixture_fini(&f);
}

static void
idle_connection__killed_by_the_server__is_replaced_unnoticed(void **state)
{
	struct db *killer = fixture_connect(FIXTURE_ROOT);
	struct fixture f;
	char text[120];

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_generation_bump(f.db, 5, &f.e));
	(void)snprintf(text, sizeof(text), "KILL %lu",
	    mysql_thread_id(&f.db->my));
	fixture_sql(killer, text);
	/* Its thread ends a moment after KILL has answered. */
	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM information_schema.processlist WHERE id = "
	    "%lu",
	    mysql_thread_id(&f.db->my));
	while (fixture_number(killer, text) > 0)
		;

	assert_db_ok(&f, store_generation_bump(f.db, 5, &f.e));
	assert_int_equal(db_generation(f.db), 2);
	db_free(killer);
	fixture_fini(&f);
}

static void
connection__server_restarted__goes_on_with_statements_prepared_anew(
    void **state)
{
	static uint64_t before[GENERATION__N], after[GENERATION__N];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_generation_bump(f.db, 6, &f.e));
	assert_db_ok(&f, store_generation_read(f.db, before, &f.e));

	server("stop");
	assert_int_equal(store_generation_bump(f.db, 6, &f.e), ERR_DB_DOWN);
	server("start");

	assert_db_ok(&f, store_generation_bump(f.db, 6, &f.e));
	assert_db_ok(&f, store_generation_read(f.db, after, &f.e));
	assert_int_equal(after[6], before[6] + 1);
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

static void
pool__all_lent__waits_and_then_is_overloaded(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct db_pool *pool = db_pool_new(&opt, 2);
	struct db *a, *b, *c;
	int64_t start_ms;
	struct error e;

	(void)state;
	assert_ok(db_pool_take(pool, 1000, &a, &e));
	assert_ok(db_pool_take(pool, 1000, &b, &e));
	start_ms = clock_mono_ms();

	assert_int_equal(db_pool_take(pool, 50, &c, &e), ERR_OVERLOADED);

	assert_in_range(clock_mono_ms() - start_ms, 49, 5000);
	db_pool_give(pool, a);
	assert_ok(db_pool_take(pool, 50, &c, &e));
	assert_ptr_equal(a, c);
	db_pool_give(pool, b);
	db_pool_give(pool, c);
	db_pool_free(pool);
}

static void
pool__server_down__fails_fast_and_recovers(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct db_pool *pool = db_pool_new(&opt, 2);
	int64_t start_us, until_ms;
	unsigned n_fast = 0;
	struct error e;
	struct db *db;

	(void)state;
	assert_ok(db_pool_take(pool, 1000, &db, &e));
	db_pool_give(pool, db);
	server("stop");

	assert_int_equal(db_pool_take(pool, 1000, &db, &e), ERR_DB_DOWN);
	assert_true(db_pool_is_down(pool));
	for (int i = 0; i < 100; i++) {
		start_us = clock_mono_us();
		assert_int_equal(db_pool_take(pool, 1000, &db, &e),
		    ERR_DB_DOWN);
		n_fast += clock_mono_us() - start_us < 1000;
	}
	assert_in_range(n_fast, 90, 100);

	server("start");
	until_ms = clock_mono_ms() + 10000;
	while (db_pool_take(pool, 1000, &db, &e) != OK)
		assert_true(clock_mono_ms() < until_ms);
	assert_false(db_pool_is_down(pool));
	db_pool_give(pool, db);
	db_pool_free(pool);
}

static struct db_pool *shared_pool;

static void *
pool_user(void *arg)
{
	unsigned *failures = arg;

	for (int i = 0; i < 200; i++) {
		struct error e;
		struct db *db;

		if (db_pool_take(shared_pool, 5000, &db, &e) != OK) {
			(*failures)++;
			continue;
		}
		if (store_generation_bump(db, 7, &e) != OK)
			(*failures)++;
		db_pool_give(shared_pool, db);
	}
	db_thread_fini();
	return NULL;
}

static void
pool__more_threads_than_connections__all_are_served(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	uint64_t generations[GENERATION__N];
	unsigned failures[8] = { 0 };
	pthread_t threads[8];
	struct fixture f;

	(void)state;
	shared_pool = db_pool_new(&opt, 3);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, pool_user, &failures[i]);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failures[i], 0);
	}

	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[7], 1600);
	fixture_fini(&f);
	db_pool_free(shared_pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    session__after_connecting__is_strict_utc_and_read_committed),
		cmocka_unit_test(connect__no_server_there__is_db_down),
		cmocka_unit_test(
		    connect__remote_server_without_tls__is_refused),
		cmocka_unit_test(
		    text__any_unicode_and_length__comes_back_unchanged),
		cmocka_unit_test(insert__unique_key_taken__is_conflict),
		cmocka_unit_test(insert__value_does_not_fit__is_bad_param),
		cmocka_unit_test(
		    call__values_of_another_type__is_an_internal_error),
		cmocka_unit_test(
		    bulk__numbers_of_rows_around_the_group_sizes__inserts_them_all),
		cmocka_unit_test(usage__every_field__comes_back_unchanged),
		cmocka_unit_test(
		    usage__rows_with_one_unusual_value_among_usual_ones__all_come_back),
		cmocka_unit_test(usage__unknown_values__come_back_as_unknown),
		cmocka_unit_test(usage__request_id_again__is_conflict),
		cmocka_unit_test(
		    rejected__bytes_longer_than_the_buffer__come_back),
		cmocka_unit_test(
		    read__arena_too_small__is_an_error_and_the_connection_lives),
		cmocka_unit_test(
		    txn__real_deadlock__is_run_again_and_both_commit),
		cmocka_unit_test(
		    txn__row_stays_locked__is_run_again_and_then_given_up),
		cmocka_unit_test(txn__function_fails__nothing_is_changed),
		cmocka_unit_test(
		    txn__connection_lost_before_commit__is_uncertain_and_not_run_again),
		cmocka_unit_test(
		    idle_connection__killed_by_the_server__is_replaced_unnoticed),
		cmocka_unit_test(
		    connection__server_restarted__goes_on_with_statements_prepared_anew),
		cmocka_unit_test(offset__moved_from_a_stale_value__is_conflict),
		cmocka_unit_test(pool__all_lent__waits_and_then_is_overloaded),
		cmocka_unit_test(pool__server_down__fails_fast_and_recovers),
		cmocka_unit_test(
		    pool__more_threads_than_connections__all_are_served),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
