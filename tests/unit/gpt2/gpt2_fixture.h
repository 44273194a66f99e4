/* SPDX-License-Identifier: MIT */
/* Small checkpoints with random weights, the same ones everywhere. */
#ifndef TG_TESTS_GPT2_FIXTURE_H
#define TG_TESTS_GPT2_FIXTURE_H

#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpt2/model.h"
#include "support/fixture_dir.h"

#define GPT2_FIXTURE_PROGRAM  "tests/support/gpt2_random"
#define GPT2_FIXTURE_ARGS_MAX 40

/* The checkpoint that gpt2_random makes of options ("--n-embd 24 ..."). */
static inline void
gpt2_fixture_write(const char *dir, const char *options)
{
	char text[512], *argv[GPT2_FIXTURE_ARGS_MAX + 3], *rest = NULL;
	size_t n = 0;
	int status;
	pid_t pid;

	(void)snprintf(text, sizeof(text), "%s", options);
	argv[n++] = (char[]){ "gpt2_random" };
	for (char *arg = strtok_r(text, " ", &rest);
	     arg && n < GPT2_FIXTURE_ARGS_MAX; arg = strtok_r(NULL, " ", &rest))
		argv[n++] = arg;
	argv[n++] = (char *)(uintptr_t)dir;
	argv[n] = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execv(GPT2_FIXTURE_PROGRAM, argv);
		perror(GPT2_FIXTURE_PROGRAM);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A model of these options; its files are gone again. */
static inline struct gpt2_model *
gpt2_fixture_model(const char *options, enum gpt2_precision precision)
{
	struct gpt2_model *m = NULL;
	struct fixture_dir dir;
	struct error e = { .internal = "" };
	enum err err;

	fixture_dir_make(&dir);
	gpt2_fixture_write(dir.path, options);
	err = gpt2_model_open(dir.path, precision, &m, &e);
	fixture_dir_remove(&dir);
	assert_string_equal(e.internal, "");
	assert_ok(err);
	return m;
}

#endif
