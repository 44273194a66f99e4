/* SPDX-License-Identifier: MIT */
#include "gpt2_fixture.h"

#include <pthread.h>

#include "base/arena.h"
#include "gpt2/engine.h"
#include "gpt2/model_priv.h"
#include "gpt2/scheduler.h"
#include "gpt2/text.h"
#include "support/vocabulary.h"
#include "tokenizer/build.h"

#define N_VOCAB     300
#define N_POS       150
#define TEXT_BYTES  4096
#define CHOICES_MAX 4

static struct gpt2_model *model;
static struct tokenizer *tokenizer;
static struct arena arena;

/* The 256 bytes and 44 words, some of which aren't whole characters. */
static int
setup(void **state)
{
	static char words[44][8];
	const char *list[44];
	struct tokenizer_source source = { .name = "test" };
	struct str image;
	struct error e;

	(void)state;
	arena_init(&arena, TOKENIZER_BUILD_BYTES);
	for (unsigned i = 0; i < 44; i++) {
		(void)snprintf(words[i], sizeof(words[i]),
		    i % 4 ? "%c%c" : "\xe2\x82%c%c",
		    (int)((i % 4 ? 'a' : 0x80) + i % 26), (int)('a' + i / 26));
		list[i] = words[i];
	}
	source.ranks = vocabulary_ranks(&arena, list, 44);
	assert_ok(tokenizer_build(&source, &arena, &image, &e));
	assert_ok(tokenizer_from_image(image, &tokenizer, &e));
	assert_int_equal(tokenizer_vocabulary(tokenizer), N_VOCAB);
	model = gpt2_fixture_model("--n-vocab 300 --n-embd 20 --n-head 2 "
				   "--n-layer 2 --n-pos 150 --sigma 0.4 "
				   "--seed 3",
	    GPT2_F32);
	assert_int_equal(gpt2_model_config(model)->eos_id, N_VOCAB - 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	gpt2_model_close(model);
	tokenizer_close(tokenizer);
	arena_fini(&arena);
	return 0;
}

/* What came of one choice. */
struct answer_log {
	char text[TEXT_BYTES];
	size_t n;
	uint32_t n_tok, ids[N_POS];
	unsigned n_ends;
	enum job_end end;
};

/* One request and what came of it. */
struct client {
	struct job job;
	uint32_t prompt[N_POS];
	struct answer_log answers[CHOICES_MAX];
	unsigned n_wrong; /* pieces that break a promise */
	/* a gate: at this token of choice 0 the scheduler's thread waits, so
	 * that the test knows where it is; 0 = none */
	uint32_t gate_tok;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_at_gate, is_gate_open;
	unsigned n_done, done_order;
};

static atomic_uint done_order;

/* ---- the engine's seams, by the linker's --wrap ---- */

static struct {
	unsigned n_copies;
	struct scheduler *scheduler; /* of the job to cancel at the first */
	struct job *cancelled;
	unsigned seq_fails_at, text_fails_at; /* the n-th call; 0: none */
} seams;

void __real_gpt2_seq_copy(struct gpt2_seq *to, const struct gpt2_seq *from);
void __wrap_gpt2_seq_copy(struct gpt2_seq *to, const struct gpt2_seq *from);

/* In the scheduler's thread, which a test has at a gate or waits for. */
void
__wrap_gpt2_seq_copy(struct gpt2_seq *to, const struct gpt2_seq *from)
{
	seams.n_copies++;
	if (seams.cancelled)
		scheduler_cancel(seams.scheduler, seams.cancelled);
	__real_gpt2_seq_copy(to, from);
}

static bool
fails_now(unsigned *at)
{
	return *at > 0 && --*at == 0;
}

enum err __real_gpt2_seq_new(const struct gpt2_engine *g, struct gpt2_seq **ret,
    struct error *e);
enum err __wrap_gpt2_seq_new(const struct gpt2_engine *g, struct gpt2_seq **ret,
    struct error *e);

enum err
__wrap_gpt2_seq_new(const struct gpt2_engine *g, struct gpt2_seq **ret,
    struct error *e)
{
	if (fails_now(&seams.seq_fails_at))
		return error_set(e, ERR_NO_MEMORY, "test");
	return __real_gpt2_seq_new(g, ret, e);
}

enum err __real_text_out_add(struct text_out *t, struct str bytes,
    struct error *e);
enum err __wrap_text_out_add(struct text_out *t, struct str bytes,
    struct error *e);

enum err
__wrap_text_out_add(struct text_out *t, struct str bytes, struct error *e)
{
	if (fails_now(&seams.text_fails_at))
		return error_set(e, ERR_NO_MEMORY, "test");
	return __real_text_out_add(t, bytes, e);
}

/* ---- jobs ---- */

static void
at_gate(struct client *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->is_at_gate = true;
	(void)pthread_cond_broadcast(&c->changed);
	while (!c->is_gate_open)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	c->is_gate_open = false; /* for the next one */
	(void)pthread_mutex_unlock(&c->lock);
}

static void
wait_at_gate(struct client *c)
{
	(void)pthread_mutex_lock(&c->lock);
	while (!c->is_at_gate)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
}

static void
open_gate(struct client *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->is_at_gate = false;
	c->is_gate_open = true;
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
}

static void
take_piece(void *ctx, const struct job_piece *piece)
{
	struct client *c = ctx;
	struct answer_log *a = &c->answers[piece->choice];

	c->n_wrong += piece->choice >= c->job.n_choices || c->n_done > 0 ||
		      a->n_ends > 0 || !str_is_utf8(piece->text) ||
		      a->n + piece->text.n > TEXT_BYTES;
	if (c->n_wrong)
		return;
	if (piece->text.n)
		memcpy(a->text + a->n, piece->text.p, piece->text.n);
	a->n += piece->text.n;
	if (piece->has_token)
		a->ids[a->n_tok++] = piece->token.id;
	if (piece->end != JOB_END_NONE) {
		a->n_ends++;
		a->end = piece->end;
	}
	if (piece->choice == 0 && piece->has_token && a->n_tok == c->gate_tok)
		at_gate(c);
}

static void
take_done(void *ctx)
{
	struct client *c = ctx;

	(void)pthread_mutex_lock(&c->lock);
	c->n_done++;
	c->done_order = atomic_fetch_add(&done_order, 1);
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
}

/* Prompt number `seed` of so many tokens. */
static struct client *
client_make(uint64_t seed, uint32_t n_prompt, uint32_t max_new_tok)
{
	struct client *c = calloc(1, sizeof(*c));
	uint32_t random = (uint32_t)seed;

	assert_non_null(c);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->changed, NULL);
	for (uint32_t i = 0; i < n_prompt; i++) {
		random = random * 1664525 + 1013904223;
		c->prompt[i] = (random >> 8) % N_VOCAB;
	}
	c->job.prompt_ids = c->prompt;
	c->job.n_prompt = n_prompt;
	c->job.n_choices = 1;
	c->job.max_new_tok = max_new_tok;
	c->job.n_top_logprobs = SAMPLER_NO_LOGPROBS;
	c->job.sampling = SAMPLING_DEFAULT;
	c->job.sampling.seed = seed;
	c->job.ignore_eos = true;
	c->job.piece = take_piece;
	c->job.done = take_done;
	c->job.ctx = c;
	return c;
}

static void
client_free(struct client *c)
{
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct scheduler *
scheduler_make(uint32_t n_threads, uint32_t batch_max, uint32_t queue_max)
{
	struct scheduler_options o = { n_threads, batch_max, queue_max };
	struct scheduler *s = NULL;
	struct error e;

	assert_ok(scheduler_new(model, tokenizer, &o, &s, &e));
	return s;
}

static void
submit(struct scheduler *s, struct client *c)
{
	struct error e;

	assert_ok(scheduler_submit(s, &c->job, &e));
}

static void
wait_done(struct client *c)
{
	(void)pthread_mutex_lock(&c->lock);
	while (c->n_done == 0)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
	assert_int_equal(c->n_done, 1);
	assert_int_equal(c->n_wrong, 0);
	for (uint32_t i = 0; i < c->job.n_choices; i++)
		assert_int_equal(c->answers[i].n_ends, 1);
}

/* By itself, on a scheduler that knows nothing else. */
static void
run_alone(struct client *c)
{
	struct scheduler *s = scheduler_make(1, CHOICES_MAX, 1);

	submit(s, c);
	wait_done(c);
	scheduler_free(s);
}

static struct str
text_of(const struct client *c, uint32_t choice)
{
	return str_make(c->answers[choice].text, c->answers[choice].n);
}

static void
assert_same(const struct client *a, uint32_t choice_a, const struct client *b,
    uint32_t choice_b)
{
	const struct answer_log *x = &a->answers[choice_a];
	const struct answer_log *y = &b->answers[choice_b];

	assert_int_equal(x->n_tok, y->n_tok);
	assert_memory_equal(x->ids, y->ids, x->n_tok * sizeof(*x->ids));
	assert_int_equal(x->n, y->n);
	assert_memory_equal(x->text, y->text, x->n);
	assert_int_equal(x->end, y->end);
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
		cmocka_unit_test(
		    scheduler_new__options_out_of_range__are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
