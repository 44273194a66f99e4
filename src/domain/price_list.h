/* SPDX-License-Identifier: MIT */
/*
 * Prices as people write them: USD per million tokens, a class that is left
 * out following from one that is there. For API and command line.
 */
#ifndef TG_DOMAIN_PRICE_LIST_H
#define TG_DOMAIN_PRICE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json_out.h"
#include "base/str.h"
#include "base/tok_class.h"

struct price;

/* Names of a class's price in either context, and whose price it takes if it
 * is left out: its own if it may not be. */
struct price_class {
	const char *names[TOK_CONTEXT__MAX];
	enum tok_class otherwise;
};
extern const struct price_class price_classes[TOK_CLASS__MAX];

/**
 * One price.
 * @is_per_token  the text is USD per token (or request), not per million
 * Errors: ERR_BAD_PARAM with name.
 */
enum err price_read(struct str text, const char *name, bool is_per_token,
    int64_t *ret_pusd, struct error *e) ATTR_MUST_CHECK;

/**
 * Prices that are left out follow from what is there: cached input is priced
 * as input, reasoning as output, long context as its own input or output or
 * else as normal.
 * @is_given  which of *p are there
 * Errors: ERR_BAD_PARAM with the name of one that must be.
 */
enum err price_fill(struct price *p,
    bool is_given[TOK_CONTEXT__MAX][TOK_CLASS__MAX],
    struct error *e) ATTR_MUST_CHECK;

/**
 * All classes' prices.
 * @texts  p == NULL: left out
 * Errors: ERR_BAD_PARAM with the price's name.
 */
enum err price_read_all(struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX],
    bool is_per_token, struct price *ret, struct error *e) ATTR_MUST_CHECK;

/** As people give them: an object of USD per million tokens; null for one
 * above 9 USD a token. */
void price_write(struct json_out *j, const struct price *p);

#endif
