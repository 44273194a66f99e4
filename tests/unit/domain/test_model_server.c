/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "domain/model_server.h"
#include "support/fixture_dir.h"

static struct fixture_dir dir;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	fixture_dir_make(&dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_dir_remove(&dir);
	return 0;
}

static void
model_server_lock__held__is_refused_and_seen(void **state)
{
	int fd, other;

	(void)state;
	assert_false(model_server_is_supervised(dir.path));
	assert_ok(model_server_lock(dir.path, &fd, &e));
	assert_true(model_server_is_supervised(dir.path));
	assert_true(model_server_is_supervised(dir.path));
	assert_int_equal(model_server_lock(dir.path, &other, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.internal, "model serve"));

	assert_int_equal(close(fd), 0);
	assert_false(model_server_is_supervised(dir.path));
	assert_ok(model_server_lock(dir.path, &fd, &e));
	assert_int_equal(close(fd), 0);
}

static void
model_server_lock__no_folder__is_an_error(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(model_server_lock("/nonexistent", &fd, &e), ERR_IO);
}

static void
model_server_why__written_read_forgotten(void **state)
{
	char why[MODEL_SERVER_WHY_BYTES];

	(void)state;
	assert_false(model_server_why_read(dir.path, 7, why));
	model_server_why_write(dir.path, 7, "no weights");
	assert_true(model_server_why_read(dir.path, 7, why));
	assert_string_equal(why, "no weights");
	assert_false(model_server_why_read(dir.path, 8, why));
	model_server_why_write(dir.path, 7, "");
	assert_false(model_server_why_read(dir.path, 7, why));
	model_server_why_write(dir.path, 9, "x");
	model_server_why_forget(dir.path);
	assert_false(model_server_why_read(dir.path, 9, why));
}

/* ---- health ---- */

struct server {
	int fd;
	const char *answer; /* NULL: says nothing until the client leaves */
	char path[100];
};

static void *
serve_one(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	char asked[512];

	(void)!read(fd, asked, sizeof(asked));
	if (s->answer)
		(void)!write(fd, s->answer, strlen(s->answer));
	else
		(void)!read(fd, asked, sizeof(asked));
	(void)close(fd);
	return NULL;
}

static bool
is_healthy(const char *answer)
{
	struct server s = { .answer = answer };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	pthread_t thread;
	bool is;

	(void)snprintf(s.path, sizeof(s.path), "%s/s", dir.path);
	memcpy(sa.sun_path, s.path, strlen(s.path));
	s.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s.fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve_one, &s), 0);
	is = model_server_is_healthy(s.path, answer ? 3600000 : 50);
	(void)pthread_join(thread, NULL);
	(void)close(s.fd);
	(void)unlink(s.path);
	return is;
}

static void
model_server_is_healthy__only_a_200_is(void **state)
{
	(void)state;
	assert_true(is_healthy("HTTP/1.1 200 OK\r\n\r\n"));
	assert_false(is_healthy("HTTP/1.1 503 Service Unavailable\r\n\r\n"));
	assert_false(is_healthy("HTTP/1.1 20"));
	assert_false(is_healthy("SSH-2.0-x 200 OK\r\n"));
	assert_false(is_healthy(""));
	assert_false(is_healthy(NULL)); /* which returns at all */
	assert_false(model_server_is_healthy("/nonexistent", 1000));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(model_server_lock__held__is_refused_and_seen),
		T(model_server_lock__no_folder__is_an_error),
		T(model_server_why__written_read_forgotten),
		T(model_server_is_healthy__only_a_200_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
