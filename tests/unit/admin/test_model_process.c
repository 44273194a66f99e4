/* SPDX-License-Identifier: MIT */
/* Pauses between starts, and a server that won't end. tests/wire/models.t has
 * the rest with real ones. */
#include "support/cmocka_tg.h"

#include <sys/stat.h>

#include "admin/model_process.h"
#include "base/log.h"
#include "support/fixture_dir.h"

static struct fixture_dir dir;

static void
model_process_pause_ms__ends_again_and_again__grows_to_its_bound(void **state)
{
	static const int64_t expected[] = { 500, 1000, 2000, 4000, 8000, 16000,
		30000, 30000, 30000 };
	int64_t pause_ms = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		pause_ms = model_process_pause_ms(pause_ms, 59999);
		assert_int_equal(pause_ms, expected[i]);
	}
}

static void
model_process_pause_ms__well_for_a_minute__is_the_shortest(void **state)
{
	(void)state;
	assert_int_equal(model_process_pause_ms(30000, 60000), 500);
	assert_int_equal(model_process_pause_ms(0, 0), 500);
}

static void
put(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir.path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* How often the server was started: it writes a line each time. */
static unsigned
count_starts(void)
{
	char path[128];
	unsigned n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/starts", dir.path);
	f = fopen(path, "r");
	for (int c = f ? getc(f) : EOF; c != EOF; c = getc(f))
		n += c == '\n';
	if (f)
		(void)fclose(f);
	return n;
}

/* Until it has been started n times, 10 s at most; time stands still. */
static bool
step_until_started(struct model_process *p, int64_t now_ms, unsigned n)
{
	for (unsigned i = 0; i < 1000 && count_starts() < n; i++) {
		model_process_step(p, now_ms);
		(void)usleep(10000);
	}
	return count_starts() == n;
}

/*
 * A server that doesn't end when it is told to, and is wanted again meanwhile:
 * it is killed all the same, and another one started.
 */
static void
model_process_step__wanted_again_while_it_ends__is_ended_and_started(
    void **state)
{
	char program[128], url[128];
	const struct model_process_env env = { .program = program,
		.directory = "/tmp",
		.socket_dir = dir.path,
		.tokenizers_dir = dir.path };
	struct deployment_served d = {
		.deployment_id = 7,
		.model_id = 7,
		.model_name = S("m"),
		.upstream_name = S("m"),
		.model_path = str_from(strrchr(dir.path, '/') + 1),
	};
	struct model_process *p;

	(void)state;
	(void)snprintf(program, sizeof(program), "%s/server", dir.path);
	(void)snprintf(url, sizeof(url), "unix:%s/7.sock", dir.path);
	d.base_url = str_from(url);
	put("config.json", "{\"model_type\":\"gpt2\",\"n_positions\":8}", 0644);
	put("model.safetensors", "x", 0644);
	put("vocab.json", "{}", 0644);
	put("merges.txt", "x", 0644);
	put("server",
	    "#!/bin/sh\ntrap '' TERM\necho >>\"${0%/*}/starts\"\n"
	    "exec sleep 1000\n",
	    0755);
	p = model_process_new(&env, &d);
	assert_non_null(p);
	assert_true(step_until_started(p, 1, 1));

	model_process_unwant(p);
	model_process_step(p, 2);
	model_process_want(p, &d);
	model_process_step(p, 3);
	assert_false(model_process_is_quiet(p));
	model_process_step(p, 3 + MODEL_PROCESS_STOP_MS);
	assert_true(step_until_started(p, 100 + MODEL_PROCESS_STOP_MS, 2));

	model_process_unwant(p);
	model_process_step(p, 200 + MODEL_PROCESS_STOP_MS);
	for (unsigned i = 0; i < 1000 && !model_process_is_over(p); i++) {
		model_process_step(p, 10 * MODEL_PROCESS_STOP_MS);
		(void)usleep(10000);
	}
	assert_true(model_process_is_over(p));
	model_process_free(p);
}

int
main(void)
{
	int failed;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    model_process_pause_ms__ends_again_and_again__grows_to_its_bound),
		cmocka_unit_test(
		    model_process_pause_ms__well_for_a_minute__is_the_shortest),
		cmocka_unit_test(
		    model_process_step__wanted_again_while_it_ends__is_ended_and_started),
	};

	log_init(false, LOG_LEVEL_ERROR, "test");
	fixture_dir_make(&dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_dir_remove(&dir);
	return failed;
}
