/* SPDX-License-Identifier: MIT */
#include "scheduler_fixture.h"

#include "base/arena.h"
#include "gpt2/engine.h"
#include "gpt2/model_priv.h"
#include "gpt2/text.h"
#include "support/vocabulary.h"
#include "tokenizer/build.h"

struct gpt2_model *model;
struct tokenizer *tokenizer;
struct scheduler_seams seams;

static struct arena arena;
static atomic_uint done_order;

/* The 256 bytes and 44 words, some of which aren't whole characters. */
int
scheduler_setup(void **state)
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

int
scheduler_teardown(void **state)
{
	(void)state;
	gpt2_model_close(model);
	tokenizer_close(tokenizer);
	arena_fini(&arena);
	return 0;
}

/* ---- the engine's seams ---- */

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

void
wait_at_gate(struct client *c)
{
	(void)pthread_mutex_lock(&c->lock);
	while (!c->is_at_gate)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
}

void
open_gate(struct client *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->is_at_gate = false;
	c->is_gate_open = true;
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
}

void
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

struct client *
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

void
client_free(struct client *c)
{
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

struct scheduler *
scheduler_make(uint32_t n_threads, uint32_t batch_max, uint32_t queue_max)
{
	struct scheduler_options o = { n_threads, batch_max, queue_max };
	struct scheduler *s = NULL;
	struct error e;

	assert_ok(scheduler_new(model, tokenizer, &o, &s, &e));
	return s;
}

void
submit(struct scheduler *s, struct client *c)
{
	struct error e;

	assert_ok(scheduler_submit(s, &c->job, &e));
}

void
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

void
run_alone(struct client *c)
{
	struct scheduler *s = scheduler_make(1, CHOICES_MAX, 1);

	submit(s, c);
	wait_done(c);
	scheduler_free(s);
}

void
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
