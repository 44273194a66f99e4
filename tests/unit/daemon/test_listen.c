/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/listen.h"

static char dir[] = "/tmp/test_listen_XXXXXX";
static char path[64];
static struct error e;

static int
setup(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/w.sock", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static int
connect_to_path(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	memcpy(addr.sun_path, path, strlen(path) + 1);
	rc = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	(void)close(fd);
	return rc;
}

static void
listen_bind__own_path__private_and_closed_on_exec(void **state)
{
	struct listen l;
	struct stat st;

	(void)state;
	assert_ok(listen_bind(path, &l, &e));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(fcntl(l.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(connect_to_path(), 0);
	listen_unlink(&l);
	assert_int_equal(lstat(path, &st), -1);
	(void)close(l.fd);
}

static void
listen_bind__somebody_listens__refused(void **state)
{
	struct listen first, second;

	(void)state;
	assert_ok(listen_bind(path, &first, &e));
	assert_int_equal(listen_bind(path, &second, &e), ERR_CONFLICT);
	assert_int_equal(connect_to_path(), 0);
	(void)close(first.fd);
}

static void
listen_bind__left_by_a_dead_worker__replaced(void **state)
{
	struct listen dead, l;
	struct stat st;

	(void)state;
	assert_ok(listen_bind(path, &dead, &e));
	(void)close(dead.fd);
	assert_ok(listen_bind(path, &l, &e));
	assert_int_equal(connect_to_path(), 0);
	listen_unlink(&dead); /* not its file any more */
	assert_int_equal(lstat(path, &st), 0);
	(void)close(l.fd);
}

static void
listen_bind__no_socket_there__not_touched(void **state)
{
	struct listen l;
	struct stat st;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	(void)close(fd);
	assert_int_equal(listen_bind(path, &l, &e), ERR_CONFIG);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void
listen_inherit__nothing_was_passed__none(void **state)
{
	struct listen l;

	(void)state;
	assert_ok(listen_inherit(&l, &e));
	assert_int_equal(l.fd, -1);
	assert_int_equal(listen_none(&e), ERR_CONFIG);
	assert_non_null(strstr(e.internal, "listen.socket"));
}

static void
listen_inherit__descriptor_0_listens__taken_and_replaced(void **state)
{
	struct listen made, l;
	int before = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);

	(void)state;
	assert_ok(listen_bind(path, &made, &e));
	assert_int_equal(dup2(made.fd, STDIN_FILENO), STDIN_FILENO);
	(void)close(made.fd);
	assert_ok(listen_inherit(&l, &e));
	assert_true(l.fd > STDIN_FILENO && l.is_ours);
	assert_int_equal(fcntl(l.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(connect_to_path(), 0);
	assert_null(l.file.path); /* its file is its maker's */
	(void)close(l.fd);
	assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
	(void)close(before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A socket of a test must not become descriptor 3: that one is systemd's. */
static void
occupy_descriptor_3(void)
{
	while (fcntl(3, F_GETFD) < 0)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listen_bind__own_path__private_and_closed_on_exec),
		TEST(listen_bind__somebody_listens__refused),
		TEST(listen_bind__left_by_a_dead_worker__replaced),
		TEST(listen_bind__no_socket_there__not_touched),
		TEST(listen_inherit__nothing_was_passed__none),
		TEST(listen_inherit__descriptor_0_listens__taken_and_replaced),
	};

	occupy_descriptor_3();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
