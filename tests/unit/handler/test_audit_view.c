/* SPDX-License-Identifier: MIT */
/* Details of the audit log in words. */
#include "support/cmocka_tg.h"

#include "handler/web/audit_view.h"

static struct arena a;

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

static const struct tval *
member(const struct tval *o, const char *key)
{
	for (struct tval_item *i = o->first; i; i = i->next)
		if (str_eq(i->key, str_from(key)))
			return i->value;
	fail_msg("no member %s", key);
	return NULL;
}

/* "name|before|after" of each; "-" where there is no such side. */
static void
assert_changes(const char *detail, const char *const *wanted)
{
	struct tval *o = tval_object(&a);
	const struct tval_item *i;

	audit_changes_add(o, detail ? str_from(detail) : str_make(NULL, 0));
	i = member(o, "changes")->first;
	assert_int_equal(member(o, "has_changes")->flag, *wanted != NULL);
	for (; *wanted; wanted++, i = i->next) {
		const struct tval *c;
		struct str got;

		assert_non_null(i);
		c = i->value;
		got = arena_printf(&a, "%" PRI_STR "|%" PRI_STR "|%" PRI_STR,
		    STR_ARG(member(c, "name")->text),
		    STR_ARG(member(c, "has_before")->flag
				? member(c, "before")->text
				: S("-")),
		    STR_ARG(member(c, "has_after")->flag
				? member(c, "after")->text
				: S("-")));
		assert_str_is(got, *wanted);
	}
	assert_null(i);
}

static void
changes__of_members__have_both_sides(void **state)
{
	const char *const wanted[] = { "name|old \"x\"|<b>new</b>",
		"is_active|true|false", "project_id|nothing|7", NULL };

	(void)state;
	assert_changes("{\"before\":{\"name\":\"old \\\"x\\\"\","
		       "\"is_active\":true,\"project_id\":null},"
		       "\"after\":{\"name\":\"<b>new</b>\","
		       "\"is_active\":false,\"project_id\":7}}",
	    wanted);
}

static void
changes__of_what_was_made__are_what_it_says(void **state)
{
	const char *const wanted[] = { "name|-|web",
		"budget|-|amount_usd: 5, notify_at_percent: [50,80]", NULL };

	(void)state;
	assert_changes("{\"before\":null,\"after\":{\"name\":\"web\","
		       "\"expires_at\":null,\"allowed_ips\":[],"
		       "\"budget\":{\"amount_usd\":5,"
		       "\"notify_at_percent\":[50,80],\"x\":null}}}",
	    wanted);
}

static void
changes__of_other_facts__are_shown_as_they_are(void **state)
{
	const char *const wanted[] = { "markup|1|2", "account|-|root",
		"reference|-|invoice-17", NULL };

	(void)state;
	assert_changes("{\"operator\":{\"before\":{\"markup\":1},"
		       "\"after\":{\"markup\":2}},\"account\":\"root\","
		       "\"reference\":\"invoice-17\"}",
	    wanted);
}

static void
changes__of_nothing_or_what_is_no_object__are_none(void **state)
{
	const char *const none[] = { NULL };

	(void)state;
	assert_changes(NULL, none);
	assert_changes("{}", none);
	assert_changes("[1]", none);
	assert_changes("{\"before\":{\"name\"", none);
	assert_changes("{\"before\":null,\"after\":null}", none);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(changes__of_members__have_both_sides),
		T(changes__of_what_was_made__are_what_it_says),
		T(changes__of_other_facts__are_shown_as_they_are),
		T(changes__of_nothing_or_what_is_no_object__are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
