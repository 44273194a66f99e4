/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations for the load tool: exact below 1,024, then 512
 * steps to each doubling, so that a percentile is off by 0.2 % at most.
 */
#ifndef TG_SUPPORT_HIST_H
#define TG_SUPPORT_HIST_H

#include <stddef.h>
#include <stdint.h>

#define HIST_EXACT   1024u
#define HIST_STEPS   512u
#define HIST_OCTAVES 30u
#define HIST_N       (HIST_EXACT + HIST_OCTAVES * HIST_STEPS)

struct hist {
	uint64_t n;
	uint64_t sum;
	uint64_t max;
	uint64_t at[HIST_N];
};

/** Count one value; larger ones than 2^40 go to the last step. */
void hist_add(struct hist *h, uint64_t v);

/** The value that permille/1000 of all don't pass; 0 when there is none. */
uint64_t hist_at(const struct hist *h, unsigned permille);

#endif
