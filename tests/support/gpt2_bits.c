/* SPDX-License-Identifier: MIT */
/*
 * How well a model foretells a text, in bits for each of its bytes: what a
 * compressor that knows the model would need. Documents end with a form feed,
 * which is the model's end of text. Each window of the context begins anew.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpt2/engine.h"
#include "gpt2/team.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"

#define TOOL_NAME "gpt2_bits"
#include "support/gpt2_tool.h"

#define TEXT_MAX MIB(64)

static const char help[] =
    "usage: gpt2_bits [--precision f32|bf16|int8] [--threads N] DIR TEXT\n";

static struct str
read_file(const char *dir, const char *name)
{
	char path[4096];
	char *text = malloc(TEXT_MAX);
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "",
	    name);
	f = fopen(path, "rb");
	if (!f || !text)
		die(path, "not readable");
	n = fread(text, 1, TEXT_MAX, f);
	if (n == TEXT_MAX || ferror(f))
		die(path, "too large, or not readable");
	(void)fclose(f);
	return str_make(text, n);
}

static struct tokenizer *
load_tokenizer(struct arena *a, const char *dir)
{
	struct tokenizer_source source = {
		.name = "model",
		.rule = SPLIT_GPT2,
		.vocab = read_file(dir, "vocab.json"),
		.merges = read_file(dir, "merges.txt"),
	};
	struct tokenizer *t;
	struct error e;
	struct str image;

	if (tokenizer_build(&source, a, &image, &e) ||
	    tokenizer_from_image(image, &t, &e))
		die(dir, e.internal);
	return t;
}

/* The tokens of all documents, an end of text before the first and after each. */
static size_t
encode(const struct tokenizer *t, uint32_t eos, struct str text, uint32_t *ids,
    size_t max)
{
	struct str document;
	struct error e;
	size_t n = 0, added;

	ids[n++] = eos;
	while (str_split(&text, '\f', &document)) {
		if (document.n == 0 && text.n == 0)
			break;
		if (tokenizer_encode(t, document, ids + n, max - n - 1, &added,
			&e))
			die("text", e.internal);
		n += added;
		ids[n++] = eos;
	}
	return n;
}

/* Bits that the model needs for ids[1..n] behind ids[0]. */
static double
window_bits(struct gpt2_engine *g, struct gpt2_seq *seq, const uint32_t *ids,
    uint32_t n, uint32_t n_vocab, float *logits)
{
	double bits = 0;

	gpt2_seq_clear(seq);
	gpt2_prefill(g, seq, ids, n, n, logits);
	for (uint32_t i = 0; i < n; i++) {
		float *row = logits + (size_t)i * n_vocab;
		float wanted = row[ids[i + 1]], max = row[0], sum;

		for (uint32_t k = 1; k < n_vocab; k++)
			max = row[k] > max ? row[k] : max;
		sum = kernel_best()->exp_sum(row, n_vocab, max);
		bits += ((double)(max - wanted) + log((double)sum)) / log(2);
	}
	return bits;
}

static double
all_bits(const struct gpt2_model *model, unsigned n_threads,
    const uint32_t *ids, size_t n_ids)
{
	const struct gpt2_config *c = gpt2_model_config(model);
	float *logits = calloc((size_t)c->n_pos * c->n_vocab, sizeof(*logits));
	struct gpt2_engine *g;
	struct gpt2_seq *seq;
	struct error e;
	double bits = 0;

	if (!logits)
		die("logits", "no memory");
	if (gpt2_engine_new(model, n_threads, 1, kernel_best(), &g, &e) ||
	    gpt2_seq_new(g, &seq, &e))
		die("engine", e.internal);
	for (size_t at = 0; at + 1 < n_ids; at += c->n_pos) {
		size_t left = n_ids - 1 - at;
		uint32_t n = left < c->n_pos ? (uint32_t)left : c->n_pos;

		bits += window_bits(g, seq, ids + at, n, c->n_vocab, logits);
	}
	gpt2_seq_free(seq);
	gpt2_engine_free(g);
	free(logits);
	return bits;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "precision", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	enum gpt2_precision precision = GPT2_F32;
	unsigned n_threads = 1;
	struct gpt2_model *model;
	struct tokenizer *t;
	struct arena arena;
	struct error e;
	struct str text;
	uint32_t *ids;
	size_t n;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			die("usage", help);
		if (c == 't')
			n_threads = number(optarg, 1, TEAM_THREADS_MAX);
		if (c == 'p')
			precision = precision_of(optarg);
	}
	if (optind + 2 != argc)
		die("usage", help);
	if (gpt2_model_open(argv[optind], precision, &model, &e))
		die(argv[optind], e.internal);
	arena_init(&arena, TOKENIZER_BUILD_BYTES);
	t = load_tokenizer(&arena, argv[optind]);
	text = read_file("", argv[optind + 1]);
	ids = calloc(text.n + 2, sizeof(*ids));
	if (!ids)
		die("tokens", "no memory");
	n = encode(t, gpt2_model_config(model)->eos_id, text, ids, text.n + 2);
	(void)printf("%.5f\n",
	    all_bits(model, n_threads, ids, n) / (double)text.n);
	gpt2_model_close(model);
	tokenizer_close(t);
	arena_fini(&arena);
	free(ids);
	return fflush(stdout) == 0 ? 0 : 1;
}
