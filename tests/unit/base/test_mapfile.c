/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mapfile.h"
#include "support/fixture_dir.h"

static struct fixture_dir dir;
static char path[100];

static const struct mapfile_spec spec = {
	.magic = "TGTEST1",
	.version = 1,
	.body_bytes = 4096,
};

static int
setup(void **state)
{
	(void)state;
	fixture_dir_make(&dir);
	(void)snprintf(path, sizeof(path), "%s/map", dir.path);
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
mapfile_open__missing__is_made_whole_and_zero(void **state)
{
	struct mapfile m;
	struct error e;
	struct stat st;

	(void)state;
	assert_ok(mapfile_open(path, &spec, true, &m, &e));

	for (size_t i = 0; i < spec.body_bytes; i++)
		assert_int_equal(((char *)m.body)[i], 0);
	assert_int_equal((uintptr_t)m.body % 64, 0);
	assert_int_equal(fcntl(m.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_ok(fstat(m.fd, &st));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_true(st.st_blocks * 512 >= 4096); /* allocated, not a hole */
	mapfile_close(&m);
}

static void
mapfile_open__twice__shares_the_bytes(void **state)
{
	struct mapfile a, b;
	struct error e;

	(void)state;
	assert_ok(mapfile_open(path, &spec, true, &a, &e));
	assert_ok(mapfile_open(path, &spec, true, &b, &e));

	((char *)a.body)[7] = 'x';

	assert_int_equal(((char *)b.body)[7], 'x');
	mapfile_close(&a);
	mapfile_close(&b);
}

static void
mapfile_open__may_not_create__says_not_found(void **state)
{
	struct mapfile m;
	struct error e;

	(void)state;
	assert_int_equal(mapfile_open(path, &spec, false, &m, &e),
	    ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
}

static void
mapfile_open__folder_is_missing__says_io(void **state)
{
	struct mapfile m;
	struct error e;

	(void)state;
	assert_int_equal(mapfile_open("/nowhere/at/all", &spec, true, &m, &e),
	    ERR_IO);
}

static void
mapfile_open__other_version_or_size__is_replaced(void **state)
{
	struct mapfile_spec newer = spec, larger = spec;
	struct mapfile old, m;
	struct error e;

	(void)state;
	newer.version = 2;
	larger.body_bytes *= 2;
	assert_ok(mapfile_open(path, &spec, true, &old, &e));
	((char *)old.body)[0] = 'x';

	assert_ok(mapfile_open(path, &newer, true, &m, &e));
	assert_int_equal(((char *)m.body)[0], 0);
	assert_int_equal(((char *)old.body)[0], 'x'); /* still its own */
	mapfile_close(&m);
	assert_ok(mapfile_open(path, &larger, true, &m, &e));
	mapfile_close(&m);
	mapfile_close(&old);
}

static void
mapfile_open__truncated_or_garbage__is_replaced(void **state)
{
	struct mapfile m;
	struct error e;
	int fd;

	(void)state;
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "garbage", 7), 7);
	(void)close(fd);

	assert_ok(mapfile_open(path, &spec, true, &m, &e));
	mapfile_close(&m);
	assert_ok(truncate(path, 100));
	assert_ok(mapfile_open(path, &spec, true, &m, &e));
	((char *)m.body)[spec.body_bytes - 1] = 1;
	mapfile_close(&m);
}

/* Sixteen processes start on an empty host and count together: had two of
 * them made a file each, the sum would be short. */
static void
mapfile_open__many_processes_at_once__get_one_file(void **state)
{
	struct mapfile m;
	struct error e;
	int status;

	(void)state;
	for (int round = 0; round < 20; round++) {
		(void)unlink(path);
		for (int i = 0; i < 16; i++) {
			if (fork() != 0)
				continue;
			if (mapfile_open(path, &spec, true, &m, &e))
				_exit(1);
			atomic_fetch_add((_Atomic uint64_t *)m.body, 1);
			_exit(0);
		}
		for (int i = 0; i < 16; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_ok(mapfile_open(path, &spec, false, &m, &e));
		assert_int_equal(*(uint64_t *)m.body, 16);
		mapfile_close(&m);
	}
}

static void
mapfile_lock_try__held_by_a_killed_process__is_free_again(void **state)
{
	struct mapfile m;
	struct error e;
	int ready[2];
	char c;
	pid_t pid;

	(void)state;
	assert_ok(mapfile_open(path, &spec, true, &m, &e));
	assert_ok(pipe(ready));
	pid = fork();
	if (pid == 0) {
		struct mapfile own;

		if (mapfile_open(path, &spec, true, &own, &e) ||
		    !mapfile_lock_try(&own, 1))
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);

	assert_false(mapfile_lock_try(&m, 1));
	assert_true(mapfile_lock_try(&m, 2));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);

	assert_true(mapfile_lock_try(&m, 1));
	assert_true(mapfile_lock_try(&m, 1)); /* we have it already */
	mapfile_close(&m);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

/* As two workers that are threads of one test program would. */
static void
mapfile_lock_try__two_openings_in_a_process__exclude_each_other(void **state)
{
	struct mapfile a, b;
	struct error e;

	(void)state;
	assert_ok(mapfile_open(path, &spec, true, &a, &e));
	assert_ok(mapfile_open(path, &spec, true, &b, &e));
	assert_true(mapfile_lock_try(&a, 0));
	assert_false(mapfile_lock_try(&b, 0));

	mapfile_unlock(&a, 0);

	assert_true(mapfile_lock_try(&b, 0));
	mapfile_close(&a);
	assert_true(mapfile_lock_try(&b, 0));
	mapfile_close(&b);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mapfile_open__missing__is_made_whole_and_zero),
		TEST(mapfile_open__twice__shares_the_bytes),
		TEST(mapfile_open__may_not_create__says_not_found),
		TEST(mapfile_open__folder_is_missing__says_io),
		TEST(mapfile_open__other_version_or_size__is_replaced),
		TEST(mapfile_open__truncated_or_garbage__is_replaced),
		TEST(mapfile_open__many_processes_at_once__get_one_file),
		TEST(
		    mapfile_lock_try__two_openings_in_a_process__exclude_each_other),
		TEST(mapfile_lock_try__held_by_a_killed_process__is_free_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
