/* SPDX-License-Identifier: MIT */
/* The scheduler: how jobs wait for each other, and leave. */
#include "scheduler_fixture.h"

static void
scheduler_cancel__a_running_job__ends_before_its_next_token(void **state)
{
	struct scheduler *s = scheduler_make(2, 4, 4);
	struct client *c = client_make(1, 3, 100),
		      *other = client_make(2, 3, 9);
	struct client *alone = client_make(2, 3, 9);

	(void)state;
	run_alone(alone);
	c->gate_tok = 5;
	c->job.n_choices = 2;
	submit(s, c);
	submit(s, other);
	wait_at_gate(c);
	scheduler_cancel(s, &c->job);
	open_gate(c);
	wait_done(c);
	assert_int_equal(c->answers[0].end, JOB_END_CANCELLED);
	assert_int_equal(c->answers[1].end, JOB_END_CANCELLED);
	assert_int_equal(c->answers[0].n_tok, 5);
	assert_true(c->answers[1].n_tok <= 5);
	wait_done(other);
	assert_same(other, 0, alone, 0);
	scheduler_free(s);
	client_free(c);
	client_free(other);
	client_free(alone);
}

static void
scheduler_cancel__a_waiting_job__ends_while_others_run(void **state)
{
	struct scheduler *s = scheduler_make(1, 1, 3);
	struct client *running = client_make(1, 3, 40);
	struct client *waiting[3], *late = client_make(9, 3, 2);

	(void)state;
	running->gate_tok = 2;
	submit(s, running);
	wait_at_gate(running);
	for (unsigned i = 0; i < 3; i++) {
		waiting[i] = client_make(2 + i, 3, 2);
		submit(s, waiting[i]);
	}
	assert_int_equal(scheduler_load(s).n_waiting, 3);
	assert_int_equal(scheduler_load(s).n_running, 1);
	scheduler_cancel(s, &waiting[2]->job); /* the last of the queue */
	scheduler_cancel(s, &waiting[0]->job);
	running->gate_tok = 5;
	open_gate(running);
	wait_at_gate(running);
	/* the queue has a new end */
	assert_int_equal(scheduler_load(s).n_waiting, 1);
	submit(s, late);
	open_gate(running);
	wait_done(late);
	for (unsigned i = 0; i < 3; i++) {
		wait_done(waiting[i]);
		assert_int_equal(waiting[i]->answers[0].end,
		    i == 1 ? JOB_END_LENGTH : JOB_END_CANCELLED);
		assert_int_equal(waiting[i]->answers[0].n_tok, i == 1 ? 2 : 0);
	}
	wait_done(running);
	assert_int_equal(running->answers[0].n_tok, 40);
	assert_true(waiting[0]->done_order < running->done_order);
	assert_true(waiting[2]->done_order < running->done_order);
	assert_true(waiting[1]->done_order > running->done_order);
	assert_true(late->done_order > waiting[1]->done_order);
	scheduler_free(s);
	client_free(running);
	client_free(late);
	for (unsigned i = 0; i < 3; i++)
		client_free(waiting[i]);
}

static void
scheduler_submit__beyond_the_queue__is_overloaded(void **state)
{
	/* batch, queue, and how many are taken behind the one that runs */
	static const uint32_t cases[][3] = { { 1, 0, 0 }, { 1, 1, 1 },
		{ 1, 2, 2 }, { 3, 0, 2 }, { 3, 1, 2 }, { 3, 4, 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scheduler *s = scheduler_make(1, cases[i][0],
		    cases[i][1]);
		struct client *clients[6];
		uint32_t n_taken = cases[i][2];
		struct error e;

		for (unsigned k = 0; k < 6; k++)
			clients[k] = client_make(k, 3, 4);
		clients[0]->gate_tok = 1;
		submit(s, clients[0]);
		wait_at_gate(clients[0]);
		for (unsigned k = 1; k <= n_taken; k++)
			submit(s, clients[k]);
		assert_int_equal(scheduler_load(s).n_waiting, n_taken);
		assert_int_equal(scheduler_submit(s, &clients[5]->job, &e),
		    ERR_OVERLOADED);
		open_gate(clients[0]);
		for (unsigned k = 0; k <= n_taken; k++)
			wait_done(clients[k]);
		assert_int_equal(clients[5]->n_done, 0);
		scheduler_free(s);
		for (unsigned k = 0; k < 6; k++)
			client_free(clients[k]);
	}
}

/* A job with more choices than there is room for waits; the queue keeps its
 * order. */
static void
scheduler_submit__a_job_of_many_choices__waits_for_its_room(void **state)
{
	struct scheduler *s = scheduler_make(1, 4, 8);
	struct client *a = client_make(1, 3, 20), *b = client_make(2, 3, 3);
	struct client *c = client_make(3, 3, 3);

	(void)state;
	a->gate_tok = 1;
	b->job.n_choices = 4;
	submit(s, a);
	wait_at_gate(a);
	submit(s, b);
	submit(s, c);
	open_gate(a);
	wait_done(c);
	wait_done(b);
	wait_done(a);
	assert_true(a->done_order < b->done_order);
	assert_true(b->done_order < c->done_order);
	scheduler_free(s);
	client_free(a);
	client_free(b);
	client_free(c);
}

static unsigned n_copies_before;

/* A token of the one that writes while others get their copies. */
static void
count_copies(void *ctx, const struct job_piece *piece)
{
	struct client *c = ctx;

	take_piece(ctx, piece);
	c->n_wrong += seams.n_copies > n_copies_before + 1;
	n_copies_before = seams.n_copies;
}

static void
scheduler_submit__many_choices__one_copy_between_others_tokens(void **state)
{
	struct scheduler *s = scheduler_make(1, 5, 8);
	struct client *a = client_make(1, 3, 60), *b = client_make(2, 70, 3);
	struct client *c = client_make(3, 3, 3), *alone = client_make(3, 3, 3);

	(void)state;
	run_alone(alone);
	seams.n_copies = n_copies_before = 0;
	a->gate_tok = 1;
	a->job.piece = count_copies;
	b->job.n_choices = CHOICES_MAX;
	submit(s, a);
	wait_at_gate(a);
	submit(s, b);
	submit(s, c);
	open_gate(a);
	wait_done(a);
	wait_done(b);
	wait_done(c);
	assert_int_equal(seams.n_copies, CHOICES_MAX - 1);
	assert_true(b->done_order < a->done_order);
	assert_same(c, 0, alone, 0);
	scheduler_free(s);
	client_free(a);
	client_free(b);
	client_free(c);
	client_free(alone);
}

static void
scheduler_cancel__between_copies__the_next_prompt_is_read(void **state)
{
	struct scheduler *s = scheduler_make(1, CHOICES_MAX, 8);
	struct client *a = client_make(2, 9, 3), *b = client_make(3, 9, 3);
	struct client *alone = client_make(3, 9, 3);

	(void)state;
	b->job.n_choices = alone->job.n_choices = 2;
	run_alone(alone);
	a->job.n_choices = CHOICES_MAX;
	seams.n_copies = 0;
	seams.scheduler = s;
	seams.cancelled = &a->job;
	submit(s, a);
	wait_done(a);
	seams.cancelled = NULL;
	assert_int_equal(seams.n_copies, 1);
	for (uint32_t i = 0; i < CHOICES_MAX; i++) {
		assert_int_equal(a->answers[i].end, JOB_END_CANCELLED);
		assert_int_equal(a->answers[i].n_tok, 0);
	}
	submit(s, b);
	wait_done(b);
	assert_same(b, 0, alone, 0);
	assert_same(b, 1, alone, 1);
	scheduler_free(s);
	client_free(a);
	client_free(b);
	client_free(alone);
}

/* Room for the third of four choices is missing; the next job has it all. */
static void
scheduler_submit__no_memory_to_begin__fails_alone(void **state)
{
	struct scheduler *s = scheduler_make(1, CHOICES_MAX, 8);
	struct client *a = client_make(2, 9, 3), *b = client_make(2, 9, 3);

	(void)state;
	a->job.n_choices = b->job.n_choices = CHOICES_MAX;
	seams.seq_fails_at = 3;
	submit(s, a);
	wait_done(a);
	assert_int_equal(seams.seq_fails_at, 0);
	for (uint32_t i = 0; i < CHOICES_MAX; i++) {
		assert_int_equal(a->answers[i].end, JOB_END_FAILED);
		assert_int_equal(a->answers[i].n_tok, 0);
	}
	assert_int_equal(scheduler_load(s).n_running, 0);
	submit(s, b);
	wait_done(b);
	for (uint32_t i = 0; i < CHOICES_MAX; i++) {
		assert_int_equal(b->answers[i].end, JOB_END_LENGTH);
		assert_int_equal(b->answers[i].n_tok, 3);
	}
	scheduler_free(s);
	client_free(a);
	client_free(b);
}

static void
scheduler_submit__no_memory_for_a_text__its_neighbour_goes_on(void **state)
{
	struct scheduler *s = scheduler_make(1, 2, 8);
	struct client *a = client_make(2, 9, 20), *b = client_make(3, 9, 20);
	struct client *alone = client_make(3, 9, 20);

	(void)state;
	run_alone(alone);
	a->gate_tok = 1;
	submit(s, a);
	wait_at_gate(a);
	submit(s, b);
	a->gate_tok = 5;
	open_gate(a);
	wait_at_gate(a);
	/* in this turn it is b's next */
	seams.text_fails_at = 2;
	a->gate_tok = 0;
	open_gate(a);
	wait_done(a);
	wait_done(b);
	assert_int_equal(seams.text_fails_at, 0);
	assert_int_equal(a->answers[0].end, JOB_END_FAILED);
	assert_same(b, 0, alone, 0);
	scheduler_free(s);
	client_free(a);
	client_free(b);
	client_free(alone);
}

static void
scheduler_free__with_jobs__ends_each_of_them(void **state)
{
	enum {
		N = 8
	};
	struct client *clients[N];

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		struct scheduler *s = scheduler_make(2, 4, N);

		for (unsigned i = 0; i < N; i++) {
			clients[i] = client_make(i, 3 + 40 * (i % 3), 140);
			clients[i]->job.n_choices = 1 + i % 2;
		}
		clients[0]->gate_tok = 2 * round;
		for (unsigned i = 0; i < N; i++)
			submit(s, clients[i]);
		if (round > 0) {
			wait_at_gate(clients[0]);
			open_gate(clients[0]);
		}
		scheduler_free(s);
		for (unsigned i = 0; i < N; i++) {
			wait_done(clients[i]);
			assert_true(
			    i == 0 ||
			    clients[i]->answers[0].end == JOB_END_CANCELLED ||
			    clients[i]->answers[0].end == JOB_END_LENGTH);
			client_free(clients[i]);
		}
	}
	scheduler_free(NULL);
}

static void
scheduler_free__without_jobs__ends(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		scheduler_free(scheduler_make(1 + i % 3, 1, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    scheduler_cancel__a_running_job__ends_before_its_next_token),
		cmocka_unit_test(
		    scheduler_cancel__a_waiting_job__ends_while_others_run),
		cmocka_unit_test(
		    scheduler_submit__beyond_the_queue__is_overloaded),
		cmocka_unit_test(
		    scheduler_submit__a_job_of_many_choices__waits_for_its_room),
		cmocka_unit_test(
		    scheduler_submit__many_choices__one_copy_between_others_tokens),
		cmocka_unit_test(
		    scheduler_cancel__between_copies__the_next_prompt_is_read),
		cmocka_unit_test(
		    scheduler_submit__no_memory_to_begin__fails_alone),
		cmocka_unit_test(
		    scheduler_submit__no_memory_for_a_text__its_neighbour_goes_on),
		cmocka_unit_test(scheduler_free__with_jobs__ends_each_of_them),
		cmocka_unit_test(scheduler_free__without_jobs__ends),
	};

	return cmocka_run_group_tests(tests, scheduler_setup,
	    scheduler_teardown);
}
