/* SPDX-License-Identifier: MIT */
#include "gpt2_fixture.h"

#include <math.h>

#include "gpt2/engine.h"

/* Odd sizes: no vector, block or thread divides them. */
#define ODD                                                                \
 "--n-vocab 307 --n-embd 42 --n-head 3 --n-layer 3 --n-pos 150 --n-inner " \
 "101 --sigma 0.15 --seed 5"
#define EVEN                                                              \
 "--n-vocab 300 --n-embd 128 --n-head 2 --n-layer 2 --n-pos 140 --sigma " \
 "0.12 --seed 6"
#define BATCH_MAX 9

/* A model and an engine. */
struct rig {
	struct gpt2_model *model;
	struct gpt2_engine *engine;
	uint32_t n_vocab, n_pos;
};

static void
rig_make(struct rig *r, const char *options, enum gpt2_precision precision,
    unsigned n_threads, const struct kernel *kernel)
{
	struct error e;

	r->model = gpt2_fixture_model(options, precision);
	r->n_vocab = gpt2_model_config(r->model)->n_vocab;
	r->n_pos = gpt2_model_config(r->model)->n_pos;
	assert_ok(gpt2_engine_new(r->model, n_threads, BATCH_MAX, kernel,
	    &r->engine, &e));
}

static void
rig_free(struct rig *r)
{
	gpt2_engine_free(r->engine);
	gpt2_model_close(r->model);
}

static struct gpt2_seq *
seq_make(const struct rig *r)
{
	struct gpt2_seq *seq = NULL;
	struct error e;

	assert_ok(gpt2_seq_new(r->engine, &seq, &e));
	assert_int_equal(gpt2_seq_length(seq), 0);
	return seq;
}

static float *
floats(size_t n)
{
	float *p = calloc(n, sizeof(*p));

	assert_non_null(p);
	return p;
}

/* Token i of text number t. */
static uint32_t
token(const struct rig *r, uint32_t t, uint32_t i)
{
	uint32_t x = (t + 1) * 2654435761U ^ (i + 1) * 40503U * 7919U;

	return (x ^ x >> 15) % r->n_vocab;
}

static uint32_t *
tokens(const struct rig *r, uint32_t t)
{
	uint32_t *ids = calloc(r->n_pos, sizeof(*ids));

	assert_non_null(ids);
	for (uint32_t i = 0; i < r->n_pos; i++)
		ids[i] = token(r, t, i);
	return ids;
}

/* The logits of a whole text, one token after the other: [n_pos][n_vocab]. */
static float *
decode_all(const struct rig *r, const uint32_t *ids)
{
	float *logits = floats((size_t)r->n_pos * r->n_vocab);
	struct gpt2_seq *seq = seq_make(r);

	for (uint32_t i = 0; i < r->n_pos; i++)
		gpt2_decode(r->engine, &seq, &ids[i], 1,
		    logits + (size_t)i * r->n_vocab);
	assert_int_equal(gpt2_seq_length(seq), r->n_pos);
	gpt2_seq_free(seq);
	return logits;
}

static double
difference(const float *a, const float *b, size_t n)
{
	double largest = 0;

	for (size_t i = 0; i < n; i++) {
		assert_true(isfinite(a[i]) && isfinite(b[i]));
		largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
	}
	return largest;
}

/* Some spread: all of it nearly 0 would equal anything. */
static void
assert_spread(const float *logits, size_t n)
{
	double largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)logits[i]));
	assert_true(largest > 1);
}

static void
check_prefill(const struct rig *r)
{
	/* in one go, and cut here and there */
	static const uint32_t cuts[][3] = { { 0, 0, 0 }, { 1, 0, 0 },
		{ 63, 1, 1 }, { 64, 64, 0 }, { 65, 3, 70 }, { 20, 90, 5 } };
	uint32_t *ids = tokens(r, 0), n = r->n_pos;
	size_t n_all = (size_t)n * r->n_vocab;
	float *one_by_one = decode_all(r, ids), *logits = floats(n_all);

	assert_spread(one_by_one, n_all);
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		struct gpt2_seq *seq = seq_make(r);
		uint32_t at = 0;

		memset(logits, 0, n_all * sizeof(*logits));
		for (unsigned k = 0; k < 4; k++) {
			uint32_t now = k < 3 ? cuts[i][k] : n - at;

			gpt2_prefill(r->engine, seq, ids + at, now, now,
			    logits + (size_t)at * r->n_vocab);
			at += now;
			assert_int_equal(gpt2_seq_length(seq), at);
		}
		assert_true(difference(logits, one_by_one, n_all) < 1e-4);
		gpt2_seq_free(seq);
	}
	free(ids);
	free(one_by_one);
	free(logits);
}

static void
gpt2_prefill__any_chunks__are_as_decoding_one_by_one(void **state)
{
	const struct kernel *k;
	struct rig r;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for (unsigned p = 0; p < 3; p++) {
			rig_make(&r, ODD, (enum gpt2_precision)p, 1 + p % 2, k);
			check_prefill(&r);
			rig_free(&r);
		}
		rig_make(&r, EVEN, GPT2_F32, 2, k);
		check_prefill(&r);
		rig_free(&r);
	}
}

static void
gpt2_prefill__the_last_logits_only__are_the_same_bits(void **state)
{
	uint32_t *ids, n;
	float *all, *some;
	struct rig r;

	(void)state;
	rig_make(&r, ODD, GPT2_F32, 2, kernel_best());
	ids = tokens(&r, 1);
	n = r.n_pos;
	all = floats((size_t)n * r.n_vocab);
	some = floats((size_t)n * r.n_vocab);
	for (uint32_t wanted = n; wanted > 0; wanted /= 2) {
		struct gpt2_seq *seq = seq_make(&r);
		size_t n_numbers = (size_t)wanted * r.n_vocab;

		gpt2_prefill(r.engine, seq, ids, n, wanted,
		    wanted == n ? all : some);
		if (wanted < n)
			assert_memory_equal(some,
			    all + (size_t)(n - wanted) * r.n_vocab,
			    n_numbers * sizeof(*some));
		gpt2_seq_free(seq);
	}
	free(ids);
	free(all);
	free(some);
	rig_free(&r);
}

/*
 * Texts of different lengths join and leave a batch in changing places: the
 * logits of each are, bit by bit, those that it has alone.
 */
static void
check_batch(const struct rig *r)
{
	struct gpt2_seq *seqs[BATCH_MAX];
	float *alone[BATCH_MAX];
	float *logits = floats((size_t)BATCH_MAX * r->n_vocab);

	for (uint32_t t = 0; t < BATCH_MAX; t++) {
		uint32_t *ids = tokens(r, t);

		alone[t] = decode_all(r, ids);
		seqs[t] = seq_make(r);
		free(ids);
	}
	for (uint32_t step = 0; step < 3 * r->n_pos; step++) {
		struct gpt2_seq *now[BATCH_MAX];
		uint32_t ids[BATCH_MAX], who[BATCH_MAX], n = 0;

		for (uint32_t i = 0; i < BATCH_MAX; i++) {
			uint32_t t = (i + step / 7) % BATCH_MAX;
			uint32_t length = gpt2_seq_length(seqs[t]);

			if (length == r->n_pos || (step / (5 + t)) % 3 == 1)
				continue;
			who[n] = t;
			now[n] = seqs[t];
			ids[n++] = token(r, t, length);
		}
		if (n == 0)
			continue;
		gpt2_decode(r->engine, now, ids, n, logits);
		for (uint32_t i = 0; i < n; i++) {
			size_t at = (size_t)(gpt2_seq_length(now[i]) - 1) *
				    r->n_vocab;

			assert_memory_equal(logits + (size_t)i * r->n_vocab,
			    alone[who[i]] + at, r->n_vocab * sizeof(*logits));
		}
	}
	for (uint32_t t = 0; t < BATCH_MAX; t++) {
		assert_int_equal(gpt2_seq_length(seqs[t]), r->n_pos);
		gpt2_seq_free(seqs[t]);
		free(alone[t]);
	}
	free(logits);
}

static void
gpt2_decode__any_batch__gives_the_same_bits(void **state)
{
	const struct kernel *k;
	struct rig r;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for (unsigned p = 0; p < 3; p++) {
			rig_make(&r, ODD, (enum gpt2_precision)p, 1, k);
			r.n_pos = 70; /* of 150: enough */
			check_batch(&r);
			rig_free(&r);
		}
	}
	rig_make(&r, EVEN, GPT2_F32, 2, kernel_best());
	check_batch(&r);
	rig_free(&r);
}

static void
gpt2_decode__other_threads_and_kernels__are_near(void **state)
{
	uint32_t *ids;
	float *first, *other;
	struct rig r;

	(void)state;
	rig_make(&r, ODD, GPT2_F32, 1, kernel_at(0));
	ids = tokens(&r, 2);
	first = decode_all(&r, ids);
	rig_free(&r);
	for (unsigned i = 0; i < 4; i++) {
		const struct kernel *k = kernel_at(i / 2);

		if (!k)
			break;
		/* more members than rows, too */
		rig_make(&r, ODD, GPT2_F32, i % 2 ? 13 : 3, k);
		r.n_pos = i % 2 ? 5 : 70;
		other = decode_all(&r, ids);
		assert_true(difference(first, other,
				(size_t)r.n_pos * r.n_vocab) < 1e-4);
		free(other);
		rig_free(&r);
	}
	free(ids);
	free(first);
}

static void
gpt2_seq_copy__a_text__goes_on_by_itself(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 17, 64, 100 };
	uint32_t *ids, *others;
	float *alone, *logits, *before;
	struct rig r;

	(void)state;
	rig_make(&r, ODD, GPT2_F32, 2, kernel_best());
	ids = tokens(&r, 3);
	others = tokens(&r, 4);
	alone = decode_all(&r, ids);
	logits = floats((size_t)2 * r.n_vocab);
	before = floats(r.n_vocab);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct gpt2_seq *seqs[2] = { seq_make(&r), seq_make(&r) };
		uint32_t n = lengths[i];

		/* into one that has been used */
		gpt2_prefill(r.engine, seqs[1], others, 120, 0, NULL);
		for (uint32_t k = 0; k < n; k++)
			gpt2_decode(r.engine, seqs, &ids[k], 1, before);
		gpt2_seq_copy(seqs[1], seqs[0]);
		assert_int_equal(gpt2_seq_length(seqs[1]), n);
		/* the copy goes its own way, which the first one doesn't see */
		for (uint32_t k = n; k < n + 20; k++) {
			uint32_t both[2] = { ids[k], others[k] };

			gpt2_decode(r.engine, seqs, both, 2, logits);
			assert_memory_equal(logits, alone + k * r.n_vocab,
			    r.n_vocab * sizeof(*logits));
		}
		assert_memory_not_equal(logits, logits + r.n_vocab,
		    r.n_vocab * sizeof(*logits));
		gpt2_seq_copy(seqs[1], seqs[0]);
		gpt2_decode(r.engine, &seqs[1], &ids[n + 20], 1, logits);
		assert_memory_equal(logits, alone + (n + 20) * r.n_vocab,
		    r.n_vocab * sizeof(*logits));
		gpt2_seq_free(seqs[0]);
		gpt2_seq_free(seqs[1]);
	}
	free(ids);
	free(others);
	free(alone);
	free(logits);
	free(before);
	rig_free(&r);
}

static void
gpt2_seq_clear__a_full_text__is_as_a_new_one(void **state)
{
	struct gpt2_seq *seq;
	float *first, *again;
	uint32_t *ids;
	struct rig r;

	(void)state;
	rig_make(&r, EVEN, GPT2_INT8, 2, kernel_best());
	ids = tokens(&r, 5);
	first = floats(r.n_vocab);
	again = floats(r.n_vocab);
	seq = seq_make(&r);
	/* to the context's edge, by both ways */
	gpt2_prefill(r.engine, seq, ids, r.n_pos, 1, first);
	gpt2_seq_clear(seq);
	assert_int_equal(gpt2_seq_length(seq), 0);
	gpt2_prefill(r.engine, seq, ids, r.n_pos, 1, again);
	assert_memory_equal(first, again, r.n_vocab * sizeof(*first));
	gpt2_seq_clear(seq);
	gpt2_prefill(r.engine, seq, ids, r.n_pos - 1, 0, NULL);
	gpt2_decode(r.engine, &seq, &ids[r.n_pos - 1], 1, again);
	assert_true(difference(first, again, r.n_vocab) < 1e-4);
	gpt2_seq_free(seq);
	gpt2_seq_free(NULL);
	gpt2_engine_free(NULL);
	free(ids);
	free(first);
	free(again);
	rig_free(&r);
}

static void
gpt2_decode__the_smallest_model__works(void **state)
{
	struct gpt2_seq *seq;
	float logits[258];
	uint32_t id = 257;
	struct rig r;

	(void)state;
	rig_make(&r,
	    "--n-vocab 258 --n-embd 1 --n-head 1 --n-layer 1 --n-pos 1 "
	    "--n-inner 1",
	    GPT2_F32, 3, kernel_best());
	seq = seq_make(&r);
	gpt2_decode(r.engine, &seq, &id, 1, logits);
	for (unsigned i = 0; i < 258; i++)
		assert_true(isfinite(logits[i]));
	gpt2_seq_clear(seq);
	gpt2_prefill(r.engine, seq, &id, 1, 1, logits);
	assert_true(isfinite(logits[257]));
	gpt2_seq_free(seq);
	rig_free(&r);
}

/* The errors that model.h states for a weight stay as small in the sum. */
static void
gpt2_decode__reduced_precisions__are_near(void **state)
{
	static const double bounds[] = { 0, 0.15, 0.3 };
	float *exact = NULL;
	struct rig r;

	(void)state;
	for (unsigned p = 0; p < 3; p++) {
		uint32_t *ids;
		float *logits;

		rig_make(&r, EVEN, (enum gpt2_precision)p, 2, kernel_best());
		ids = tokens(&r, 6);
		logits = decode_all(&r, ids);
		free(ids);
		if (p == 0) {
			exact = logits;
		} else {
			double d = difference(exact, logits,
			    (size_t)r.n_pos * r.n_vocab);

			assert_true(d > 0);
			assert_true(d < bounds[p]);
			free(logits);
		}
		rig_free(&r);
	}
	free(exact);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    gpt2_prefill__any_chunks__are_as_decoding_one_by_one),
		cmocka_unit_test(
		    gpt2_prefill__the_last_logits_only__are_the_same_bits),
		cmocka_unit_test(gpt2_decode__any_batch__gives_the_same_bits),
		cmocka_unit_test(
		    gpt2_decode__other_threads_and_kernels__are_near),
		cmocka_unit_test(gpt2_seq_copy__a_text__goes_on_by_itself),
		cmocka_unit_test(gpt2_seq_clear__a_full_text__is_as_a_new_one),
		cmocka_unit_test(gpt2_decode__the_smallest_model__works),
		cmocka_unit_test(gpt2_decode__reduced_precisions__are_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
