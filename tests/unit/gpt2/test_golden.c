/* SPDX-License-Identifier: MIT */
/*
 * Against what Hugging Face's transformers computes (tests/golden/gpt2.py):
 * logits within 1e-3, and greedy tokens the same as long as the two likeliest
 * ones differ by more than 2e-3. The largest difference seen so far is 8e-6, of
 * which 5e-6 is the rounding of the files.
 */
#include "gpt2_fixture.h"

#include <inttypes.h>
#include <math.h>

#include "base/crc32.h"
#include "gpt2/engine.h"
#include "gpt2/kernel.h"

#define BOUND  1e-3
#define MARGIN 2e-3
#define N_POS  512

/* One case as it is in its file, with what it is compared with. */
struct golden {
	FILE *f;
	char options[256];
	uint32_t crc32;
	uint32_t ids[N_POS], n;
	struct gpt2_model *model;
	struct gpt2_engine *engine;
	struct gpt2_seq *seq;
	uint32_t n_vocab;
	double largest; /* difference */
};

static void
check_bytes(const struct golden *g, const char *dir)
{
	char path[100];
	size_t n, cap = MIB(8);
	char *bytes = malloc(cap);
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/model.safetensors", dir);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_non_null(bytes);
	n = fread(bytes, 1, cap, f);
	assert_true(n < cap);
	(void)fclose(f);
	/* the checkpoint is the one that transformers read */
	assert_int_equal(crc32_ieee(bytes, n), g->crc32);
	free(bytes);
}

static void
golden_open(struct golden *g, const char *name, unsigned n_threads,
    const struct kernel *kernel)
{
	const char *top = getenv("TG_SRCDIR");
	struct fixture_dir dir;
	struct error e;
	char path[1000];

	*g = (struct golden){ 0 };
	(void)snprintf(path, sizeof(path), "%s/tests/golden/gpt2/%s.txt",
	    top ? top : "..", name);
	g->f = fopen(path, "r");
	assert_non_null(g->f);
	assert_int_equal(fscanf(g->f,
			     "options %255[^\n] crc32 %" SCNx32
			     " prompt %" SCNu32,
			     g->options, &g->crc32, &g->n),
	    3);
	assert_true(g->n <= N_POS);
	for (uint32_t i = 0; i < g->n; i++)
		assert_int_equal(fscanf(g->f, "%" SCNu32, &g->ids[i]), 1);

	fixture_dir_make(&dir);
	gpt2_fixture_write(dir.path, g->options);
	check_bytes(g, dir.path);
	assert_ok(gpt2_model_open(dir.path, GPT2_F32, &g->model, &e));
	fixture_dir_remove(&dir);
	g->n_vocab = gpt2_model_config(g->model)->n_vocab;
	assert_int_equal(gpt2_model_config(g->model)->n_pos, g->n);
	assert_ok(
	    gpt2_engine_new(g->model, n_threads, 1, kernel, &g->engine, &e));
	assert_ok(gpt2_seq_new(g->engine, &g->seq, &e));
}

static void
golden_close(struct golden *g)
{
	gpt2_seq_free(g->seq);
	gpt2_engine_free(g->engine);
	gpt2_model_close(g->model);
	(void)fclose(g->f);
}

/* All positions' logits, the first n_prefill by prefill. */
static float *
compute(struct golden *g, uint32_t n_prefill)
{
	float *logits = calloc((size_t)g->n * g->n_vocab, sizeof(*logits));

	assert_non_null(logits);
	gpt2_prefill(g->engine, g->seq, g->ids, n_prefill, n_prefill, logits);
	for (uint32_t i = n_prefill; i < g->n; i++)
		gpt2_decode(g->engine, &g->seq, &g->ids[i], 1,
		    logits + (size_t)i * g->n_vocab);
	return logits;
}

static unsigned
check_logits(struct golden *g, uint32_t n_prefill)
{
	float *logits = compute(g, n_prefill);
	uint32_t pos, step, n;
	unsigned n_checked = 0;

	while (fscanf(g->f, " logits %" SCNu32 "%" SCNu32 "%" SCNu32, &pos,
		   &step, &n) == 3) {
		assert_true(pos < g->n && step * (n - 1) < g->n_vocab);
		for (uint32_t i = 0; i < n; i++) {
			size_t at = (size_t)pos * g->n_vocab + i * step;
			double expected, d;

			assert_int_equal(fscanf(g->f, "%lf", &expected), 1);
			d = fabs((double)logits[at] - expected);
			assert_true(d < BOUND);
			g->largest = fmax(g->largest, d);
			n_checked++;
		}
	}
	free(logits);
	return n_checked;
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

/* How many tokens were compared; the rest follows one that was too close. */
static unsigned
check_greedy(struct golden *g)
{
	float *logits = calloc(g->n_vocab, sizeof(*logits));
	uint32_t n, n_prompt;
	unsigned n_checked = 0;

	assert_non_null(logits);
	/* the word itself was read while looking for more logits */
	assert_int_equal(fscanf(g->f, " greedy %" SCNu32 "%" SCNu32, &n,
			     &n_prompt),
	    2);
	gpt2_seq_clear(g->seq);
	gpt2_prefill(g->engine, g->seq, g->ids, n_prompt, 1, logits);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = likeliest(logits, g->n_vocab), expected;
		double margin;

		assert_int_equal(fscanf(g->f, "%" SCNu32 "%lf", &expected,
				     &margin),
		    2);
		if (margin <= MARGIN)
			break;
		assert_int_equal(id, expected);
		n_checked++;
		if (i + 1 < n)
			gpt2_decode(g->engine, &g->seq, &id, 1, logits);
	}
	free(logits);
	return n_checked;
}

/* At least so many greedy tokens are compared, so that a file that was made
 * badly is noticed. */
static void
check(const char *name, unsigned n_greedy_min)
{
	const struct kernel *k;
	double largest = 0;

	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for (uint32_t way = 0; way < 2; way++) {
			struct golden g;

			golden_open(&g, name, 1 + i, k);
			/* by prefill, and nearly all one by one */
			assert_true(check_logits(&g, way ? 2 : g.n) >= 1400);
			assert_true(check_greedy(&g) >= n_greedy_min);
			largest = fmax(largest, g.largest);
			golden_close(&g);
		}
	}
	print_message("# %s: %.2g at most\n", name, largest);
}

static void
engine__plain__is_as_transformers(void **state)
{
	(void)state;
	check("plain", 200);
}

static void
engine__one_head__is_as_transformers(void **state)
{
	(void)state;
	check("one_head", 200);
}

static void
engine__odd_sizes__is_as_transformers(void **state)
{
	(void)state;
	check("odd", 200);
}

static void
engine__narrow_heads__is_as_transformers(void **state)
{
	(void)state;
	check("narrow_heads", 200);
}

static void
engine__many_layers__is_as_transformers(void **state)
{
	(void)state;
	check("deep", 200);
}

static void
engine__an_f16_file__is_as_transformers(void **state)
{
	(void)state;
	check("f16", 200);
}

static void
engine__a_bf16_file__is_as_transformers(void **state)
{
	(void)state;
	check("bf16", 200);
}

static void
engine__a_larger_vocabulary__is_as_transformers(void **state)
{
	(void)state;
	check("vocabulary", 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engine__plain__is_as_transformers),
		cmocka_unit_test(engine__one_head__is_as_transformers),
		cmocka_unit_test(engine__odd_sizes__is_as_transformers),
		cmocka_unit_test(engine__narrow_heads__is_as_transformers),
		cmocka_unit_test(engine__many_layers__is_as_transformers),
		cmocka_unit_test(engine__an_f16_file__is_as_transformers),
		cmocka_unit_test(engine__a_bf16_file__is_as_transformers),
		cmocka_unit_test(
		    engine__a_larger_vocabulary__is_as_transformers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
