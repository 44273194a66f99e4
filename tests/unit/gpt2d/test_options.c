/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "gpt2d/options.h"

static struct options o;
static struct error e;

/* Words behind the program's name, at most nine, up to a NULL. */
static enum err
read_words(const char *const *words)
{
	char text[10][64], *argv[10] = { text[0] };
	int n = 1;

	(void)strcpy(text[0], "tollgate-gpt2");
	for (; words[n - 1]; n++) {
		(void)strcpy(text[n], words[n - 1]);
		argv[n] = text[n];
	}
	error_clear(&e);
	return options_read(n, argv, &o, &e);
}

#define READ(...) read_words((const char *const[]){ __VA_ARGS__, NULL })

static void
options__least__defaults(void **state)
{
	(void)state;

	assert_ok(READ("--model", "/srv/gpt2-mini/", "--socket=/run/x"));

	assert_int_equal(o.mode, OPTIONS_SERVE);
	assert_int_equal(o.model_name.n, 9);
	assert_int_equal(o.batch_max, 8);
	assert_int_equal(o.queue_max, 256);
	assert_int_equal(o.drain_s, 30);
	assert_true(o.n_threads >= 1);
	assert_int_equal(o.precision, GPT2_F32);
	assert_false(o.is_preloaded);
}

static void
options__all_of_a_server__taken(void **state)
{
	(void)state;

	assert_ok(READ("--model=d", "--listen=127.0.0.1:0", "--preload",
	    "--threads=3", "--max-batch=64", "--queue=0", "--precision=int8",
	    "--model-name=m", "--drain-seconds=5"));

	assert_true(o.is_preloaded);
	assert_int_equal(o.n_threads, 3);
	assert_int_equal(o.batch_max, 64);
	assert_int_equal(o.queue_max, 0);
	assert_int_equal(o.precision, GPT2_INT8);
	assert_int_equal(o.drain_s, 5);
	assert_int_equal(o.address.n, 11);
}

static void
options__generate__its_own(void **state)
{
	(void)state;

	assert_ok(READ("--model=d", "--generate", "", "--max-length=50",
	    "--temperature=0", "--top-k=40", "--top-p=0.5", "--seed=7",
	    "--repetition-penalty=1.5"));

	assert_int_equal(o.mode, OPTIONS_GENERATE);
	assert_int_equal(o.text.n, 0);
	assert_int_equal(o.max_length_tok, 50);
	assert_int_equal(o.sampling.top_k, 40);
	assert_true(o.sampling.temperature < 0.1F);
	assert_true(o.sampling.repetition_penalty > 1.4F);
	assert_true(o.has_seed && o.sampling.seed == 7);
}

static void
options__help_and_version__need_nothing_else(void **state)
{
	(void)state;

	assert_ok(READ("--help"));
	assert_int_equal(o.mode, OPTIONS_HELP);
	assert_ok(READ("--version"));
	assert_int_equal(o.mode, OPTIONS_VERSION);
}

static void
options__wrong_words__refused(void **state)
{
	(void)state;

	assert_int_equal(READ("--socket", "x"), ERR_BAD_PARAM);
	assert_int_equal(READ("--model", "d"), ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--listen=y"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--generate=y"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model"), ERR_BAD_PARAM);
	assert_int_equal(READ("--mod=d", "--socket=x"), ERR_BAD_PARAM);
	assert_int_equal(READ("model", "--socket=x"), ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--preload=1"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--max-batch=65"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--threads=65"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--threads=0"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--socket=x", "--precision=f16"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--generate=x", "--temperature=x"),
	    ERR_BAD_PARAM);
	assert_int_equal(READ("--model=d", "--generate=x", "--temperature=3"),
	    ERR_BAD_PARAM);
	assert_true(e.internal[0] != '\0');
}

static void
options__help__fits_the_screen(void **state)
{
	const struct str help = str_from(options_help);
	struct str rest = help, line;
	(void)state;

	while (str_split(&rest, '\n', &line))
		assert_true(line.n < 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options__least__defaults),
		cmocka_unit_test(options__all_of_a_server__taken),
		cmocka_unit_test(options__generate__its_own),
		cmocka_unit_test(options__help_and_version__need_nothing_else),
		cmocka_unit_test(options__wrong_words__refused),
		cmocka_unit_test(options__help__fits_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
