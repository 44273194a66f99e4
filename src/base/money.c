/* SPDX-License-Identifier: MIT */
#include "base/money.h"

#include <string.h>

#include "base/buf.h"

/* Wide enough for any int64 times any factor. */
__extension__ typedef unsigned __int128 wide_uint;

#define DECIMALS         12
#define PPM              UINT64_C(1000000)
#define EXACT_DECIMALS   (DECIMALS + 6)
/* Of a number in a text; what is longer is no amount of money. */
#define NUMBER_BYTES_MAX 64

static enum err
out_of_range(struct error *e)
{
	return error_set(e, ERR_MONEY_RANGE, "amount outside int64 pico-USD");
}

enum err
money_add(int64_t a_pusd, int64_t b_pusd, int64_t *ret_pusd, struct error *e)
{
	int64_t sum;

	if (__builtin_add_overflow(a_pusd, b_pusd, &sum))
		return out_of_range(e);
	*ret_pusd = sum;
	return OK;
}

enum err
money_sub(int64_t a_pusd, int64_t b_pusd, int64_t *ret_pusd, struct error *e)
{
	int64_t difference;

	if (__builtin_sub_overflow(a_pusd, b_pusd, &difference))
		return out_of_range(e);
	*ret_pusd = difference;
	return OK;
}

enum err
money_mul_tok(int64_t price_pusd, uint64_t n_tok, int64_t *ret_pusd,
    struct error *e)
{
	int64_t product;

	if (__builtin_mul_overflow(price_pusd, n_tok, &product))
		return out_of_range(e);
	*ret_pusd = product;
	return OK;
}

enum err
money_mul_ppm(int64_t amount_pusd, uint64_t ppm, int64_t *ret_pusd,
    struct error *e)
{
	bool is_negative = amount_pusd < 0;
	wide_uint magnitude = is_negative ? -(wide_uint)amount_pusd
					  : (wide_uint)amount_pusd;
	wide_uint product, quotient, rest;

	if (__builtin_mul_overflow(magnitude, (wide_uint)ppm, &product))
		return out_of_range(e);
	quotient = product / PPM;
	rest = product % PPM;
	if (rest > PPM / 2 || (rest == PPM / 2 && (quotient & 1)))
		quotient++;
	if (quotient > (wide_uint)INT64_MAX)
		return out_of_range(e);
	*ret_pusd = is_negative ? -(int64_t)quotient : (int64_t)quotient;
	return OK;
}

/* Up to 12 digits behind the point as pico-USD; more only when they are 0. */
static bool
parse_fraction(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n || i < DECIMALS; i++) {
		char c = i < s.n ? s.p[i] : '0';

		if (c < '0' || c > '9' || (i >= DECIMALS && c != '0'))
			return false;
		if (i < DECIMALS)
			v = v * 10 + (uint64_t)(c - '0');
	}
	*ret = v;
	return true;
}

enum err
money_from_decimal(struct str s, int64_t *ret_pusd, struct error *e)
{
	struct str text = s;
	bool is_negative = s.n > 0 && s.p[0] == '-';
	size_t point;
	uint64_t whole, fraction = 0;
	int64_t v;

	if (is_negative)
		s = str_skip(s, 1);
	point = str_find(s, '.');
	if (!str_to_u64(str_make(s.p, point), 0, UINT64_MAX, &whole) ||
	    (point < s.n && !parse_fraction(str_skip(s, point + 1), &fraction)))
		return error_set(e, ERR_BAD_PARAM,
		    "not a decimal amount of at most 12 places: %" PRI_STR,
		    STR_ARG(str_make(text.p, text.n < 40 ? text.n : 40)));
	if (__builtin_mul_overflow(whole, (uint64_t)MONEY_PUSD_PER_USD, &v) ||
	    __builtin_add_overflow(v, fraction, &v))
		return out_of_range(e);
	*ret_pusd = is_negative ? -v : v;
	return OK;
}

/* mantissa * 10^exponent, the mantissa without zeros at its end. */
struct scientific {
	uint64_t mantissa;
	int64_t exponent;
	size_t n_zeros; /* seen, and not in the mantissa yet */
	bool is_too_long;
};

/* Take the digits off the front of *s. Returns how many there were. */
static size_t
take_digits(struct str *s, struct scientific *x)
{
	size_t n = 0;

	for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
		uint64_t digit = (uint64_t)(s->p[n] - '0');

		x->n_zeros++;
		if (digit == 0)
			continue;
		for (; x->n_zeros > 0; x->n_zeros--)
			x->is_too_long |= x->mantissa > 0 &&
					  __builtin_mul_overflow(x->mantissa,
					      UINT64_C(10), &x->mantissa);
		x->is_too_long |= __builtin_add_overflow(x->mantissa, digit,
		    &x->mantissa);
	}
	*s = str_skip(*s, n);
	return n;
}

/* "e-07" and the like, or nothing; added to the exponent. */
static bool
take_exponent(struct str s, struct scientific *x)
{
	int64_t exponent;

	if (s.n == 0)
		return true;
	if (s.p[0] != 'e' && s.p[0] != 'E')
		return false;
	s = str_skip(s, 1);
	if (str_starts(s, S("+")))
		s = str_skip(s, 1);
	if (!str_to_i64(s, -1000, 1000, &exponent))
		return false;
	x->exponent += exponent;
	return true;
}

static bool
parse_scientific(struct str s, struct scientific *x)
{
	size_t n_fraction = 0;

	if (take_digits(&s, x) == 0)
		return false;
	if (str_starts(s, S("."))) {
		s = str_skip(s, 1);
		n_fraction = take_digits(&s, x);
		if (n_fraction == 0)
			return false;
	}
	x->exponent = (int64_t)x->n_zeros - (int64_t)n_fraction;
	return take_exponent(s, x);
}

enum err
money_from_number(struct str s, int64_t *ret_pusd, struct error *e)
{
	bool is_negative = str_starts(s, S("-"));
	struct scientific x = { 0 };
	int64_t v;

	if (s.n > NUMBER_BYTES_MAX ||
	    !parse_scientific(is_negative ? str_skip(s, 1) : s, &x))
		return error_set(e, ERR_BAD_PARAM, "not a number: %" PRI_STR,
		    STR_ARG(str_make(s.p, s.n < 40 ? s.n : 40)));
	x.exponent += DECIMALS;
	if (x.mantissa == 0 && !x.is_too_long)
		x.exponent = 0;
	if (x.exponent < 0)
		return error_set(e, ERR_BAD_PARAM,
		    "more than 12 decimals: %" PRI_STR, STR_ARG(s));
	for (; x.exponent > 0 && !x.is_too_long; x.exponent--)
		x.is_too_long = __builtin_mul_overflow(x.mantissa, UINT64_C(10),
		    &x.mantissa);
	if (x.is_too_long || x.mantissa > (uint64_t)INT64_MAX)
		return out_of_range(e);
	v = (int64_t)x.mantissa;
	*ret_pusd = is_negative ? -v : v;
	return OK;
}

void
money_to_decimal(int64_t amount_pusd, char ret[MONEY_TEXT_BYTES])
{
	uint64_t magnitude = amount_pusd < 0 ? 0 - (uint64_t)amount_pusd
					     : (uint64_t)amount_pusd;

	struct buf b;

	buf_init_fixed(&b, ret, MONEY_TEXT_BYTES);
	if (amount_pusd < 0)
		buf_add_char(&b, '-');
	buf_add_u64(&b, magnitude / (uint64_t)MONEY_PUSD_PER_USD);
	buf_add_char(&b, '.');
	buf_add_padded(&b, magnitude % (uint64_t)MONEY_PUSD_PER_USD, DECIMALS);
	buf_add(&b, str_make("", 1)); /* the NUL */
}

void
money_to_text(int64_t amount_pusd, char ret[MONEY_TEXT_BYTES])
{
	size_t n;

	money_to_decimal(amount_pusd, ret);
	n = strlen(ret);
	while (n && ret[n - 1] == '0')
		n--;
	if (n && ret[n - 1] == '.')
		n--;
	ret[n] = '\0';
}

void
money_ppm_to_text(int64_t amount_pusd, uint64_t ppm,
    char ret[MONEY_EXACT_BYTES])
{
	wide_uint rest = (wide_uint)(uint64_t)amount_pusd * ppm;
	char digits[MONEY_EXACT_BYTES]; /* the last one first */
	size_t n = 0, end = 0;
	struct buf b;

	while (rest > 0 || n <= EXACT_DECIMALS) {
		digits[n++] = (char)('0' + (int)(rest % 10));
		rest /= 10;
	}
	while (end < EXACT_DECIMALS && digits[end] == '0')
		end++;
	buf_init_fixed(&b, ret, MONEY_EXACT_BYTES);
	while (n > end) {
		if (n == EXACT_DECIMALS)
			buf_add_char(&b, '.');
		buf_add_char(&b, digits[--n]);
	}
	buf_add_char(&b, '\0');
}
