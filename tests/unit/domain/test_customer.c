/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/customer.h"
#include "store/customer.h"

static void
email_is_valid__ordinary_addresses__pass(void **state)
{
	static const char *const cases[] = { "contact@company.com",
		"a.b+c@x-y.example", "o'neil@host.co.uk", "1@2.3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(email_is_valid(str_from(cases[i])));
}

static void
email_is_valid__anything_else__is_refused(void **state)
{
	static const char *const cases[] = { "", "@", "a@", "@b.c", "a@b",
		"a b@c.d", "a@b..c", ".a@b.c", "a.@b.c", "a..b@c.d", "a@-b.c",
		"a@b-.c", "a@b.c\r\nBcc: x@y.z", "\"a b\"@c.d", "a@b@c.d",
		"a@[127.0.0.1]", "a<script>@b.c", "a@b_c.d" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (email_is_valid(str_from(cases[i])))
			fail_msg("\"%s\" passed", cases[i]);
}

static void
customer_check__bad_members__are_named(void **state)
{
	struct customer c = { .name = S("N"), .email = S("a@b.c") };
	struct error e;

	(void)state;
	assert_ok(customer_check(&c, &e));
	c.name = S("  ");
	assert_int_equal(customer_check(&c, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "name");
	c.name = S("N");
	c.company = S("a\nb");
	assert_int_equal(customer_check(&c, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "company");
	c.company = S("\xff");
	assert_int_equal(customer_check(&c, &e), ERR_BAD_PARAM);
	c.company = S("C");
	c.email = S("nobody");
	assert_int_equal(customer_check(&c, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "email");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(email_is_valid__ordinary_addresses__pass),
		cmocka_unit_test(email_is_valid__anything_else__is_refused),
		cmocka_unit_test(customer_check__bad_members__are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
