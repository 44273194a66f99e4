/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ext/sendmail.h"

static struct arena a;
static struct error e;
static char dir[] = "/tmp/tg-sendmail-XXXXXX";
static char command[64], out[64];

/* A program that does what script says; $OUT is where it may write. */
static void
write_program(const char *script)
{
	FILE *f = fopen(command, "w");

	assert_non_null(f);
	assert_true(fprintf(f, "#!/bin/sh\nOUT=%s\n%s\n", out, script) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(command, 0700), 0);
	(void)unlink(out);
}

static enum err
send(const char *line, struct str message)
{
	static const char *const to[] = { "a@example.com", "-b@example.com" };
	struct sendmail s = { .command = line,
		.from = "from@example.com",
		.recipients = to,
		.n_recipients = 2,
		.message = message,
		.timeout_ms = 20000 };

	return sendmail_run(&s, &a, &e);
}

static void
read_out(char *ret, size_t n_max)
{
	FILE *f = fopen(out, "r");
	size_t n;

	assert_non_null(f);
	n = fread(ret, 1, n_max - 1, f);
	ret[n] = '\0';
	assert_int_equal(fclose(f), 0);
}

static void
sendmail_run__words_and_message__arrive_as_they_are(void **state)
{
	char line[128], text[512], want[512];

	(void)state;
	write_program("{ printf '[%s]' \"$@\"; cat; } >$OUT");
	(void)snprintf(line, sizeof(line), "%s  -i -o;$HOME ", command);

	assert_ok(send(line, S("To: x\n\nbody\n.\n")));

	read_out(text, sizeof(text));
	(void)snprintf(want, sizeof(want), "%s",
	    "[-i][-o;$HOME][-f][from@example.com][--][a@example.com]"
	    "[-b@example.com]To: x\n\nbody\n.\n");
	assert_string_equal(text, want);
}

/* One that reads nothing must neither block nor kill us. */
static void
sendmail_run__message_not_read__is_no_failure(void **state)
{
	struct str big = { calloc(1, MIB(1)), MIB(1) };

	(void)state;
	assert_non_null(big.p);
	write_program("exit 0");
	assert_ok(send(command, big));
	free((void *)(uintptr_t)big.p);
}

static void
sendmail_run__fails__says_status_and_last_words(void **state)
{
	(void)state;
	write_program("seq 1 9000; echo 'no such mailbox' >&2; exit 67");
	assert_int_equal(send(command, S("x")), ERR_IO);
	assert_non_null(strstr(e.internal, "exit status 67"));
	assert_non_null(strstr(e.internal, "no such mailbox"));
	write_program("kill -9 $$");
	assert_int_equal(send(command, S("x")), ERR_IO);
	assert_non_null(strstr(e.internal, "signal 9"));
}

static void
sendmail_run__not_there__is_a_fault_of_the_settings(void **state)
{
	(void)state;
	assert_int_equal(send("/nowhere/sendmail", S("x")), ERR_CONFIG);
	assert_int_equal(send("sendmail -i", S("x")), ERR_CONFIG);
	assert_int_equal(sendmail_check("/nowhere/sendmail -i", &e),
	    ERR_CONFIG);
	assert_int_equal(sendmail_check("  ", &e), ERR_CONFIG);
	assert_int_equal(sendmail_check("/a b c d e f g h i j k l m n o p q",
			     &e),
	    ERR_CONFIG);
	write_program("exit 0");
	assert_ok(sendmail_check(command, &e));
}

/* With all that it started: the sleep would keep the pipe open. */
static void
sendmail_run__hangs_or_is_stopped__is_killed(void **state)
{
	static const char *const to[] = { "a@example.com" };
	atomic_bool is_stopping = true;
	struct sendmail s = { .command = command,
		.from = "from@example.com",
		.recipients = to,
		.n_recipients = 1,
		.message = S("x"),
		.timeout_ms = 50 };

	(void)state;
	write_program("sleep 600 & sleep 600");
	assert_int_equal(sendmail_run(&s, &a, &e), ERR_UPSTREAM_TIMEOUT);
	s.timeout_ms = 600000;
	s.is_stopping = &is_stopping;
	assert_int_equal(sendmail_run(&s, &a, &e), ERR_SHUTTING_DOWN);
}

static void
sendmail_run__environment__holds_none_of_our_settings(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(setenv("TOLLGATE_SEAL_KEY", "secret", 1), 0);
	write_program("env >$OUT");
	assert_ok(send(command, S("x")));
	read_out(text, sizeof(text));
	assert_null(strstr(text, "secret"));
	assert_non_null(strstr(text, "PATH=/usr/sbin"));
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, KIB(64));
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(command, sizeof(command), "%s/sendmail", dir);
	(void)snprintf(out, sizeof(out), "%s/out", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(command);
	(void)unlink(out);
	arena_fini(&a);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    sendmail_run__words_and_message__arrive_as_they_are),
		cmocka_unit_test(sendmail_run__message_not_read__is_no_failure),
		cmocka_unit_test(
		    sendmail_run__fails__says_status_and_last_words),
		cmocka_unit_test(
		    sendmail_run__not_there__is_a_fault_of_the_settings),
		cmocka_unit_test(sendmail_run__hangs_or_is_stopped__is_killed),
		cmocka_unit_test(
		    sendmail_run__environment__holds_none_of_our_settings),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
