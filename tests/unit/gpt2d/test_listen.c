/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"
#include "support/fixture_dir.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "gpt2d/listen.h"

static struct fixture_dir dir;
static char path[128];
static struct error e;

static int
setup(void **state)
{
	(void)state;
	fixture_dir_make(&dir);
	(void)snprintf(path, sizeof(path), "%s/s", dir.path);
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
listen_unix__fresh__private_socket_and_nothing_beside(void **state)
{
	struct listen l;
	struct stat st;
	(void)state;

	assert_ok(listen_unix(path, &l, &e));

	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	listen_unlink(&l);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(rmdir(dir.path), 0); /* empty */
	assert_int_equal(mkdir(dir.path, 0700), 0);
	(void)close(l.fd);
}

static void
listen_unix__somebody_listens__refused(void **state)
{
	struct listen first, second;
	(void)state;

	assert_ok(listen_unix(path, &first, &e));
	assert_int_equal(listen_unix(path, &second, &e), ERR_CONFLICT);

	assert_int_equal(second.fd, -1);
	assert_true(str_starts(str_from(e.internal), S("--socket: ")));
	listen_unlink(&first);
	(void)close(first.fd);
}

static void
listen_loopback__port_zero__a_free_one_is_named(void **state)
{
	struct listen l;
	uint64_t port;
	(void)state;

	assert_ok(listen_loopback(S("127.0.0.1:0"), &l, &e));

	assert_true(str_starts(str_from(l.name), S("127.0.0.1:")));
	assert_true(str_to_u64(str_from(l.name + 10), 1, 65535, &port));
	assert_null(l.file.path);
	(void)close(l.fd);
}

static void
listen_loopback__anything_else__refused(void **state)
{
	static const char *const bad[] = { "", ":80", "80", "0.0.0.0:80",
		"192.168.0.1:80", "localhost:80", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "[::]:80",
		"::1:80", "[::1:80" };
	struct listen l;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (listen_loopback(str_from(bad[i]), &l, &e) != ERR_BAD_PARAM)
			fail_msg("%s", bad[i]);
}

static void
listen_is_loopback_host__names_of_this_host__only(void **state)
{
	static const char *const ours[] = { "localhost", "LocalHost:80",
		"127.0.0.1", "127.0.0.1:8080", "127.1.2.3", "[::1]",
		"[::1]:65535" };
	static const char *const others[] = { "", ":80", "x", "localhost.x",
		"localhost:", "localhost:x", "localhost:65536",
		"localhost:80:80", "x:localhost", "127.0.0.1.x",
		"127.0.0.1.x:80", "10.0.0.1", "2130706433", "127.1", "[::2]",
		"[::1", "::1", "[::1]x", "0.0.0.0:80", "localhost,x" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (!listen_is_loopback_host(str_from(ours[i])))
			fail_msg("%s", ours[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (listen_is_loopback_host(str_from(others[i])))
			fail_msg("%s", others[i]);
	assert_false(listen_is_loopback_host(str_from(NULL)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    listen_unix__fresh__private_socket_and_nothing_beside),
		cmocka_unit_test(listen_unix__somebody_listens__refused),
		cmocka_unit_test(
		    listen_loopback__port_zero__a_free_one_is_named),
		cmocka_unit_test(listen_loopback__anything_else__refused),
		cmocka_unit_test(
		    listen_is_loopback_host__names_of_this_host__only),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
