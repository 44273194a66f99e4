/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/hostmap.h"
#include "domain/tries.h"
#include "support/fixture_dir.h"

#define NOW_MS INT64_C(1800000000000) /* begins a minute and an hour */

static struct fixture_dir dir;
static struct hostmap *map;

static int
setup(void **state)
{
	struct error e;

	(void)state;
	fixture_dir_make(&dir);
	return hostmap_open(dir.path, true, &map, &e) == OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	hostmap_close(map);
	fixture_dir_remove(&dir);
	return 0;
}

/* Two a minute and three an hour. */
static struct tries
tries_of(const char *who)
{
	uint64_t id = tries_id("test:", str_from(who));

	return (struct tries){ .map = map,
		.n = 2,
		.limits = {
		    { id, LIMIT_MINUTE, 2, 0 },
		    { id, LIMIT_HOUR, 3, 0 },
		} };
}

static enum err
count(const char *who, int64_t now_ms, struct tries_wait *ret)
{
	struct tries t = tries_of(who);
	struct error e;

	*ret = (struct tries_wait){ .s = 0 };
	return tries_count(&t, now_ms, ret, &e);
}

static void
tries_count__over_a_limit__is_first_once_a_window(void **state)
{
	struct tries_wait wait;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_ok(count("a", NOW_MS, &wait));
		assert_false(wait.is_first);
	}
	assert_int_equal(count("a", NOW_MS + 1000, &wait), ERR_RATE_LIMITED);
	assert_int_equal(wait.s, 59);
	assert_int_equal(wait.by, 0);
	assert_true(wait.is_first);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(count("A", NOW_MS + 2000, &wait),
		    ERR_RATE_LIMITED);
		assert_false(wait.is_first);
	}
	/* Others have their own. */
	assert_ok(count("b", NOW_MS + 2000, &wait));

	/* Of the next minute one is left for this hour. */
	assert_ok(count("a", NOW_MS + 60000, &wait));
	assert_int_equal(count("a", NOW_MS + 60000, &wait), ERR_RATE_LIMITED);
	assert_int_equal(wait.s, 59 * 60);
	assert_int_equal(wait.by, 1);
	assert_true(wait.is_first);
	assert_int_equal(count("a", NOW_MS + 120000, &wait), ERR_RATE_LIMITED);
	assert_false(wait.is_first);
	assert_ok(count("a", NOW_MS + 3600000, &wait));
}

static void
tries_give_back__what_was_counted__may_come_again(void **state)
{
	struct tries_wait wait;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct tries t = tries_of("c");
		struct error e;

		assert_ok(tries_count(&t, NOW_MS, &wait, &e));
		tries_give_back(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    tries_count__over_a_limit__is_first_once_a_window),
		cmocka_unit_test(
		    tries_give_back__what_was_counted__may_come_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
