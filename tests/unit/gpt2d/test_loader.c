/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/fake_engine.h"
#include "unit/gpt2d/fixture_tokenizer.h"

#include <semaphore.h>

#include "base/log.h"
#include "gpt2d/loader.h"

static struct arena a;
static struct vocabulary vocabulary;
static struct loader *loader;
static struct error e;
static sem_t woken;
static const struct loader_options options = {
	.dir = "/srv/models/mini/",
	.vocabulary = &vocabulary,
};

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(16));
	vocabulary.tokenizer = fixture_tokenizer(&a);
	return sem_init(&woken, 0, 0);
}

static int
teardown(void **state)
{
	(void)state;
	tokenizer_close(vocabulary.tokenizer);
	arena_fini(&a);
	return 0;
}

static int
begin(void **state)
{
	(void)state;
	log_init(false, LOG_LEVEL_ERROR, "test");
	fake_reset(FIXTURE_N_VOCAB, 8, FIXTURE_EOS);
	error_clear(&e);
	return (int)loader_new(&options, &loader, &e);
}

static int
end(void **state)
{
	(void)state;
	loader_free(loader);
	return 0;
}

static void
wake(void *ctx)
{
	(void)sem_post(ctx);
}

static void
loader__run__ready(void **state)
{
	(void)state;

	assert_int_equal(loader_state(loader), LOADER_IDLE);
	assert_ok(loader_run(loader, &e));

	assert_int_equal(loader_state(loader), LOADER_READY);
	assert_int_equal(loader_engine(loader).config->n_pos, 8);
	assert_non_null(loader_engine(loader).scheduler);
}

static void
loader__vocabulary_larger_than_the_model__refused(void **state)
{
	(void)state;

	fake_reset(FIXTURE_N_VOCAB - 1, 8, FIXTURE_EOS);
	assert_int_equal(loader_run(loader, &e), ERR_CONFIG);

	assert_non_null(strstr(e.internal, "vocab.json"));
	assert_int_equal(loader_state(loader), LOADER_FAILED);
}

static void
loader__started_twice__loads_once(void **state)
{
	(void)state;

	fake_hold_loads(true);
	assert_ok(loader_start(loader, wake, &woken, &e));
	fake_wait_loads(1);
	assert_ok(loader_start(loader, wake, &woken, &e));
	assert_int_equal(loader_state(loader), LOADER_BUSY);
	fake_hold_loads(false);
	(void)sem_wait(&woken);

	assert_int_equal(loader_state(loader), LOADER_READY);
	assert_ok(loader_start(loader, wake, &woken, &e));
	assert_int_equal(loader_state(loader), LOADER_READY);
}

static void
loader__failed__says_why_without_the_path_and_tries_again(void **state)
{
	struct error why;
	(void)state;

	fake_fail_loads("no n_head");
	assert_ok(loader_start(loader, wake, &woken, &e));
	(void)sem_wait(&woken);
	assert_int_equal(loader_state(loader), LOADER_FAILED);
	loader_failure(loader, &why);
	assert_int_equal(why.code, ERR_MODEL_DOWN);
	assert_string_equal(why.public_text,
	    "The model can't be loaded: config.json: no n_head");
	assert_string_equal(why.internal,
	    "/srv/models/mini//config.json: no n_head");

	fake_fail_loads(NULL);
	assert_ok(loader_start(loader, wake, &woken, &e));
	(void)sem_wait(&woken);
	assert_int_equal(loader_state(loader), LOADER_READY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loader__run__ready, begin, end),
		cmocka_unit_test_setup_teardown(
		    loader__vocabulary_larger_than_the_model__refused, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    loader__started_twice__loads_once, begin, end),
		cmocka_unit_test_setup_teardown(
		    loader__failed__says_why_without_the_path_and_tries_again,
		    begin, end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
