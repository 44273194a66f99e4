/* SPDX-License-Identifier: MIT */
/*
 * The fixed buckets of every stored duration: the rollups keep one count per
 * bucket, so hours add up to days and keys to customers, and percentiles can
 * still be told. Bucket i holds values above edge i-1 up to and including
 * edge i, in milliseconds; the last holds everything above the last edge.
 *
 * Error: a percentile is interpolated inside its bucket, so it is off by less
 * than the bucket's width: from 7 ms on no more than +50 % / -33 % of the
 * true value at worst, below that at most 2 ms. Beyond the last edge it is
 * reported as that edge.
 *
 * The columns are latency_h00 … and ttft_h00 …; changing an edge changes the
 * meaning of stored rows and so needs a migration.
 */
#ifndef TG_BASE_HISTOGRAM_H
#define TG_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_EDGES_MS                                                   \
 1, 2, 3, 5, 7, 10, 15, 22, 33, 47, 68, 100, 150, 220, 330, 470, 680, 1000,  \
     1500, 2200, 3300, 4700, 6800, 10000, 15000, 22000, 33000, 47000, 68000, \
     100000, 150000, 220000, 330000, 470000, 680000

#define HISTOGRAM_N 36 /* 35 edges and what lies above */

struct histogram {
	uint64_t n[HISTOGRAM_N];
};

extern const uint32_t histogram_edges_ms[HISTOGRAM_N - 1];

/** Bucket of a duration; negative durations count as 0. */
unsigned histogram_bucket(int64_t value_ms);
void histogram_count(struct histogram *h, int64_t value_ms);
void histogram_add(struct histogram *h, const struct histogram *more);
uint64_t histogram_total(const struct histogram *h);
/**
 * The value below which per_mille / 1000 of the values lie (500 = median).
 * Returns -1 when the histogram is empty.
 */
int64_t histogram_percentile_ms(const struct histogram *h, unsigned per_mille);

#endif
