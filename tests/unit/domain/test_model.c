/* SPDX-License-Identifier: MIT */
/* What a model's settings may be. tests/wire/models.t makes and changes them
 * on a real database. */
#include "support/cmocka_tg.h"

#include "domain/model_priv.h"

static struct error e;

static enum err
check(const struct model *m)
{
	const struct model_change now = { .model = *m };
	struct arena a;
	enum err err;

	arena_init(&a, KIB(64));
	err = model_check(NULL, &now, &a, &e);
	arena_fini(&a);
	return err;
}

static void
model_check__nothing_set__passes(void **state)
{
	struct model m;

	(void)state;
	model_init(&m, S("m"));
	assert_ok(check(&m));
	assert_int_equal(m.default_temperature_ppm, -1);
	assert_int_equal(m.idle_ms, -1);
}

static void
model_check__out_of_bounds_or_at_odds__is_named(void **state)
{
	static const struct {
		struct str name;
		int64_t context, max, normal, temperature, connect;
		const char *param;
	} cases[] = {
		{ STR_INIT(""), -1, -1, -1, -1, -1, "name" },
		{ STR_INIT("  "), -1, -1, -1, -1, -1, "name" },
		{ STR_INIT("a\tb"), -1, -1, -1, -1, -1, "name" },
		{ STR_INIT("\xff"), -1, -1, -1, -1, -1, "name" },
		{ STR_INIT("m"), 0, -1, -1, -1, -1, "context_length" },
		{ STR_INIT("m"), 9, 10, -1, -1, -1, "max_output" },
		{ STR_INIT("m"), -1, 10, 11, -1, -1, "default_max_output" },
		{ STR_INIT("m"), 10, -1, 11, -1, -1, "default_max_output" },
		{ STR_INIT("m"), -1, -1, -1, 2000001, -1,
		    "default_temperature" },
		{ STR_INIT("m"), -1, -1, -1, -1, 9, "connect_ms" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct model m;

		model_init(&m, cases[i].name);
		m.context_length = cases[i].context;
		m.max_output_tok = cases[i].max;
		m.default_max_output_tok = cases[i].normal;
		m.default_temperature_ppm = cases[i].temperature;
		m.connect_ms = cases[i].connect;
		assert_int_equal(check(&m), ERR_BAD_PARAM);
		assert_string_equal(e.param, cases[i].param);
	}
}

static void
model_fraction__text_and_back__is_exact(void **state)
{
	static const char *const good[] = { "0", "0.7", "1", "0.000001",
		"1.999999", "2" };
	static const char *const bad[] = { "", "-0.1", "2.000001", "0.0000001",
		"1e-1", "warm", "NaN" };
	char text[MONEY_TEXT_BYTES];
	int64_t ppm;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_ok(model_fraction_read(&model_fractions[0],
		    str_from(good[i]), &ppm, &e));
		model_fraction_text(ppm, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!model_fraction_read(&model_fractions[0], str_from(bad[i]),
			&ppm, &e))
			fail_msg("accepted: %s", bad[i]);
	assert_string_equal(e.param, "default_temperature");
	assert_int_equal(model_fraction_read(&model_fractions[1], S("1.1"),
			     &ppm, &e),
	    ERR_BAD_PARAM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_check__nothing_set__passes),
		cmocka_unit_test(
		    model_check__out_of_bounds_or_at_odds__is_named),
		cmocka_unit_test(model_fraction__text_and_back__is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
