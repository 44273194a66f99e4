/* SPDX-License-Identifier: MIT */
/* The load tool's histogram; see hist.h. */
#include "hist.h"

static size_t
index_of(uint64_t v)
{
	unsigned shift = 0;

	while (v >> shift >= HIST_EXACT)
		shift++;
	if (!shift)
		return (size_t)v;
	if (shift > HIST_OCTAVES)
		return HIST_N - 1;
	return HIST_EXACT + (shift - 1) * HIST_STEPS +
	       (size_t)((v >> shift) - HIST_STEPS);
}

/* The largest value that is counted at this index. */
static uint64_t
value_of(size_t i)
{
	if (i < HIST_EXACT)
		return i;
	size_t shift = (i - HIST_EXACT) / HIST_STEPS + 1;
	uint64_t step = (i - HIST_EXACT) % HIST_STEPS + HIST_STEPS;
	return ((step + 1) << shift) - 1;
}

void
hist_add(struct hist *h, uint64_t v)
{
	h->n++;
	h->sum += v;
	h->at[index_of(v)]++;
	if (v > h->max)
		h->max = v;
}

uint64_t
hist_at(const struct hist *h, unsigned permille)
{
	uint64_t wanted = (h->n * permille + 999) / 1000;
	uint64_t seen = 0;

	for (size_t i = 0; i < HIST_N && h->n; i++) {
		seen += h->at[i];
		if (seen >= wanted && h->at[i])
			return value_of(i) < h->max ? value_of(i) : h->max;
	}
	return h->max;
}
