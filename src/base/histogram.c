/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

const uint32_t histogram_edges_ms[HISTOGRAM_N - 1] = { HISTOGRAM_EDGES_MS };

unsigned
histogram_bucket(int64_t value_ms)
{
	unsigned low = 0, high = HISTOGRAM_N - 1;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (value_ms <= (int64_t)histogram_edges_ms[mid])
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

void
histogram_count(struct histogram *h, int64_t value_ms)
{
	h->n[histogram_bucket(value_ms)]++;
}

void
histogram_add(struct histogram *h, const struct histogram *more)
{
	for (unsigned i = 0; i < HISTOGRAM_N; i++)
		h->n[i] += more->n[i];
}

uint64_t
histogram_total(const struct histogram *h)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < HISTOGRAM_N; i++)
		total += h->n[i];
	return total;
}

/* Where in bucket i the rank-th of its n values lies, if they are spread
 * evenly. */
static int64_t
interpolate(unsigned i, uint64_t rank, uint64_t n)
{
	int64_t last = (int64_t)histogram_edges_ms[HISTOGRAM_N - 2];
	int64_t from, to;

	if (i == HISTOGRAM_N - 1)
		return last;
	from = i == 0 ? 0 : (int64_t)histogram_edges_ms[i - 1];
	to = (int64_t)histogram_edges_ms[i];
	return from + (to - from) * (int64_t)rank / (int64_t)n;
}

int64_t
histogram_percentile_ms(const struct histogram *h, unsigned per_mille)
{
	uint64_t total = histogram_total(h);
	uint64_t rank = (total * per_mille + 999) / 1000;
	uint64_t below = 0;

	if (total == 0)
		return -1;
	if (rank == 0)
		rank = 1;
	for (unsigned i = 0; i < HISTOGRAM_N; i++) {
		if (below + h->n[i] >= rank)
			return interpolate(i, rank - below, h->n[i]);
		below += h->n[i];
	}
	return interpolate(HISTOGRAM_N - 1, 1, 1);
}
