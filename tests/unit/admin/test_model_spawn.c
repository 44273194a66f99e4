/* SPDX-License-Identifier: MIT */
/* What a model server is started with. */
#include "support/cmocka_tg.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "admin/model_spawn.h"

static void
model_spawn_may_pass__secrets_and_settings__stay_behind(void **state)
{
	static const char *const bad[] = { "TOLLGATE_DB_PASSWORD=x",
		"TOLLGATE_CONFIG=/x", "MYSQL_PWD=x", "NOTIFY_SOCKET=/x",
		"PATHS=x", "PAT=x", "PATH", "LC=x", "XOMP_A=x", "=x", "" };
	static const char *const good[] = { "PATH=/bin", "HOME=", "LANG=C",
		"LC_ALL=C", "TZ=UTC", "OPENBLAS_NUM_THREADS=2",
		"OMP_NUM_THREADS=2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (model_spawn_may_pass(bad[i]))
			fail_msg("passed: %s", bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!model_spawn_may_pass(good[i]))
			fail_msg("left behind: %s", good[i]);
}

/* All that it says; it has ended with 0. */
static void
output_of(const char *const args[], char *ret, size_t ret_bytes)
{
	struct error e;
	size_t n = 0;
	ssize_t got;
	pid_t pid;
	int fd, status;

	assert_ok(model_spawn(args, &pid, &fd, &e));
	do {
		struct pollfd p = { fd, POLLIN, 0 };

		assert_int_equal(poll(&p, 1, -1), 1);
		got = read(fd, ret + n, ret_bytes - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	(void)close(fd);
	ret[n] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
model_spawn__environment__is_what_may_pass(void **state)
{
	const char *const args[] = { "/usr/bin/env", NULL };
	static char text[65536];

	(void)state;
	assert_int_equal(setenv("TOLLGATE_DB_PASSWORD", "sesame", 1), 0);
	assert_int_equal(setenv("OMP_NUM_THREADS", "3", 1), 0);
	output_of(args, text, sizeof(text));
	assert_non_null(strstr(text, "OMP_NUM_THREADS=3\n"));
	assert_null(strstr(text, "sesame"));
	for (char *line = text; *line; line = strchr(line, '\n') + 1)
		if (!model_spawn_may_pass(line))
			fail_msg("passed: %s", line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    model_spawn_may_pass__secrets_and_settings__stay_behind),
		cmocka_unit_test(model_spawn__environment__is_what_may_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
