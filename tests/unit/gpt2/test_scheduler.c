/* SPDX-License-Identifier: MIT */
/* The scheduler: what jobs say. */
#include "scheduler_fixture.h"

#include "gpt2/model_priv.h"

static struct str
text_of(const struct client *c, uint32_t choice)
{
	return str_make(c->answers[choice].text, c->answers[choice].n);
}

static void
scheduler_submit__many_jobs__say_what_each_says_alone(void **state)
{
	enum {
		N = 14
	};
	struct client *alone[N], *together[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct client **both[2] = { &alone[i], &together[i] };

		for (unsigned k = 0; k < 2; k++) {
			struct client *c = client_make(i, 1 + i * 10, 5 + i);

			c->job.n_choices = 1 + i % 3;
			c->job.sampling.temperature = i % 4 ? 1.2F : 0;
			c->job.sampling.top_k = i % 5 ? 0 : 40;
			*both[k] = c;
		}
		run_alone(alone[i]);
	}
	for (uint32_t batch = 3; batch <= 11; batch += 4) {
		struct scheduler *s = scheduler_make(batch / 4 + 1, batch, N);

		for (unsigned i = 0; i < N; i++)
			submit(s, together[i]);
		for (unsigned i = 0; i < N; i++) {
			wait_done(together[i]);
			for (uint32_t k = 0; k < 1 + i % 3; k++)
				assert_same(together[i], k, alone[i], k);
			memset(together[i]->answers, 0,
			    sizeof(together[i]->answers));
			together[i]->n_done = 0;
		}
		assert_int_equal(scheduler_load(s).n_waiting, 0);
		assert_int_equal(scheduler_load(s).n_running, 0);
		scheduler_free(s);
	}
	for (unsigned i = 0; i < N; i++) {
		client_free(alone[i]);
		client_free(together[i]);
	}
}

static void
scheduler_submit__choices__are_those_of_the_seeds_that_follow(void **state)
{
	struct client *all = client_make(50, 70, 12);

	(void)state;
	all->job.n_choices = CHOICES_MAX;
	run_alone(all);
	for (uint32_t i = 0; i < CHOICES_MAX; i++) {
		struct client *one = client_make(50, 70, 12);

		one->job.sampling.seed += i;
		run_alone(one);
		assert_same(all, i, one, 0);
		client_free(one);
	}
	assert_false(str_eq(text_of(all, 0), text_of(all, 1)));
	client_free(all);
}

static void
scheduler_submit__lengths__end_where_they_must(void **state)
{
	static const struct {
		uint32_t n_prompt, max_new_tok, n_tok;
	} cases[] = {
		{ 1, 1, 1 },
		{ 64, 7, 7 },
		{ 65, 2, 2 },
		{ N_POS - 1, 1, 1 },
		{ N_POS - 1, 2, 1 }, /* the context is full */
		{ N_POS - 1, UINT32_MAX, 1 },
		{ N_POS - 3, 3, 3 },
		{ N_POS - 3, 4, 3 },
		{ 1, UINT32_MAX, N_POS - 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct client *c = client_make(i, cases[i].n_prompt,
		    cases[i].max_new_tok);

		run_alone(c);
		assert_int_equal(c->answers[0].n_tok, cases[i].n_tok);
		assert_int_equal(c->answers[0].end, JOB_END_LENGTH);
		client_free(c);
	}
}

static void
scheduler_submit__end_of_text__ends_an_answer_without_its_token(void **state)
{
	struct client *all = client_make(7, 9, 30), *c = client_make(7, 9, 30);
	struct client *ignoring = client_make(7, 9, 30);
	uint32_t eos, first = 0;

	(void)state;
	run_alone(all);
	eos = all->answers[0].ids[11];
	while (all->answers[0].ids[first] != eos)
		first++;
	model->config.eos_id = eos;
	c->job.ignore_eos = false;
	run_alone(c);
	run_alone(ignoring);
	model->config.eos_id = N_VOCAB - 1;
	assert_int_equal(c->answers[0].end, JOB_END_STOP);
	assert_int_equal(c->answers[0].n_tok, first);
	assert_same(ignoring, 0, all, 0);
	client_free(all);
	client_free(c);
	client_free(ignoring);
}

/* What is in the text from each character on as a stop string: most lie
 * across tokens. */
static void
scheduler_submit__stop_strings__end_the_text_before_them(void **state)
{
	struct client *all = client_make(8, 9, 25);
	struct str text;

	(void)state;
	run_alone(all);
	text = text_of(all, 0);
	assert_true(text.n > 30);
	for (size_t at = 0; at + 4 <= text.n;
	     at += str_utf8_sequence(text.p + at, text.n - at)) {
		struct str stops[2] = { STR_INIT("never said"),
			str_make(text.p + at, 4) };
		struct client *c = client_make(8, 9, 25);
		size_t expected = str_find_str(text, stops[1]);

		c->job.stops = stops;
		c->job.n_stops = 2;
		run_alone(c);
		assert_int_equal(c->answers[0].end, JOB_END_STOP);
		assert_int_equal(c->answers[0].n, expected);
		assert_memory_equal(c->answers[0].text, text.p, expected);
		assert_true(c->answers[0].n_tok <= all->answers[0].n_tok);
		client_free(c);
	}
	client_free(all);
}

static void
scheduler_submit__a_held_back_beginning__comes_at_the_end(void **state)
{
	struct client *all = client_make(8, 9, 25), *c = client_make(8, 9, 25);
	char stop[20];
	size_t n;
	struct str text, stops[1];

	(void)state;
	run_alone(all);
	text = text_of(all, 0);
	for (n = 12; ((unsigned char)text.p[text.n - n] & 0xc0) == 0x80;)
		n--;
	memcpy(stop, text.p + text.n - n, n);
	memcpy(stop + n, "never", 5);
	stops[0] = str_make(stop, n + 5);
	c->job.stops = stops;
	c->job.n_stops = 1;
	run_alone(c);
	assert_same(c, 0, all, 0);
	client_free(all);
	client_free(c);
}

static void
check_top(void *ctx, const struct job_piece *piece)
{
	struct client *c = ctx;

	take_piece(ctx, piece);
	if (piece->has_token)
		c->n_wrong += piece->token.n_top != 3 ||
			      !(piece->token.logprob <= 0) ||
			      piece->token.top_logprobs[0] <
				  piece->token.top_logprobs[1] ||
			      piece->token.top_logprobs[0] <
				  piece->token.logprob;
}

static void
scheduler_submit__logprobs__are_told_when_asked_for(void **state)
{
	struct client *c = client_make(9, 5, 20),
		      *plain = client_make(9, 5, 20);

	(void)state;
	c->job.n_top_logprobs = 3;
	c->job.n_choices = 2;
	c->job.piece = check_top;
	run_alone(c);
	run_alone(plain);
	assert_same(c, 0, plain, 0);
	client_free(c);
	client_free(plain);
}

static void
scheduler_new__options_out_of_range__are_refused(void **state)
{
	static const struct {
		struct scheduler_options o;
		const char *why;
	} cases[] = {
		{ { 0, 1, 1 }, "threads must be 1 to 64" },
		{ { 65, 1, 1 }, "threads must be 1 to 64" },
		{ { 1, 0, 1 }, "batch must be 1 to 64" },
		{ { 1, 65, 1 }, "batch must be 1 to 64" },
		{ { 1, 1, 4097 }, "queue must be 0 to 4096" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scheduler *s = NULL;
		struct error e;

		assert_int_equal(scheduler_new(model, tokenizer, &cases[i].o,
				     &s, &e),
		    ERR_CONFIG);
		assert_string_equal(e.internal, cases[i].why);
		assert_null(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    scheduler_submit__many_jobs__say_what_each_says_alone),
		cmocka_unit_test(
		    scheduler_submit__choices__are_those_of_the_seeds_that_follow),
		cmocka_unit_test(
		    scheduler_submit__lengths__end_where_they_must),
		cmocka_unit_test(
		    scheduler_submit__end_of_text__ends_an_answer_without_its_token),
		cmocka_unit_test(
		    scheduler_submit__stop_strings__end_the_text_before_them),
		cmocka_unit_test(
		    scheduler_submit__a_held_back_beginning__comes_at_the_end),
		cmocka_unit_test(
		    scheduler_submit__logprobs__are_told_when_asked_for),
		cmocka_unit_test(
		    scheduler_new__options_out_of_range__are_refused),
	};

	return cmocka_run_group_tests(tests, scheduler_setup,
	    scheduler_teardown);
}
