/* SPDX-License-Identifier: MIT */
/*
 * What a request can cost at most, and how much output an amount affords:
 * pure arithmetic. Every token counts as the dearest that it can turn out to
 * be, at the prices of the long context if the prompt may reach it.
 */
#ifndef TG_DOMAIN_BUDGET_QUOTE_H
#define TG_DOMAIN_BUDGET_QUOTE_H

#include <stdbool.h>
#include <stdint.h>

struct price;

/* Output that an answer may be cut down to, unless it asks for less: what is
 * shorter is of no use to anybody, and costs its prompt all the same. */
#define BUDGET_OUT_MIN_TOK 16

struct budget_quote {
	int64_t in_pusd, out_pusd; /* a token, the dearest */
	int64_t request_pusd;
	uint64_t markup_ppm;
	uint64_t prompt_tok;
	uint64_t n; /* answers */
};

/** Whether it costs nothing, whatever is used. */
bool budget_price_is_free(const struct price *p, uint64_t markup_ppm);

/**
 * @prompt_tok     no less than the prompt can turn out to have
 * @threshold_tok  of the long context; -1: there is none
 */
struct budget_quote budget_quote_of(const struct price *p, uint64_t markup_ppm,
    int64_t threshold_tok, uint64_t prompt_tok, uint64_t n);

/** (prompt + out_tok) x n, and the price per request; INT64_MAX: more than
 * can be told. */
int64_t budget_quote_pusd(const struct budget_quote *q, uint64_t out_tok);

/** The most output, of each answer, that costs no more than amount_pusd; at
 * most out_tok. */
uint64_t budget_quote_affords(const struct budget_quote *q, int64_t amount_pusd,
    uint64_t out_tok);

#endif
