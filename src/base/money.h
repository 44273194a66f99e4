/* SPDX-License-Identifier: MIT */
/*
 * Money as integers: pico-USD (1e-12 USD), suffix _pusd, checked arithmetic,
 * no floating point. The range is about +-9,223,372 USD; SQL's
 * DECIMAL(20,12) holds more, so reading checks it (ERR_MONEY_RANGE).
 */
#ifndef TG_BASE_MONEY_H
#define TG_BASE_MONEY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define MONEY_PUSD_PER_USD INT64_C(1000000000000)
/* Longest decimal text: sign, 7 digits, point, 12 digits, NUL; rounded up. */
#define MONEY_TEXT_BYTES   24

enum err money_add(int64_t a_pusd, int64_t b_pusd, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;
enum err money_sub(int64_t a_pusd, int64_t b_pusd, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;
/** Price per token times a number of tokens. */
enum err money_mul_tok(int64_t price_pusd, uint64_t n_tok, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;
/**
 * amount * ppm / 1,000,000, rounded half to even: the one place where
 * rounding arises (markups, shares).
 */
enum err money_mul_ppm(int64_t amount_pusd, uint64_t ppm, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;

/** "[-]D[.D]" with up to 12 decimals (more only if zero) to pico-USD. */
enum err money_from_decimal(struct str s, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;
/**
 * A number as JSON writes it, "0.15", "1.5e-07", to pico-USD: exactly or not
 * at all. Errors: ERR_BAD_PARAM more than 12 decimals, or no number;
 * ERR_MONEY_RANGE.
 */
enum err money_from_number(struct str s, int64_t *ret_pusd,
    struct error *e) ATTR_MUST_CHECK;
/** Exact text with 12 decimals, as DECIMAL(20,12) wants it. */
void money_to_decimal(int64_t amount_pusd, char ret[MONEY_TEXT_BYTES]);
/** Exact text without trailing zeros ("0.00125", "0"): for people and JSON. */
void money_to_text(int64_t amount_pusd, char ret[MONEY_TEXT_BYTES]);
/* 18 decimals, as many digits before the point as an amount has, and NUL. */
#define MONEY_EXACT_BYTES 40
/**
 * Exact text of amount * ppm / 1,000,000, not rounded: what money_mul_ppm()
 * is made of, for people who check it. amount >= 0 and ppm < 2^32.
 */
void money_ppm_to_text(int64_t amount_pusd, uint64_t ppm,
    char ret[MONEY_EXACT_BYTES]);

#endif
