/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/clock.h"
#include "base/zone.h"

static struct arena a;
static struct error e;

static int64_t
offset(const char *name, const char *time, const char *abbreviation)
{
	struct zone z;
	struct str text;
	int64_t at_ms, offset_s;

	assert_ok(zone_load(str_from(name), &a, &z, &e));
	assert_true(clock_parse(str_from(time), &at_ms));
	offset_s = zone_offset_s(&z, at_ms, &text);
	assert_str_is(text, abbreviation);
	return offset_s;
}

static void
zone_offset_s__around_a_change__is_that_of_the_time(void **state)
{
	(void)state;
	assert_int_equal(offset("UTC", "2026-07-01T00:00:00Z", "UTC"), 0);
	/* The last Sunday of March and of October, 01:00 UTC. */
	assert_int_equal(offset("Europe/Berlin", "2026-03-29T00:59:59Z", "CET"),
	    3600);
	assert_int_equal(offset("Europe/Berlin", "2026-03-29T01:00:00Z",
			     "CEST"),
	    7200);
	assert_int_equal(offset("Europe/Berlin", "2026-10-25T00:59:59Z",
			     "CEST"),
	    7200);
	assert_int_equal(offset("Europe/Berlin", "2026-10-25T01:00:00Z", "CET"),
	    3600);
	assert_int_equal(offset("America/New_York", "2026-12-01T00:00:00Z",
			     "EST"),
	    -18000);
	assert_int_equal(offset("Asia/Kathmandu", "2026-12-01T00:00:00Z",
			     "+0545"),
	    20700);
	assert_int_equal(offset("Etc/GMT+1", "2026-12-01T00:00:00Z", "-01"),
	    -3600);
}

static void
zone_load__no_name_of_a_zone__is_refused(void **state)
{
	static const char *const bad[] = { "", "Nowhere", "Europe", "Europe/",
		"/Europe/Berlin", "../zoneinfo/UTC", "Europe/../UTC",
		"Europe//Berlin", "tzdata.zi", "zone1970.tab", ".", "a b",
		"Europe/Berlin\n" };
	struct zone z;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(zone_load(str_from(bad[i]), &a, &z, &e),
		    ERR_BAD_PARAM);
		assert_string_equal(e.param, "time_zone");
	}
}

static int
set_up(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(zone_offset_s__around_a_change__is_that_of_the_time),
		T(zone_load__no_name_of_a_zone__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
