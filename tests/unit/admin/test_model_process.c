/* SPDX-License-Identifier: MIT */
/* Pauses between starts, servers that won't end and servers that hang. tests/wire/models.t has
 * the rest with real ones. */
#include "support/cmocka_tg.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "admin/model_process.h"
#include "base/log.h"
#include "domain/model_server.h"
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

/* A folder, a program in it that writes a line and waits, and a model whose
 * server that is. */
struct rig {
	char program[128], url[128];
	struct model_process_env env;
	struct deployment_served d;
};

static void
rig_make(struct rig *r)
{
	(void)snprintf(r->program, sizeof(r->program), "%s/server", dir.path);
	(void)snprintf(r->url, sizeof(r->url), "unix:%s/7.sock", dir.path);
	r->env = (struct model_process_env){ .program = r->program,
		.directory = "/tmp",
		.socket_dir = dir.path,
		.tokenizers_dir = dir.path };
	r->d = (struct deployment_served){
		.deployment_id = 7,
		.model_id = 7,
		.model_name = S("m"),
		.upstream_name = S("m"),
		.base_url = str_from(r->url),
		.model_path = str_from(strrchr(dir.path, '/') + 1),
	};
	put("config.json", "{\"model_type\":\"gpt2\",\"n_positions\":8}", 0644);
	put("model.safetensors", "x", 0644);
	put("vocab.json", "{}", 0644);
	put("merges.txt", "x", 0644);
	put("starts", "", 0644);
	put("server",
	    "#!/bin/sh\ntrap '' TERM\necho >>\"${0%/*}/starts\"\n"
	    "exec sleep 1000\n",
	    0755);
}

static void
end(struct model_process *p, int64_t now_ms)
{
	model_process_unwant(p);
	model_process_step(p, now_ms);
	for (unsigned i = 0; i < 1000 && !model_process_is_over(p); i++) {
		model_process_step(p, now_ms + MODEL_PROCESS_STOP_MS);
		(void)usleep(10000);
	}
	assert_true(model_process_is_over(p));
	model_process_free(p);
}

/*
 * A server that doesn't end when it is told to, and is wanted again meanwhile:
 * it is killed all the same, and another one started.
 */
static void
model_process_step__wanted_again_while_it_ends__is_ended_and_started(
    void **state)
{
	struct model_process *p;
	struct rig r;

	(void)state;
	rig_make(&r);
	p = model_process_new(&r.env, &r.d);
	assert_non_null(p);
	assert_true(step_until_started(p, 1, 1));

	model_process_unwant(p);
	model_process_step(p, 2);
	model_process_want(p, &r.d);
	model_process_step(p, 3);
	assert_false(model_process_is_quiet(p));
	model_process_step(p, 3 + MODEL_PROCESS_STOP_MS);
	assert_true(step_until_started(p, 100 + MODEL_PROCESS_STOP_MS, 2));
	end(p, 200 + MODEL_PROCESS_STOP_MS);
}

/* ---- one that hangs; the test itself answers in its place ---- */

static int
listen_at(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unlink(path);
	memcpy(to.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* Take the oldest question that waits and say this. */
static void
answer(int listener, const char *words)
{
	int fd = accept(listener, NULL, NULL);
	char asked[256];

	assert_true(fd >= 0);
	assert_true(read(fd, asked, sizeof(asked)) > 0);
	(void)send(fd, words, strlen(words), MSG_NOSIGNAL); /* or it left */
	(void)close(fd);
}

static void
why_is(const char *expected)
{
	char why[MODEL_SERVER_WHY_BYTES];

	assert_true(model_server_why_read(dir.path, 7, why));
	assert_string_equal(why, expected);
}

static bool
step_until_why(struct model_process *p, int64_t now_ms)
{
	char why[MODEL_SERVER_WHY_BYTES];

	for (unsigned i = 0; i < 1000; i++) {
		model_process_step(p, now_ms);
		if (model_server_why_read(dir.path, 7, why))
			return true;
		(void)usleep(10000);
	}
	return false;
}

#define OK_WORDS    "HTTP/1.1 200 OK\r\n\r\n"
#define OTHER_WORDS "HTTP/1.1 503 Service Unavailable\r\n\r\n"

static void
model_process_step__answers_no_more__is_killed_and_started_again(void **state)
{
	struct model_process *p;
	int64_t now_ms = 1000;
	struct rig r;
	int listener;

	(void)state;
	rig_make(&r);
	p = model_process_new(&r.env, &r.d);
	assert_non_null(p);
	assert_true(step_until_started(p, now_ms, 1));
	listener = listen_at(r.url + strlen("unix:"));

	/* not ready as long as it says nothing, which may take any time */
	now_ms += 100;
	model_process_step(p, now_ms);
	now_ms += 100 * MODEL_PROCESS_ANSWER_MS;
	model_process_step(p, now_ms);
	answer(listener, OTHER_WORDS); /* the first, given up by now */
	assert_false(model_process_is_quiet(p));
	answer(listener, OK_WORDS);
	model_process_step(p, now_ms);
	assert_true(model_process_is_quiet(p));

	/* one question less than too many, then any answer: all is well */
	for (unsigned i = 0; i + 1 < MODEL_PROCESS_MISSES; i++) {
		now_ms += MODEL_PROCESS_ASK_MS;
		model_process_step(p, now_ms);
	}
	now_ms += MODEL_PROCESS_ANSWER_MS;
	model_process_step(p, now_ms);
	for (unsigned i = 0; i < MODEL_PROCESS_MISSES; i++)
		answer(listener, OTHER_WORDS);
	model_process_step(p, now_ms);
	assert_true(model_process_is_quiet(p));

	/* too many: killed, started again, and it is said why */
	for (unsigned i = 0; i < MODEL_PROCESS_MISSES; i++) {
		now_ms += MODEL_PROCESS_ASK_MS;
		model_process_step(p, now_ms);
	}
	now_ms += MODEL_PROCESS_ANSWER_MS - 1;
	model_process_step(p, now_ms);
	model_process_step(p, now_ms);
	assert_int_equal(count_starts(), 1);
	now_ms += 1;
	assert_true(step_until_why(p, now_ms));
	why_is("its server left 3 questions in a row without an answer and "
	       "was killed");
	assert_int_equal(count_starts(), 1);
	now_ms += MODEL_PROCESS_PAUSE_MIN_MS;
	assert_true(step_until_started(p, now_ms, 2));
	(void)close(listener);
	end(p, now_ms);
}

/* Nobody listens: it may be ending, and has the time for it. */
static void
model_process_step__listens_no_more__is_killed_later(void **state)
{
	struct model_process *p;
	int64_t now_ms = 1000;
	struct rig r;
	int listener;

	(void)state;
	rig_make(&r);
	p = model_process_new(&r.env, &r.d);
	assert_non_null(p);
	assert_true(step_until_started(p, now_ms, 1));
	listener = listen_at(r.url + strlen("unix:"));
	now_ms += 100;
	model_process_step(p, now_ms);
	answer(listener, OK_WORDS);
	model_process_step(p, now_ms);
	assert_true(model_process_is_quiet(p));
	(void)close(listener);
	for (int64_t ms = MODEL_PROCESS_ASK_MS; ms < MODEL_PROCESS_STOP_MS;
	     ms += MODEL_PROCESS_ASK_MS) {
		model_process_step(p, now_ms + ms);
		assert_true(model_process_is_quiet(p));
	}
	now_ms += MODEL_PROCESS_STOP_MS;
	assert_true(step_until_why(p, now_ms));
	end(p, now_ms);
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
		cmocka_unit_test(
		    model_process_step__answers_no_more__is_killed_and_started_again),
		cmocka_unit_test(
		    model_process_step__listens_no_more__is_killed_later),
	};

	log_init(false, LOG_LEVEL_ERROR, "test");
	fixture_dir_make(&dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_dir_remove(&dir);
	return failed;
}
