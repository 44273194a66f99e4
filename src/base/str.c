/* SPDX-License-Identifier: MIT */
#include "base/str.h"

static unsigned char
ascii_lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

size_t
str_find_str(struct str s, struct str needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return s.n;
	hit = memmem(s.p, s.n, needle.p, needle.n);
	return hit ? (size_t)(hit - s.p) : s.n;
}

struct str
str_trim(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s = str_skip(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool
str_split(struct str *rest, char sep, struct str *ret_piece)
{
	size_t at;

	if (!rest->p)
		return false;
	at = str_find(*rest, sep);
	*ret_piece = str_make(rest->p, at);
	*rest = at < rest->n ? str_skip(*rest, at + 1)
			     : (struct str){ NULL, 0 };
	return true;
}

/* The byte c eight times. */
#define EIGHT(c) (UINT64_C(0x0101010101010101) * (unsigned char)(c))

/* Top bits of the bytes of x that are zero, and of some above those (Hacker's
 * Delight, 6-1). */
static uint64_t
zero_bytes(uint64_t x)
{
	return (x - EIGHT(1)) & ~x;
}

size_t
str_json_plain(struct str s)
{
	size_t i = 0;

	while (s.n - i >= 8) {
		uint64_t x, special;

		memcpy(&x, s.p + i, sizeof(x)); /* little endian */
		/* Below 0x20, one of three, or not ASCII. */
		special = ((x - EIGHT(0x20)) & ~x) |
			  zero_bytes(x ^ EIGHT('"')) |
			  zero_bytes(x ^ EIGHT('\\')) |
			  zero_bytes(x ^ EIGHT(0x7f)) | x;
		special &= EIGHT(0x80);
		if (special) /* the lowest is exact */
			return i + (size_t)__builtin_ctzll(special) / 8;
		i += 8;
	}
	while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '"' &&
	       s.p[i] != '\\')
		i++;
	return i;
}

size_t
str_utf8_sequence(const char *bytes, size_t n)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t len;
	unsigned char min = 0x80, max = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		min = p[0] == 0xe0 ? 0xa0 : 0x80;
		max = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		min = p[0] == 0xf0 ? 0x90 : 0x80;
		max = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (n < len || p[1] < min || p[1] > max)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

bool
str_is_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	while (i < s.n) {
		uint64_t eight;
		size_t len;

		/* Most text is ASCII: eight bytes at a time. */
		while (s.n - i >= sizeof(eight)) {
			memcpy(&eight, p + i, sizeof(eight));
			if (eight & UINT64_C(0x8080808080808080))
				break;
			i += sizeof(eight);
		}
		if (i == s.n)
			break;
		len = str_utf8_sequence(s.p + i, s.n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

bool
str_to_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool
str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
	bool is_negative = s.n > 0 && s.p[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
	uint64_t u;
	int64_t v;

	if (!str_to_u64(is_negative ? str_skip(s, 1) : s, 0, limit, &u))
		return false;
	/* -(u - 1) - 1 reaches INT64_MIN without overflow. */
	v = is_negative && u > 0 ? -(int64_t)(u - 1) - 1 : (int64_t)u;
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}
