/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* What fn writes to stderr. */
static size_t
capture(void (*fn)(void), char *ret, size_t cap)
{
	int saved = dup(STDERR_FILENO);
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	fn();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(ends[1]);
	n = read(ends[0], ret, cap - 1);
	close(ends[0]);
	n = n < 0 ? 0 : n;
	ret[n] = '\0';
	return (size_t)n;
}

static void
line_with_break(void)
{
	struct log_rec r;

	log_begin(&r, LOG_LEVEL_WARN, "seen");
	log_str(&r, "value", S("a\n{\"forged\":1}"));
	log_u64(&r, "n", 7);
	log_end(&r);
}

static void
log__line_break_in_value__stays_one_line(void **state)
{
	char text[LOG_LINE_BYTES + 1];

	(void)state;
	clock_set_for_test(1704067200123);
	(void)capture(line_with_break, text, sizeof(text));
	clock_set_for_test(0);

	assert_string_equal(text,
	    "{\"time\":\"2024-01-01T00:00:00.123Z\",\"level\":\"warn\","
	    "\"event\":\"seen\",\"value\":\"a\\n{\\\"forged\\\":1}\",\"n\":7}\n");
}

static void
line_too_long(void)
{
	static char big[LOG_LINE_BYTES];
	struct log_rec r;

	memset(big, 'x', sizeof(big));
	log_begin(&r, LOG_LEVEL_ERROR, "big");
	log_u64(&r, "first", 1);
	log_str(&r, "huge", str_make(big, sizeof(big)));
	log_end(&r);
}

static void
log__value_too_long__line_is_cut_and_says_so(void **state)
{
	char text[LOG_LINE_BYTES + 1];
	size_t n;

	(void)state;
	n = capture(line_too_long, text, sizeof(text));

	assert_true(n > 0);
	assert_non_null(strstr(text, "\"first\":1,\"cut\":true}\n"));
	assert_null(strstr(text, "xxx"));
}

static void
line_of_debug(void)
{
	log_event(LOG_LEVEL_DEBUG, "detail", "not wanted");
}

static void
log__below_the_level__writes_nothing(void **state)
{
	char text[LOG_LINE_BYTES + 1];

	(void)state;
	assert_int_equal(capture(line_of_debug, text, sizeof(text)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log__line_break_in_value__stays_one_line),
		cmocka_unit_test(log__value_too_long__line_is_cut_and_says_so),
		cmocka_unit_test(log__below_the_level__writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
