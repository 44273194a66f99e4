/* SPDX-License-Identifier: MIT */
/* The server: its end, with requests under way. */
#include "unit/gpt2d/server_fixture.h"

#include <sched.h>
#include <sys/stat.h>

static void
server__draining__nothing_new_and_what_runs_ends(void **state)
{
	static struct client late, health;
	struct job *job;
	struct stat st;
	(void)state;

	job = open_stream(&one, 0);
	dial(&two);
	ask(&two, "GET", "/healthz", "");
	expect(&two, "running\":0}");
	dial(&health);
	ask(&health, "GET", "/healthz", "");
	expect(&health, "running\":0}");
	server_stop(server);
	/* The last thing that a drain does at its start. */
	while (stat(path, &st) == 0)
		(void)sched_yield();
	assert_false(try_dial(&late));
	hang_up(&late);
	ask(&two, "POST", COMPLETIONS, WHOLE);
	expect(&two, "503 ");
	expect(&two, "\"code\":\"shutting_down\"}}");
	ask(&health, "GET", "/healthz", "");
	expect(&health, "503 ");
	expect(&health, "\"status\":\"draining\"");
	fake_token(job, 0, 'a', "a");
	expect(&one, "\"text\":\"a\"");
	fake_finish(job, JOB_END_STOP);
	expect(&one, "[DONE]");
	join();
	hang_up(&health);
}

static void
server__stopped_twice__cut(void **state)
{
	(void)state;

	(void)open_stream(&one, 0);
	dial(&two);
	ask(&two, "POST", COMPLETIONS, WHOLE);
	(void)fake_wait_job(1);
	server_stop(server);
	server_stop(server);
	expect(&one, "data: {\"error\":{");
	expect(&one, "\"code\":\"shutting_down\"}}\n\n");
	expect(&two, "503 ");
	expect(&two, "shutting_down\"}}");
	join();
	expect_end(&two);
}

static void
server__drain_takes_too_long__cut(void **state)
{
	(void)state;

	(void)open_stream(&one, 0);
	server_stop(server);
	expect(&one, "\"code\":\"shutting_down\"}}\n\n");
	join();
}

static void
server__cut_while_loading__503(void **state)
{
	(void)state;

	fake_hold_loads(true);
	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	fake_wait_loads(1);
	server_stop(server);
	server_stop(server);
	expect(&one, "503 ");
	expect(&one, "shutting_down");
	fake_hold_loads(false);
	join();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(server__draining__nothing_new_and_what_runs_ends),
		CASE(server__stopped_twice__cut),
		cmocka_unit_test_setup_teardown(
		    server__drain_takes_too_long__cut, begin_impatient, end),
		CASE_UNLOADED(server__cut_while_loading__503),
	};

	return cmocka_run_group_tests(tests, server_setup, server_teardown);
}
