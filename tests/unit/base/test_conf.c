/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"

static char path[64];

static void
write_file(const char *text)
{
	int fd;

	memcpy(path, "/tmp/test_conf_XXXXXX", 22);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static struct conf *
load(const char *text)
{
	struct conf *c = NULL;
	struct error e;

	write_file(text);
	assert_ok(conf_load(path, &c, &e));
	unlink(path);
	return c;
}

static void
assert_refused(const char *text, const char *why)
{
	struct conf *c = NULL;
	struct error e;

	write_file(text);
	assert_int_equal(conf_load(path, &c, &e), ERR_CONFIG);
	unlink(path);
	if (!strstr(e.internal, why))
		fail_msg("\"%s\" does not say \"%s\"", e.internal, why);
}

static void
conf_load__dotenv_forms__are_read(void **state)
{
	struct conf *c = load("# comment\n\nexport TOLLGATE_THREADS=7 # seven\n"
			      "TOLLGATE_DB_USER='a #b'\r\n"
			      "TOLLGATE_DB_PASSWORD=\"q\\\"x\"\n"
			      "TOLLGATE_LIMITS_ON_FAILURE=closed\n"
			      "STRIPE_SECRET_KEY=sk\nOTEL_SERVICE_NAME=t\n");

	(void)state;
	assert_int_equal(conf_u64(c, CONF_THREADS), 7);
	assert_string_equal(conf_text(c, CONF_DB_USER), "a #b");
	assert_string_equal(conf_text(c, CONF_DB_PASSWORD), "q\"x");
	assert_int_equal(conf_enum(c, CONF_LIMITS_ON_FAILURE),
	    CONF_FAILURE_CLOSED);
	assert_string_equal(conf_text(c, CONF_STRIPE_SECRET_KEY), "sk");
	conf_free(c);
}

static void
conf_load__environment__beats_the_file(void **state)
{
	struct conf *c;

	(void)state;
	setenv("TOLLGATE_THREADS", "9", 1);
	c = load("TOLLGATE_THREADS=7\n");
	unsetenv("TOLLGATE_THREADS");

	assert_int_equal(conf_u64(c, CONF_THREADS), 9);
	conf_free(c);
}

static void
conf_load__other_names_in_the_environment__are_not_ours(void **state)
{
	struct conf *c;

	(void)state;
	setenv("STRIPE_SECRET_KEY_TEST", "sk_test", 1);
	setenv("STRIPE_SECRET_KEY", "sk_live", 1);
	c = load("");
	unsetenv("STRIPE_SECRET_KEY_TEST");
	unsetenv("STRIPE_SECRET_KEY");

	assert_string_equal(conf_text(c, CONF_STRIPE_SECRET_KEY), "sk_live");
	conf_free(c);
}

static void
conf_load__bad_values__name_line_setting_and_bounds(void **state)
{
	(void)state;
	assert_refused("\nTOLLGATE_THREADS=0\n", "line 2: threads must be");
	assert_refused("TOLLGATE_THREADS=513\n", "from 1 to 512");
	assert_refused("TOLLGATE_THREADS=-1\n", "threads");
	assert_refused("TOLLGATE_NO_SUCH=1\n", "unknown setting");
	assert_refused("TOLLGATE_LIMITS_ON_FAILURE=loc\n", "local|open|closed");
	assert_refused("TOLLGATE_TEMPLATES_RELOAD=yes\n", "on or off");
	assert_refused("TOLLGATE_STATE_DIR=relative\n", "absolute path");
	assert_refused("TOLLGATE_AUTH_PEPPER=abc\n", "64 to 128");
	assert_refused("TOLLGATE_DB_USER='open\n", "quotes");
	assert_refused("just words\n", "NAME=value");
}

static void
conf_load__named_file_missing__is_an_error(void **state)
{
	struct conf *c = NULL;
	struct error e;

	(void)state;
	assert_int_equal(conf_load("/nonexistent/x", &c, &e), ERR_IO);
}

static void
conf_journal_dir__unset__lies_below_the_state_dir(void **state)
{
	struct conf *c = load("TOLLGATE_STATE_DIR=/x\n");

	(void)state;
	assert_string_equal(conf_journal_dir(c), "/x/journal");
	conf_free(c);
}

static void
conf_print__secret_given__is_not_shown(void **state)
{
	struct conf *c = load("TOLLGATE_DB_PASSWORD=canary\n");
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, MIB(1));
	buf_init(&b, &a, KIB(256));
	conf_print(c, &b);

	assert_int_equal(b.sticky, OK);
	assert_int_equal(str_find_str(buf_str(&b), S("canary")), b.n);
	assert_true(
	    str_find_str(buf_str(&b), S("\nTOLLGATE_DB_PASSWORD=***\n")) < b.n);
	assert_true(str_find_str(buf_str(&b),
			S("threads, 1 to 512; default 64")) < b.n);
	arena_fini(&a);
	conf_free(c);
}

static void
conf_keep_fixed__both_kinds_changed__only_reloadable_ones_pass(void **state)
{
	struct conf *old = load("TOLLGATE_THREADS=4\n"
				"TOLLGATE_STATE_DIR=/old\n"
				"TOLLGATE_BODY_MAX_BYTES=2048\n");
	struct conf *c = load("TOLLGATE_THREADS=8\n"
			      "TOLLGATE_BODY_MAX_BYTES=4096\n");
	struct error e;

	(void)state;
	log_init(false, LOG_LEVEL_ERROR, "test");
	assert_ok(conf_keep_fixed(c, old, &e));

	assert_int_equal(conf_u64(c, CONF_THREADS), 4);
	assert_int_equal(conf_u64(c, CONF_BODY_MAX_BYTES), 4096);
	assert_string_equal(conf_journal_dir(c), "/old/journal");
	conf_free(c);
	conf_free(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_load__dotenv_forms__are_read),
		cmocka_unit_test(conf_load__environment__beats_the_file),
		cmocka_unit_test(
		    conf_load__other_names_in_the_environment__are_not_ours),
		cmocka_unit_test(
		    conf_load__bad_values__name_line_setting_and_bounds),
		cmocka_unit_test(conf_load__named_file_missing__is_an_error),
		cmocka_unit_test(
		    conf_journal_dir__unset__lies_below_the_state_dir),
		cmocka_unit_test(conf_print__secret_given__is_not_shown),
		cmocka_unit_test(
		    conf_keep_fixed__both_kinds_changed__only_reloadable_ones_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
