/* SPDX-License-Identifier: MIT */
/*
 * What tokens cost: a price version times the counts, plus the markup.
 * Integers only; the one rounding is the markup's. Rules: doc/architecture.md
 * "Money".
 */
#ifndef TG_DOMAIN_PRICE_H
#define TG_DOMAIN_PRICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/tok_class.h"

struct price;

/* Counts of one request, disjoint, by context and class. */
struct tokens {
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
};

/* What one request costs. */
struct cost {
	int64_t charged_pusd;  /* price x markup: what the customer owes */
	int64_t provider_pusd; /* the price alone */
};

/**
 * @p           the version in force when the request was admitted
 * @markup_ppm  millionths; 1,000,000 charges the price itself
 * Errors: ERR_MONEY_RANGE.
 */
enum err price_cost(const struct price *p, const struct tokens *t,
    uint64_t markup_ppm, struct cost *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * The same for what a request used: without a token it owes nothing, the price
 * per request being for work.
 */
enum err price_charge(const struct price *p, const struct tokens *t,
    uint64_t markup_ppm, struct cost *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * The same for what was used elsewhere and is reported: the price per request
 * is owed without a token, too, if it ended well. An image or a search counts
 * none.
 */
enum err price_reported(const struct price *p, const struct tokens *t,
    enum usage_status status, uint64_t markup_ppm, struct cost *ret,
    struct error *e) ATTR_MUST_CHECK;

/** How many of the first of `versions`, which stand together by model, are of
 * one model; 0 if n is. */
size_t price_same_model(const struct price *versions, size_t n);

/** The version in force at a time among those of one model, in any order;
 * NULL: none was. */
const struct price *price_at(const struct price *versions, size_t n,
    int64_t at_ms);

/** Sums over both contexts. */
uint64_t tokens_in(const struct tokens *t);
uint64_t tokens_out(const struct tokens *t);

/**
 * Beyond the model's threshold the whole request counts as long context:
 * move all counts there.
 * @threshold_tok  -1: the model has none
 */
void tokens_apply_threshold(struct tokens *t, int64_t threshold_tok);

#endif
