/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <math.h>

#include "gpt2/sampler.h"

#define N_VOCAB 12
#define DRAWS   20000

static struct sampler *
sampler_make(uint32_t n_vocab)
{
	struct sampler *s = NULL;
	struct error e;

	assert_ok(sampler_new(n_vocab, &s, &e));
	return s;
}

static struct sampling
greedy(void)
{
	struct sampling p = SAMPLING_DEFAULT;

	p.temperature = 0;
	return p;
}

static uint32_t
next(struct sampler *s, const float *logits, uint32_t n)
{
	struct sampler_choice choice;
	float copy[N_VOCAB];

	assert_true(n <= N_VOCAB);
	memcpy(copy, logits, n * sizeof(*copy));
	sampler_next(s, copy, SAMPLER_NO_LOGPROBS, &choice);
	assert_int_equal(choice.n_top, 0);
	assert_true(choice.id < n);
	return choice.id;
}

/* Not in any order of size; some are equal. */
static const float some_logits[N_VOCAB] = { 0.5F, -1.0F, 2.0F, 1.5F, -30.0F,
	2.0F, 0.0F, -0.5F, 1.0F, -2.0F, 0.25F, -4.0F };

static void
sampler_next__greedy__takes_the_first_of_the_largest(void **state)
{
	struct sampler *s = sampler_make(N_VOCAB);
	struct sampling p = greedy();

	(void)state;
	sampler_begin(s, &p);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(next(s, some_logits, N_VOCAB), 2);
	assert_int_equal(next(s, (const float[N_VOCAB]){ 0 }, N_VOCAB), 0);
	sampler_free(s);
}

static void
sampler_next__a_vocabulary_of_one__is_it(void **state)
{
	struct sampler *s = sampler_make(1);
	struct sampling p = SAMPLING_DEFAULT;
	struct sampler_choice c;
	float logit;

	(void)state;
	for (p.top_k = 0; p.top_k < 3; p.top_k++) {
		sampler_begin(s, &p);
		logit = -3;
		sampler_next(s, &logit, 5, &c);
		assert_int_equal(c.id, 0);
		assert_int_equal(c.n_top, 1);
		assert_true(fabsf(c.logprob) < 1e-6F);
	}
	sampler_free(s);
}

/* What is said of damaged weights: still tokens, and logarithms that JSON has.
 */
static void
sampler_next__logits_that_are_no_numbers__are_the_least_likely(void **state)
{
	static const float cases[][4] = {
		{ NAN, 1, 2, NAN },
		{ NAN, -INFINITY, 2, -INFINITY },
		{ 1, NAN, INFINITY, 0 },
		{ NAN, NAN, -1e30F, NAN },
	};
	struct sampler *s = sampler_make(4);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (unsigned k = 0; k < 8; k++) {
			struct sampling p = SAMPLING_DEFAULT;
			struct sampler_choice c;
			float logits[4];

			p.temperature = k & 1 ? 0.5F : 0;
			p.top_k = k & 2 ? 3 : 0;
			p.top_p = k & 4 ? 0.5F : 1;
			sampler_begin(s, &p);
			memcpy(logits, cases[i], sizeof(logits));
			sampler_next(s, logits, 4, &c);
			assert_true(
			    i == 3 || c.id == 2 || (i == 0 && c.id == 1));
			assert_true(isfinite(c.logprob));
			for (unsigned t = 0; t < c.n_top; t++)
				assert_true(isfinite(c.top_logprobs[t]));
			assert_true(i == 3 || c.top_ids[0] == 2);
		}
	}
	sampler_free(s);
}

static void
sampler_next__all_not_a_number__is_a_token(void **state)
{
	const float logits[3] = { NAN, NAN, NAN };
	struct sampler *s = sampler_make(3);
	struct sampling p = greedy();

	(void)state;
	sampler_begin(s, &p);
	assert_int_equal(next(s, logits, 3), 0);
	p = SAMPLING_DEFAULT;
	sampler_begin(s, &p);
	for (unsigned i = 0; i < 100; i++)
		(void)next(s, logits, 3);
	sampler_free(s);
}

/* Draws are as likely as they should be: Pearson's chi-square, whose 99.99 %
 * quantile for 11 degrees of freedom is 37.4. Seeds are fixed. */
static void
assert_drawn(const struct sampling *params, const double *expected)
{
	struct sampler *s = sampler_make(N_VOCAB);
	unsigned counts[N_VOCAB] = { 0 };
	double chi = 0;

	sampler_begin(s, params);
	for (unsigned i = 0; i < DRAWS; i++)
		counts[next(s, some_logits, N_VOCAB)]++;
	for (unsigned i = 0; i < N_VOCAB; i++) {
		double n = expected[i] * DRAWS;

		if (expected[i] > 0)
			chi += (counts[i] - n) * (counts[i] - n) / n;
		else
			assert_int_equal(counts[i], 0);
	}
	assert_true(chi < 37.4);
	sampler_free(s);
}

/* By sorting, in double: k and top_p as their definitions say. */
static void
expect(double temperature, unsigned k, double top_p, double *ret)
{
	unsigned order[N_VOCAB], n = 0;
	double sum = 0, kept = 0;

	for (unsigned i = 0; i < N_VOCAB; i++) {
		unsigned at = i;

		for (; at > 0 && some_logits[order[at - 1]] < some_logits[i];
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
		ret[i] = exp((double)some_logits[i] / temperature);
	}
	if (k == 0 || k > N_VOCAB)
		k = N_VOCAB;
	for (unsigned i = 0; i < k; i++)
		sum += ret[order[i]];
	while (n < k && (n == 0 || kept < top_p * sum))
		kept += ret[order[n++]];
	for (unsigned i = 0; i < N_VOCAB; i++)
		ret[order[i]] = i < n ? ret[order[i]] / kept : 0;
}

static void
sampler_next__temperature__shapes_the_draws(void **state)
{
	static const float temperatures[] = { 0.3F, 1, 2 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct sampling p = SAMPLING_DEFAULT;
		double expected[N_VOCAB];

		p.temperature = temperatures[i];
		p.seed = i;
		expect((double)p.temperature, 0, 1, expected);
		assert_drawn(&p, expected);
	}
}

static void
sampler_next__top_k__draws_from_the_likeliest(void **state)
{
	(void)state;
	for (unsigned k = 1; k <= N_VOCAB + 1; k++) {
		struct sampling p = SAMPLING_DEFAULT;
		double expected[N_VOCAB];

		p.top_k = k;
		p.seed = 100 + k;
		expect(1, k, 1, expected);
		assert_drawn(&p, expected);
	}
}

static void
sampler_next__top_p__draws_from_what_makes_it_up(void **state)
{
	static const float shares[] = { 1e-6F, 0.2F, 0.5F, 0.75F, 0.9F,
		0.999F };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(shares); i++) {
		struct sampling p = SAMPLING_DEFAULT;
		double expected[N_VOCAB];

		p.top_p = shares[i];
		p.temperature = 1.5F;
		p.seed = 200 + i;
		expect(1.5, 0, (double)shares[i], expected);
		assert_drawn(&p, expected);
	}
}

static void
sampler_next__top_k_and_top_p__are_applied_in_turn(void **state)
{
	struct sampling p = SAMPLING_DEFAULT;
	double expected[N_VOCAB];

	(void)state;
	p.top_k = 5;
	p.top_p = 0.7F;
	p.temperature = 0.8F;
	expect((double)0.8F, 5, (double)0.7F, expected);
	assert_drawn(&p, expected);
}

static void
sampler_next__the_smallest_temperatures__are_nearly_greedy(void **state)
{
	static const float small[] = { 1e-3F, 1e-30F, 1e-38F, 1e-45F };
	const float logits[4] = { 100, 300, -50, 299 };
	struct sampler *s = sampler_make(4);

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LEN(small); i++) {
		struct sampling p = SAMPLING_DEFAULT;

		p.temperature = small[i / 2];
		p.top_p = i % 2 ? 0.9F : 1;
		sampler_begin(s, &p);
		for (unsigned k = 0; k < 50; k++)
			assert_int_equal(next(s, logits, 4), 1);
	}
	sampler_free(s);
}

static void
sampler_next__the_same_seed__draws_the_same(void **state)
{
	struct sampler *a = sampler_make(N_VOCAB), *b = sampler_make(N_VOCAB);
	struct sampling p = SAMPLING_DEFAULT;
	unsigned n_other = 0;

	(void)state;
	p.seed = UINT64_MAX;
	sampler_begin(a, &p);
	sampler_begin(b, &p);
	(void)next(b, some_logits, N_VOCAB);
	sampler_begin(b, &p); /* forgets */
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(next(a, some_logits, N_VOCAB),
		    next(b, some_logits, N_VOCAB));
	p.seed++;
	sampler_begin(a, &p);
	p.seed++;
	sampler_begin(b, &p);
	for (unsigned i = 0; i < 1000; i++)
		n_other += next(a, some_logits, N_VOCAB) !=
			   next(b, some_logits, N_VOCAB);
	assert_true(n_other > 500);
	sampler_free(a);
	sampler_free(b);
}

/* Which of two tokens wins tells what a penalty did to the other's logit. */
static void
assert_between(const struct sampling *p, const uint32_t *prompt,
    uint32_t n_prompt, uint32_t n_answer, float logit, float becomes)
{
	struct sampler *s = sampler_make(2);

	for (int side = -1; side <= 1; side += 2) {
		float other = becomes + (float)side * 1e-4F;
		const float logits[2] = { logit, other };

		sampler_begin(s, p);
		sampler_prompt(s, prompt, n_prompt);
		for (uint32_t i = 0; i < n_answer; i++)
			assert_int_equal(next(s, (const float[]){ 1e6F, -1e6F },
					     2),
			    0);
		assert_int_equal(next(s, logits, 2), side < 0 ? 0 : 1);
	}
	sampler_free(s);
}

static void
sampler_next__penalties__are_exact(void **state)
{
	static const uint32_t seen[3] = { 0, 0, 0 };
	struct sampling p = greedy();

	(void)state;
	p.repetition_penalty = 1.25F;
	assert_between(&p, seen, 0, 0, 2.0F, 2.0F);
	assert_between(&p, seen, 1, 0, 2.0F, 1.6F);
	assert_between(&p, seen, 3, 2, 2.0F, 1.6F); /* once, however often */
	assert_between(&p, seen, 0, 1, -2.0F, -2.5F);
	p.repetition_penalty = 0.5F;
	assert_between(&p, seen, 1, 0, 2.0F, 4.0F);

	p = greedy();
	p.presence_penalty = 0.75F;
	assert_between(&p, seen, 3, 0, 1.0F, 1.0F); /* answer only */
	assert_between(&p, seen, 0, 1, 1.0F, 0.25F);
	assert_between(&p, seen, 3, 4, 1.0F, 0.25F);
	p.presence_penalty = -2;
	assert_between(&p, seen, 0, 1, 1.0F, 3.0F);

	p = greedy();
	p.frequency_penalty = 0.5F;
	assert_between(&p, seen, 3, 0, 1.0F, 1.0F);
	assert_between(&p, seen, 3, 1, 1.0F, 0.5F);
	assert_between(&p, seen, 3, 4, 1.0F, -1.0F);

	p.presence_penalty = 0.25F;
	p.repetition_penalty = 2;
	assert_between(&p, seen, 0, 3, 4.0F, 2.0F - 0.25F - 1.5F);
}

static void
sampler_next__extreme_penalties__leave_numbers(void **state)
{
	struct sampler *s = sampler_make(N_VOCAB);
	struct sampling p = SAMPLING_DEFAULT;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		p.repetition_penalty = i ? 1e-38F : 1e38F;
		sampler_begin(s, &p);
		for (unsigned k = 0; k < 100; k++) {
			struct sampler_choice c;
			float logits[N_VOCAB];

			memcpy(logits, some_logits, sizeof(logits));
			logits[0] = -1e30F;
			logits[1] = 1e30F;
			sampler_next(s, logits, 0, &c);
			assert_true(c.id < N_VOCAB && isfinite(c.logprob));
			assert_int_equal(c.n_top, 0);
		}
	}
	sampler_free(s);
}

static void
sampler_next__logprobs__are_the_models_own(void **state)
{
	struct sampler *s = sampler_make(N_VOCAB);
	struct sampling p = SAMPLING_DEFAULT;
	double sum = 0, total = 0;

	(void)state;
	for (unsigned i = 0; i < N_VOCAB; i++)
		total += exp((double)some_logits[i]);
	/* whatever is done to the choice */
	p.temperature = 0.5F;
	p.repetition_penalty = 1.5F;
	p.presence_penalty = 1;
	p.top_k = 3;
	sampler_begin(s, &p);
	for (unsigned k = 0; k < 20; k++) {
		struct sampler_choice c;
		float logits[N_VOCAB];

		memcpy(logits, some_logits, sizeof(logits));
		sampler_next(s, logits, k % 2 ? SAMPLER_LOGPROBS_MAX : 5, &c);
		assert_int_equal(c.n_top, k % 2 ? N_VOCAB : 5);
		assert_true(
		    fabs((double)c.logprob -
			 ((double)some_logits[c.id] - log(total))) < 1e-5);
		assert_int_equal(c.top_ids[0], 2); /* of two, the first */
		assert_int_equal(c.top_ids[1], 5);
		sum = 0;
		for (unsigned i = 0; i < c.n_top; i++) {
			assert_true(i == 0 ||
				    c.top_logprobs[i] <= c.top_logprobs[i - 1]);
			assert_true(fabs((double)c.top_logprobs[i] -
					 ((double)some_logits[c.top_ids[i]] -
					     log(total))) < 1e-5);
			sum += exp((double)c.top_logprobs[i]);
		}
		assert_true(c.n_top < N_VOCAB || fabs(sum - 1) < 1e-5);
	}
	sampler_free(s);
}

/* Telling them must not change what is chosen. */
static void
sampler_next__with_logprobs__chooses_the_same(void **state)
{
	struct sampler *a = sampler_make(N_VOCAB), *b = sampler_make(N_VOCAB);
	struct sampling p = SAMPLING_DEFAULT;

	(void)state;
	p.top_p = 0.95F;
	p.frequency_penalty = 0.01F;
	sampler_begin(a, &p);
	sampler_begin(b, &p);
	for (unsigned i = 0; i < 500; i++) {
		struct sampler_choice c;
		float logits[N_VOCAB];

		memcpy(logits, some_logits, sizeof(logits));
		sampler_next(a, logits, 7, &c);
		assert_int_equal(c.id, next(b, some_logits, N_VOCAB));
	}
	sampler_free(a);
	sampler_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    sampler_next__greedy__takes_the_first_of_the_largest),
		cmocka_unit_test(sampler_next__a_vocabulary_of_one__is_it),
		cmocka_unit_test(
		    sampler_next__logits_that_are_no_numbers__are_the_least_likely),
		cmocka_unit_test(sampler_next__all_not_a_number__is_a_token),
		cmocka_unit_test(sampler_next__temperature__shapes_the_draws),
		cmocka_unit_test(sampler_next__top_k__draws_from_the_likeliest),
		cmocka_unit_test(
		    sampler_next__top_p__draws_from_what_makes_it_up),
		cmocka_unit_test(
		    sampler_next__top_k_and_top_p__are_applied_in_turn),
		cmocka_unit_test(
		    sampler_next__the_smallest_temperatures__are_nearly_greedy),
		cmocka_unit_test(sampler_next__the_same_seed__draws_the_same),
		cmocka_unit_test(sampler_next__penalties__are_exact),
		cmocka_unit_test(
		    sampler_next__extreme_penalties__leave_numbers),
		cmocka_unit_test(sampler_next__logprobs__are_the_models_own),
		cmocka_unit_test(sampler_next__with_logprobs__chooses_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
