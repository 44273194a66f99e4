/* SPDX-License-Identifier: MIT */
#include "domain/usage_metric.h"

/* clang-format off */
#define TOKENS(word_, from_, end_, name_) \
	{ .word = word_, .number = USAGE_NUMBER_TOKENS, .from = from_, .end = end_, .name = name_ }
#define ONE_CLASS(word_, class_, name_) TOKENS(word_, class_, class_ + 1, name_)
#define DURATION(word_, number_, per_mille_, name_) \
	{ .word = word_, .unit = USAGE_UNIT_MS, .number = number_, .per_mille = per_mille_, .name = name_ }
const struct usage_metric usage_metrics[USAGE_METRICS_N] = {
	{ .word = "cost", .unit = USAGE_UNIT_USD, .number = USAGE_NUMBER_COST, .name = "Cost (USD)" },
	{ .word = "requests", .number = USAGE_NUMBER_REQUESTS, .name = "Requests" },
	TOKENS("tokens", 0, TOK_CLASS__MAX, "Tokens, in and out"),
	TOKENS("tokens_in", 0, TOK_CLASS_FIRST_OUT, "Tokens in"),
	TOKENS("tokens_out", TOK_CLASS_FIRST_OUT, TOK_CLASS__MAX, "Tokens out"),
	ONE_CLASS("in", TOK_IN, "Tokens in: plain"),
	ONE_CLASS("in_cached", TOK_IN_CACHED, "Tokens in: cached"),
	ONE_CLASS("in_cache_write", TOK_CACHE_WRITE, "Tokens in: written to the cache"),
	ONE_CLASS("in_audio", TOK_IN_AUDIO, "Tokens in: audio"),
	ONE_CLASS("out", TOK_OUT, "Tokens out: plain"),
	ONE_CLASS("out_reasoning", TOK_OUT_REASONING, "Tokens out: reasoning"),
	ONE_CLASS("out_audio", TOK_OUT_AUDIO, "Tokens out: audio"),
	ONE_CLASS("out_image", TOK_OUT_IMAGE, "Tokens out: images"),
	{ .word = "errors", .number = USAGE_NUMBER_ERRORS, .name = "Failed requests" },
	{ .word = "refusals", .number = USAGE_NUMBER_REFUSALS, .name = "Refused requests" },
	DURATION("latency_p50", USAGE_NUMBER_LATENCY, 500, "Duration, p50"),
	DURATION("latency_p95", USAGE_NUMBER_LATENCY, 950, "Duration, p95"),
	DURATION("ttft_p50", USAGE_NUMBER_TTFT, 500, "Time to first token, p50"),
	DURATION("ttft_p95", USAGE_NUMBER_TTFT, 950, "Time to first token, p95"),
};
/* clang-format on */

int64_t
usage_metric_value(const struct usage_metric *m, const struct usage_group *g)
{
	uint64_t n = 0;

	switch (m->number) {
	case USAGE_NUMBER_COST:
		return g->sums.cost_pusd;
	case USAGE_NUMBER_REQUESTS:
		return (int64_t)g->sums.requests;
	case USAGE_NUMBER_ERRORS:
		return (int64_t)g->failed_requests;
	case USAGE_NUMBER_REFUSALS:
		return (int64_t)g->refusals;
	case USAGE_NUMBER_TOKENS:
		for (unsigned x = 0; x < TOK_CONTEXT__MAX; x++)
			for (unsigned i = m->from; i < m->end; i++)
				n += g->sums.tok[x][i];
		return (int64_t)n;
	case USAGE_NUMBER_LATENCY:
		return histogram_percentile_ms(&g->sums.latency, m->per_mille);
	case USAGE_NUMBER_TTFT:
		return histogram_percentile_ms(&g->sums.ttft, m->per_mille);
	}
	return -1;
}

enum usage_rank
usage_metric_rank(const struct usage_metric *m)
{
	if (m->number == USAGE_NUMBER_COST)
		return USAGE_RANK_COST;
	if (m->number == USAGE_NUMBER_ERRORS)
		return USAGE_RANK_FAILED;
	if (m->number != USAGE_NUMBER_TOKENS)
		return USAGE_RANK_REQUESTS;
	if (m->end - m->from == 1)
		return (enum usage_rank)(USAGE_RANK_TOKEN_CLASS + m->from);
	if (m->end - m->from == TOK_CLASS__MAX)
		return USAGE_RANK_TOKENS;
	return m->from == 0 ? USAGE_RANK_TOKENS_IN : USAGE_RANK_TOKENS_OUT;
}

uint64_t *
usage_rank_tokens(enum usage_rank rank, struct usage_group *g)
{
	unsigned class = 0;

	if (rank == USAGE_RANK_TOKENS_OUT)
		class = TOK_CLASS_FIRST_OUT;
	else if (rank >= USAGE_RANK_TOKEN_CLASS && rank < USAGE_RANK_REQUESTS)
		class = (unsigned)(rank - USAGE_RANK_TOKEN_CLASS);
	return &g->sums.tok[TOK_NORMAL][class];
}
