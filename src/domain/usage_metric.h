/* SPDX-License-Identifier: MIT */
/* What sums of usage can be looked at by: one number of a group each. */
#ifndef TG_DOMAIN_USAGE_METRIC_H
#define TG_DOMAIN_USAGE_METRIC_H

#include "base/str.h"
#include "store/usage_summary.h"

enum usage_unit {
	USAGE_UNIT_COUNT,
	USAGE_UNIT_USD, /* pico-USD */
	USAGE_UNIT_MS,  /* a percentile: groups of it don't add up */
};

struct usage_metric {
	const char *word; /* in addresses */
	enum usage_unit unit;
	/* Which number of a group it is. */
	enum {
		USAGE_NUMBER_COST,
		USAGE_NUMBER_REQUESTS,
		USAGE_NUMBER_ERRORS,
		USAGE_NUMBER_REFUSALS,
		USAGE_NUMBER_TOKENS, /* classes from .. end - 1, both contexts */
		USAGE_NUMBER_LATENCY,
		USAGE_NUMBER_TTFT,
	} number;
	unsigned from, end; /* of USAGE_NUMBER_TOKENS: classes */
	unsigned per_mille; /* of the durations */
	const char *name;   /* for people, with its unit */
};

#define USAGE_METRICS_N 19
extern const struct usage_metric usage_metrics[USAGE_METRICS_N];

/* usage_metrics' words, for tables of parameters, in the same order. */
#define USAGE_METRIC_CHOICES                                              \
 "cost|requests|tokens|tokens_in|tokens_out|in|in_cached|in_cache_write|" \
 "in_audio|out|out_reasoning|out_audio|out_image|errors|refusals|"        \
 "latency_p50|latency_p95|ttft_p50|ttft_p95"

/** -1: unknown, of a percentile of nothing. */
int64_t usage_metric_value(const struct usage_metric *m,
    const struct usage_group *g);

/** The number that groups are sorted by where no other is read. Refusals are
 * known anyway; of percentiles it is the requests. */
enum usage_rank usage_metric_rank(const struct usage_metric *m);
/** Where the number of USAGE_RANK_TOKENS and the next belongs: among what
 * usage_metric_value() adds up. */
uint64_t *usage_rank_tokens(enum usage_rank rank, struct usage_group *g);

#endif
