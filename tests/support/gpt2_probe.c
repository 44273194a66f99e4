/* SPDX-License-Identifier: MIT */
/*
 * The engine by itself, for comparisons with other implementations: tokens
 * come in as numbers, logits or greedy tokens go out.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpt2/engine.h"
#include "gpt2/team.h"

#define TOOL_NAME "gpt2_probe"
#include "support/gpt2_tool.h"

#define IDS_MAX GPT2_POSITIONS_MAX

struct options {
	enum gpt2_precision precision;
	unsigned n_threads;
	uint32_t n_decoded; /* of the last tokens: by decoding */
	uint32_t n_greedy;
	bool is_any; /* the kernels for any machine */
	const char *dir;
};

static const char help[] =
    "usage: gpt2_probe [options] DIR <TOKENS\n"
    "\n"
    "Reads tokens (decimal numbers) and writes the logits of all of them as\n"
    "32-bit floats, or the tokens that follow.\n"
    "\n"
    "  --precision P  f32, bf16 or int8 (f32)\n"
    "  --threads N    (1)\n"
    "  --decode N     the last N tokens one by one, the others as a prompt (0)\n"
    "  --greedy N     print the N most likely tokens that follow instead\n"
    "  --any          the kernels that every machine runs\n";

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "precision", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "decode", required_argument, NULL, 'd' },
		{ "greedy", required_argument, NULL, 'g' },
		{ "any", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			o->precision = precision_of(optarg);
		else if (c == 't')
			o->n_threads = number(optarg, 1, TEAM_THREADS_MAX);
		else if (c == 'd')
			o->n_decoded = number(optarg, 0, IDS_MAX);
		else if (c == 'g')
			o->n_greedy = number(optarg, 0, IDS_MAX);
		else if (c == 'a')
			o->is_any = true;
		else
			die("usage", help);
	}
	if (optind + 1 != argc)
		die("usage", help);
	o->dir = argv[optind];
}

static uint32_t
read_ids(uint32_t *ids, const struct gpt2_config *c)
{
	uint32_t n = 0;
	char text[16];

	while (fscanf(stdin, "%15s", text) == 1) {
		if (n == c->n_pos)
			die("tokens", "more than the context");
		ids[n++] = number(text, 0, c->n_vocab - 1);
	}
	if (n == 0)
		die("tokens", "none");
	return n;
}

static uint32_t
likeliest(const float *logits, uint32_t n)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (logits[i] > logits[best])
			best = i;
	}
	return best;
}

static void
write_logits(struct gpt2_engine *g, struct gpt2_seq *seq, const uint32_t *ids,
    uint32_t n, uint32_t n_decoded, uint32_t n_vocab)
{
	float *logits = calloc((size_t)n * n_vocab, sizeof(*logits));
	uint32_t n_prompt = n - n_decoded;

	if (!logits)
		die("logits", "no memory");
	gpt2_prefill(g, seq, ids, n_prompt, n_prompt, logits);
	for (uint32_t i = n_prompt; i < n; i++)
		gpt2_decode(g, &seq, &ids[i], 1, logits + (size_t)i * n_vocab);
	if (fwrite(logits, sizeof(*logits), (size_t)n * n_vocab, stdout) !=
	    (size_t)n * n_vocab)
		die("logits", "not written");
	free(logits);
}

static void
write_greedy(struct gpt2_engine *g, struct gpt2_seq *seq, const uint32_t *ids,
    uint32_t n, uint32_t n_greedy, uint32_t n_vocab)
{
	float *logits = calloc(n_vocab, sizeof(*logits));

	if (!logits)
		die("logits", "no memory");
	gpt2_prefill(g, seq, ids, n, 1, logits);
	for (uint32_t i = 0; i < n_greedy; i++) {
		uint32_t id = likeliest(logits, n_vocab);

		(void)printf("%" PRIu32 "\n", id);
		if (i + 1 < n_greedy)
			gpt2_decode(g, &seq, &id, 1, logits);
	}
	free(logits);
}

int
main(int argc, char **argv)
{
	struct options o = { .n_threads = 1 };
	static uint32_t ids[IDS_MAX];
	const struct gpt2_config *c;
	struct gpt2_model *model;
	struct gpt2_engine *engine;
	struct gpt2_seq *seq;
	struct error e;
	uint32_t n;

	read_options(argc, argv, &o);
	if (gpt2_model_open(o.dir, o.precision, &model, &e))
		die(o.dir, e.internal);
	c = gpt2_model_config(model);
	n = read_ids(ids, c);
	if (o.n_decoded >= n || o.n_greedy > c->n_pos - n)
		die("--decode or --greedy", "too many");
	if (gpt2_engine_new(model, o.n_threads, 1,
		kernel_at(o.is_any && kernel_at(1) ? 1 : 0), &engine, &e) ||
	    gpt2_seq_new(engine, &seq, &e))
		die("engine", e.internal);
	if (o.n_greedy)
		write_greedy(engine, seq, ids, n, o.n_greedy, c->n_vocab);
	else
		write_logits(engine, seq, ids, n, o.n_decoded, c->n_vocab);
	gpt2_seq_free(seq);
	gpt2_engine_free(engine);
	gpt2_model_close(model);
	return fflush(stdout) == 0 ? 0 : 1;
}
