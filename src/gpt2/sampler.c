/* SPDX-License-Identifier: MIT */
/*
 * Where no order of likelihood is needed nothing is sorted; where it is, a
 * heap gives the likeliest ones, as few as are needed.
 */
#include "gpt2/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpt2/kernel.h"

struct seen {
	uint32_t n_answer; /* times in the answer */
	bool is_seen;      /* in prompt or answer */
};

struct sampler {
	uint32_t n_vocab;
	const struct kernel *kernel;
	struct sampling params;
	uint64_t random[4];
	struct seen *seen;  /* by token */
	uint32_t *seen_ids; /* those with is_seen */
	uint32_t n_seen;
	float *weights; /* [n_vocab] scratch */
	float *raw;     /* [n_vocab] logits before the penalties */
	uint32_t *heap; /* [n_vocab] tokens, the likeliest first */
};

/* xoshiro256** 1.0 and splitmix64 (Blackman, Vigna): public domain. */
static uint64_t
splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t
rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

/* 0 <= x < 1, of 53 bits */
static double
draw(struct sampler *s)
{
	uint64_t *r = s->random;
	uint64_t result = rotate(r[1] * 5, 7) * 9, t = r[1] << 17;

	r[2] ^= r[0];
	r[3] ^= r[1];
	r[1] ^= r[2];
	r[0] ^= r[3];
	r[2] ^= t;
	r[3] = rotate(r[3], 45);
	return (double)(result >> 11) * 0x1p-53;
}

enum err
sampler_new(uint32_t n_vocab, struct sampler **ret, struct error *e)
{
	struct sampler *s = calloc(1, sizeof(*s));

	if (s) {
		s->n_vocab = n_vocab;
		s->kernel = kernel_best();
		s->seen = calloc(n_vocab, sizeof(*s->seen));
		s->seen_ids = calloc(n_vocab, sizeof(*s->seen_ids));
		s->weights = calloc(n_vocab, sizeof(*s->weights));
		s->raw = calloc(n_vocab, sizeof(*s->raw));
		s->heap = calloc(n_vocab, sizeof(*s->heap));
	}
	if (!s || !s->seen || !s->seen_ids || !s->weights || !s->raw ||
	    !s->heap) {
		sampler_free(s);
		return error_set(e, ERR_NO_MEMORY, "sampler");
	}
	*ret = s;
	return OK;
}

void
sampler_free(struct sampler *s)
{
	if (!s)
		return;
	free(s->seen);
	free(s->seen_ids);
	free(s->weights);
	free(s->raw);
	free(s->heap);
	free(s);
}

void
sampler_begin(struct sampler *s, const struct sampling *params)
{
	uint64_t seed = params->seed;

	for (uint32_t i = 0; i < s->n_seen; i++)
		s->seen[s->seen_ids[i]] = (struct seen){ 0 };
	s->n_seen = 0;
	s->params = *params;
	for (unsigned i = 0; i < 4; i++)
		s->random[i] = splitmix(&seed);
}

static void
see(struct sampler *s, uint32_t id)
{
	if (!s->seen[id].is_seen) {
		s->seen[id].is_seen = true;
		s->seen_ids[s->n_seen++] = id;
	}
}

void
sampler_prompt(struct sampler *s, const uint32_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		see(s, ids[i]);
}

/* The first of the largest; a NaN is never larger. */
static uint32_t
likeliest(const float *logits, uint32_t n)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (logits[i] > logits[best] || isnan(logits[best]))
			best = i;
	}
	return best;
}

static bool
is_likelier(const float *logits, uint32_t a, uint32_t b)
{
	return logits[a] > logits[b] || (!(logits[a] < logits[b]) && a < b);
}

static void
heap_down(uint32_t *heap, uint32_t n, uint32_t at, const float *logits)
{
	uint32_t id = heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n &&
		    is_likelier(logits, heap[child + 1], heap[child]))
			child++;
		if (!is_likelier(logits, heap[child], id))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = id;
}

static void
heap_make(struct sampler *s, const float *logits)
{
	for (uint32_t i = 0; i < s->n_vocab; i++)
		s->heap[i] = i;
	for (uint32_t i = s->n_vocab / 2; i-- > 0;)
		heap_down(s->heap, s->n_vocab, i, logits);
}

/* Takes the likeliest out; it lands behind the heap's new end. */
static uint32_t
heap_take(struct sampler *s, uint32_t *n, const float *logits)
{
	uint32_t id = s->heap[0];

	s->heap[0] = s->heap[--*n];
	s->heap[*n] = id;
	if (*n > 1)
		heap_down(s->heap, *n, 0, logits);
	return id;
}

/* log of the sum of exp(logits), by way of the largest. */
static float
log_sum(struct sampler *s, const float *logits, float max)
{
	memcpy(s->weights, logits, s->n_vocab * sizeof(*logits));
	return max + logf(s->kernel->exp_sum(s->weights, s->n_vocab, max));
}

static void
tell_top(struct sampler *s, const float *logits, uint32_t n_top, float norm,
    struct sampler_choice *ret)
{
	uint32_t n = s->n_vocab;

	ret->n_top = n_top < n ? n_top : n;
	if (ret->n_top == 0)
		return;
	heap_make(s, logits);
	for (uint32_t i = 0; i < ret->n_top; i++) {
		uint32_t id = heap_take(s, &n, logits);

		ret->top_ids[i] = id;
		ret->top_logprobs[i] = logits[id] - norm;
	}
}

static void
penalize(struct sampler *s, float *logits)
{
	const struct sampling *p = &s->params;

	for (uint32_t i = 0; i < s->n_seen; i++) {
		uint32_t id = s->seen_ids[i], n = s->seen[id].n_answer;
		float x = logits[id];

		x = x > 0 ? x / p->repetition_penalty
			  : x * p->repetition_penalty;
		if (n > 0)
			x -= p->presence_penalty +
			     p->frequency_penalty * (float)n;
		logits[id] = x;
	}
}

/* The token at which the sum of weights passes a share of it. Rounding can
 * leave a rest: the last one with any weight. */
static uint32_t
pick(const float *weights, const uint32_t *ids, uint32_t n, double share)
{
	double left = share;
	uint32_t last = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = ids ? ids[i] : i;

		if (weights[i] > 0) {
			last = id;
			left -= (double)weights[i];
			if (left < 0)
				break;
		}
	}
	return last;
}

/* Takes the likeliest until there are k or their weights make up limit;
 * returns how many. They lie at s->heap's end, the likeliest first. */
static uint32_t
take_likeliest(struct sampler *s, const float *logits, float max, uint32_t k,
    double limit, double *ret_sum)
{
	uint32_t left = s->n_vocab, n = 0;
	uint32_t *taken;
	double sum = 0;

	heap_make(s, logits);
	while (n < k && (n == 0 || sum < limit)) {
		uint32_t id = heap_take(s, &left, logits);

		s->weights[n] = expf(logits[id] - max);
		sum += (double)s->weights[n];
		n++;
	}
	taken = s->heap + left;
	for (uint32_t i = 0; i < n / 2; i++) {
		uint32_t id = taken[i];

		taken[i] = taken[n - 1 - i];
		taken[n - 1 - i] = id;
	}
	*ret_sum = sum;
	return n;
}

/* Of the likeliest only: top_k of them, of those as many as make up top_p. */
static uint32_t
draw_top(struct sampler *s, const float *logits, float max)
{
	double limit = INFINITY, top_p = (double)s->params.top_p, sum, kept = 0;
	uint32_t k = s->params.top_k, n, n_kept = 0;

	if (k == 0 || k >= s->n_vocab) {
		memcpy(s->weights, logits, s->n_vocab * sizeof(*logits));
		limit = top_p *
			(double)s->kernel->exp_sum(s->weights, s->n_vocab, max);
		k = s->n_vocab;
	}
	n = take_likeliest(s, logits, max, k, limit, &sum);
	if (k < s->n_vocab)
		limit = top_p * sum;
	while (n_kept < n && (n_kept == 0 || kept < limit))
		kept += (double)s->weights[n_kept++];
	return pick(s->weights, s->heap + (s->n_vocab - n), n_kept,
	    draw(s) * kept);
}

static uint32_t
choose(struct sampler *s, float *logits)
{
	const struct sampling *p = &s->params;
	float max, sum;

	if (!(p->temperature > 0))
		return likeliest(logits, s->n_vocab);
	for (uint32_t i = 0; i < s->n_vocab; i++)
		logits[i] /= p->temperature;
	max = logits[likeliest(logits, s->n_vocab)];
	if (p->top_k > 0 || p->top_p < 1)
		return draw_top(s, logits, max);
	memcpy(s->weights, logits, s->n_vocab * sizeof(*logits));
	sum = s->kernel->exp_sum(s->weights, s->n_vocab, max);
	return pick(s->weights, NULL, s->n_vocab, draw(s) * (double)sum);
}

void
sampler_next(struct sampler *s, float *logits, uint32_t n_top,
    struct sampler_choice *ret)
{
	bool is_told = n_top != SAMPLER_NO_LOGPROBS;
	float norm = 0;

	/* room for what is told is in the struct: not cleared for each token */
	ret->n_top = 0;
	ret->logprob = 0;
	if (is_told) {
		norm = log_sum(s, logits,
		    logits[likeliest(logits, s->n_vocab)]);
		tell_top(s, logits, n_top, norm, ret);
		memcpy(s->raw, logits, s->n_vocab * sizeof(*logits));
	}
	penalize(s, logits);
	ret->id = choose(s, logits);
	if (is_told)
		ret->logprob = s->raw[ret->id] - norm;
	see(s, ret->id);
	s->seen[ret->id].n_answer++;
}
