/* SPDX-License-Identifier: MIT */
/*
 * How fast the engine is beside what memory allows: rounds of a stream test
 * (reading as many bytes as a token's weights have), of decoding for one answer
 * and for several, and of reading a prompt. A line a round, for bench/gpt2.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "gpt2/engine.h"
#include "gpt2/team.h"

#define TOOL_NAME "gpt2_speed"
#include "support/gpt2_tool.h"

#define STEPS_MAX 1024

struct options {
	enum gpt2_precision precision;
	unsigned n_threads;
	uint32_t n_batch;
	uint32_t n_steps;
	uint32_t n_prompt;
	uint32_t n_rounds;
	const char *dir;
};

static const char help[] =
    "usage: gpt2_speed [options] DIR\n"
    "\n"
    "  --precision P  f32, bf16 or int8 (f32)\n"
    "  --threads N    (2)\n"
    "  --batch N      answers together (8)\n"
    "  --steps N      tokens decoded a round (32)\n"
    "  --prompt N     tokens of the prompt (64)\n"
    "  --rounds N     (5)\n"
    "\n"
    "Prints, for each round: stream_gb_s, decode_gb_s, share (of the stream),\n"
    "one_tok_s, batch_tok_s, prefill_tok_s.\n";

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "precision", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "batch", required_argument, NULL, 'b' },
		{ "steps", required_argument, NULL, 's' },
		{ "prompt", required_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			o->precision = precision_of(optarg);
		else if (c == 't')
			o->n_threads = number(optarg, 1, TEAM_THREADS_MAX);
		else if (c == 'b')
			o->n_batch = number(optarg, 1, ENGINE_BATCH_MAX);
		else if (c == 's')
			o->n_steps = number(optarg, 1, STEPS_MAX);
		else if (c == 'q')
			o->n_prompt = number(optarg, 1, GPT2_POSITIONS_MAX);
		else if (c == 'r')
			o->n_rounds = number(optarg, 1, 1000);
		else
			die("usage", help);
	}
	if (optind + 1 != argc)
		die("usage", help);
	o->dir = argv[optind];
}

static double
now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Reads all of a buffer, each member its part. */
struct stream {
	const uint64_t *words;
	size_t n;
	unsigned n_members;
	uint64_t sums[TEAM_THREADS_MAX];
};

static void
stream_member(void *ctx, unsigned member)
{
	struct stream *s = ctx;
	size_t first = s->n / 8 * member / s->n_members * 8;
	size_t last = s->n / 8 * (member + 1) / s->n_members * 8;
	uint64_t sum[8] = { 0 };

	for (size_t i = first; i < last; i += 8) {
		for (unsigned k = 0; k < 8; k++)
			sum[k] += s->words[i + k];
	}
	s->sums[member] = 0;
	for (unsigned k = 0; k < 8; k++)
		s->sums[member] += sum[k];
}

static struct stream
stream_make(uint64_t n_bytes, unsigned n_members)
{
	struct stream s = { .n = n_bytes / 8, .n_members = n_members };
	void *p = aligned_alloc(MIB(2),
	    (n_bytes + MIB(2) - 1) / MIB(2) * MIB(2));

	if (!p)
		die("stream", "no memory");
	(void)madvise(p, n_bytes, MADV_HUGEPAGE);
	memset(p, 1, n_bytes);
	s.words = p;
	return s;
}

static double
stream_gb_s(struct team *team, struct stream *s)
{
	double begin = now_s(), best = 0;

	/* three passes: the best is the bound */
	for (int i = 0; i < 3; i++) {
		double speed, end;

		team_run(team, stream_member, s);
		end = now_s();
		speed = (double)s->n * 8e-9 / (end - begin);
		best = speed > best ? speed : best;
		begin = end;
	}
	return best;
}

struct bench {
	struct options o;
	const struct gpt2_config *config;
	struct gpt2_engine *engine;
	struct gpt2_seq **seqs;
	uint32_t *ids; /* a made-up prompt, then what is decoded */
	float *logits;
};

/* The prompt in the first text, then in all: tokens a second. */
static double
prefill(struct bench *b)
{
	double begin = now_s(), end;

	gpt2_seq_clear(b->seqs[0]);
	gpt2_prefill(b->engine, b->seqs[0], b->ids, b->o.n_prompt, 1,
	    b->logits);
	end = now_s();
	for (uint32_t i = 1; i < b->o.n_batch; i++)
		gpt2_seq_copy(b->seqs[i], b->seqs[0]);
	return b->o.n_prompt / (end - begin);
}

/* Seconds a step. */
static double
decode(struct bench *b, uint32_t n_batch)
{
	uint32_t ids[ENGINE_BATCH_MAX];
	double begin = now_s();

	for (uint32_t step = 0; step < b->o.n_steps; step++) {
		for (uint32_t i = 0; i < n_batch; i++)
			ids[i] = (b->ids[step % b->o.n_prompt] + i * 17) %
				 b->config->n_vocab;
		gpt2_decode(b->engine, b->seqs, ids, n_batch, b->logits);
	}
	return (now_s() - begin) / b->o.n_steps;
}

static void
make(struct bench *b, const struct gpt2_model *model)
{
	struct error e;

	b->config = gpt2_model_config(model);
	if (b->o.n_prompt + b->o.n_steps > b->config->n_pos)
		die("--prompt and --steps", "more than the context");
	if (gpt2_engine_new(model, b->o.n_threads, b->o.n_batch, kernel_best(),
		&b->engine, &e))
		die("engine", e.internal);
	b->seqs = calloc(b->o.n_batch, sizeof(struct gpt2_seq *));
	b->ids = calloc(b->o.n_prompt, sizeof(*b->ids));
	b->logits = calloc((size_t)b->o.n_batch * b->config->n_vocab,
	    sizeof(*b->logits));
	if (!b->seqs || !b->ids || !b->logits)
		die("bench", "no memory");
	for (uint32_t i = 0; i < b->o.n_batch; i++) {
		if (gpt2_seq_new(b->engine, &b->seqs[i], &e))
			die("text", e.internal);
	}
	for (uint32_t i = 0; i < b->o.n_prompt; i++)
		b->ids[i] = i * 7919 % b->config->n_vocab;
}

int
main(int argc, char **argv)
{
	struct bench b = {
		.o = { .n_threads = 2,
		    .n_batch = 8,
		    .n_steps = 32,
		    .n_prompt = 64,
		    .n_rounds = 5 },
	};
	struct gpt2_model *model;
	struct stream stream;
	struct team *team;
	uint64_t n_bytes;
	struct error e;

	read_options(argc, argv, &b.o);
	if (gpt2_model_open(b.o.dir, b.o.precision, &model, &e))
		die(b.o.dir, e.internal);
	make(&b, model);
	n_bytes = gpt2_model_decode_bytes(model);
	if (team_new(b.o.n_threads, &team, &e))
		die("threads", e.internal);
	stream = stream_make(n_bytes, b.o.n_threads);
	(void)prefill(&b);
	(void)decode(&b, 1); /* everything has been touched */
	(void)printf("stream_gb_s decode_gb_s share one_tok_s batch_tok_s "
		     "prefill_tok_s\n");
	for (uint32_t i = 0; i < b.o.n_rounds; i++) {
		double bound = stream_gb_s(team, &stream);
		double read = prefill(&b), one = decode(&b, 1), many;
		double speed = (double)n_bytes * 1e-9 / one;

		(void)prefill(&b);
		many = decode(&b, b.o.n_batch);
		(void)printf("%.2f %.2f %.3f %.2f %.2f %.1f\n", bound, speed,
		    speed / bound, 1 / one, b.o.n_batch / many, read);
		(void)fflush(stdout);
	}
	team_free(team);
	for (uint32_t i = 0; i < b.o.n_batch; i++)
		gpt2_seq_free(b.seqs[i]);
	gpt2_engine_free(b.engine);
	gpt2_model_close(model);
	return 0;
}
