/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"
#include "support/fixture_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unix_socket.h"

static struct fixture_dir dir;
static char path[128];
static struct unix_socket s;
static int fd;
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

static enum err
try_listen(const char *where, int flags)
{
	const struct unix_socket_options o = {
		.setting = "test",
		.path = where,
		.flags = flags,
		.backlog = 5,
	};

	return unix_socket_listen(&o, &s, &fd, &e);
}

static void
unix_socket_listen__fresh__private_and_nothing_beside(void **state)
{
	struct stat st;
	(void)state;

	assert_ok(try_listen(path, SOCK_NONBLOCK));

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	unix_socket_unlink(&s);
	assert_int_equal(rmdir(dir.path), 0); /* empty */
	assert_int_equal(mkdir(dir.path, 0700), 0);
	(void)close(fd);
	assert_ok(try_listen(path, 0));
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	unix_socket_unlink(&s);
	(void)close(fd);
}

static void
unix_socket_listen__somebody_listens__refused(void **state)
{
	(void)state;

	assert_ok(try_listen(path, 0));
	assert_int_equal(try_listen(path, 0), ERR_CONFLICT);

	assert_true(str_starts(str_from(e.internal),
	    S("test: another process listens on ")));
	unix_socket_unlink(&s);
	(void)close(fd);
}

static void
unix_socket_listen__left_by_a_dead_one__replaced(void **state)
{
	struct unix_socket dead;
	struct stat st;
	(void)state;

	assert_ok(try_listen(path, 0));
	dead = s;
	(void)close(fd);
	assert_ok(try_listen(path, 0));
	unix_socket_unlink(&dead); /* it isn't its own any more */

	assert_int_equal(lstat(path, &st), 0);
	unix_socket_unlink(&s);
	assert_int_equal(lstat(path, &st), -1);
	(void)close(fd);
}

static void
unix_socket_listen__a_file__left_alone(void **state)
{
	FILE *f = fopen(path, "w");
	(void)state;

	assert_non_null(f);
	(void)fclose(f);
	assert_int_equal(try_listen(path, 0), ERR_CONFIG);

	assert_int_equal(unlink(path), 0);
}

static void
unix_socket_listen__path_too_long__refused(void **state)
{
	char longer[200];
	(void)state;

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(try_listen(longer, 0), ERR_CONFIG);
	/* with what it is made as; the path itself would fit */
	longer[107] = '\0';
	assert_int_equal(try_listen(longer, 0), ERR_CONFIG);
}

static void
unix_socket_listen__no_folder__said(void **state)
{
	(void)state;

	(void)snprintf(path, sizeof(path), "%s/nothing/s", dir.path);
	assert_int_equal(try_listen(path, 0), ERR_IO);
	(void)snprintf(path, sizeof(path), "%s/s", dir.path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    unix_socket_listen__fresh__private_and_nothing_beside),
		cmocka_unit_test(unix_socket_listen__somebody_listens__refused),
		cmocka_unit_test(
		    unix_socket_listen__left_by_a_dead_one__replaced),
		cmocka_unit_test(unix_socket_listen__a_file__left_alone),
		cmocka_unit_test(unix_socket_listen__path_too_long__refused),
		cmocka_unit_test(unix_socket_listen__no_folder__said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
