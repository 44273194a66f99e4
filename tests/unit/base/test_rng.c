/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void
rng_id_bytes__many_ids__all_differ(void **state)
{
	static unsigned char ids[4096][16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		rng_id_bytes(ids[i], sizeof(ids[i]));
	qsort(ids, ARRAY_LEN(ids), sizeof(ids[0]), compare_ids);
	for (size_t i = 1; i < ARRAY_LEN(ids); i++)
		assert_memory_not_equal(ids[i - 1], ids[i], sizeof(ids[0]));
}

static void
rng_id_bytes__any_length__fills_just_that(void **state)
{
	unsigned char to[258];

	(void)state;
	for (size_t n = 0; n <= 256; n++) {
		unsigned char any[258] = { 0 };

		/* Each byte stays 0 in all 32 with a chance of 2^-256. */
		for (int i = 0; i < 32; i++) {
			memset(to, 0, sizeof(to));
			rng_id_bytes(to + 1, n);
			assert_int_equal(to[0], 0);
			assert_int_equal(to[n + 1], 0);
			for (size_t k = 0; k < n; k++)
				any[k] |= to[k + 1];
		}
		for (size_t k = 0; k < n; k++)
			assert_int_not_equal(any[k], 0);
	}
}

static void
rng_bytes__any_length__fills_just_that(void **state)
{
	unsigned char to[1026] = { 0 };
	size_t n_zeros = 0;

	(void)state;
	rng_bytes(to + 1, 1024);
	assert_int_equal(to[0], 0);
	assert_int_equal(to[1025], 0);
	for (size_t i = 1; i <= 1024; i++)
		n_zeros += to[i] == 0;
	assert_true(n_zeros < 64); /* 4 are to be expected */
}

static void
rng_id_bytes__after_fork__parent_and_child_differ(void **state)
{
	unsigned char ours[16], theirs[16];
	int pipe_fds[2], status;
	pid_t pid;

	(void)state;
	rng_id_bytes(ours, sizeof(ours)); /* so that there is a stock */
	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		rng_id_bytes(theirs, sizeof(theirs));
		_exit(write(pipe_fds[1], theirs, sizeof(theirs)) !=
		      sizeof(theirs));
	}
	rng_id_bytes(ours, sizeof(ours));
	assert_int_equal(read(pipe_fds[0], theirs, sizeof(theirs)),
	    sizeof(theirs));
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rng_id_bytes__many_ids__all_differ),
		cmocka_unit_test(rng_id_bytes__any_length__fills_just_that),
		cmocka_unit_test(rng_bytes__any_length__fills_just_that),
		cmocka_unit_test(
		    rng_id_bytes__after_fork__parent_and_child_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
