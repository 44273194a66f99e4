/* SPDX-License-Identifier: MIT */
/* Connections: how they are made, lost and made anew, on a real server that is
 * stopped and started again. */
#include "db/fixture_db.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "store/db_priv.h"
#include "store/generation.h"

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

	fixture_server("stop");
	assert_int_equal(store_generation_bump(f.db, 6, &f.e), ERR_DB_DOWN);
	fixture_server("start");

	assert_db_ok(&f, store_generation_bump(f.db, 6, &f.e));
	assert_db_ok(&f, store_generation_read(f.db, after, &f.e));
	assert_int_equal(after[6], before[6] + 1);
	fixture_fini(&f);
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
		    idle_connection__killed_by_the_server__is_replaced_unnoticed),
		cmocka_unit_test(
		    connection__server_restarted__goes_on_with_statements_prepared_anew),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
