/* SPDX-License-Identifier: MIT */
/* The test tools' byte buffer and text slices; see sbuf.h. */
#include "sbuf.h"

#include <stdlib.h>
#include <string.h>

#define SBUF_FIRST_CAP 512 /* bytes of the first allocation */

void
sbuf_fini(struct sbuf *b)
{
	free(b->p);
	*b = (struct sbuf){ 0 };
}

bool
sbuf_reserve(struct sbuf *b, size_t more)
{
	if (b->failed)
		return false;
	if (b->cap - b->n >= more)
		return true;

	size_t cap = b->cap ? b->cap : SBUF_FIRST_CAP;
	while (cap - b->n < more) {
		if (cap > SIZE_MAX / 2) {
			b->failed = true;
			return false;
		}
		cap *= 2;
	}
	char *p = realloc(b->p, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void
sbuf_add(struct sbuf *b, const void *p, size_t n)
{
	if (!n || !sbuf_reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void
sbuf_fill(struct sbuf *b, char c, size_t n)
{
	if (!n || !sbuf_reserve(b, n))
		return;
	memset(b->p + b->n, c, n);
	b->n += n;
}

void
sbuf_add_u64(struct sbuf *b, uint64_t v)
{
	char text[20]; /* 2^64 - 1 has 20 digits */
	size_t i = sizeof(text);

	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	sbuf_add(b, text + i, sizeof(text) - i);
}

void
sbuf_add_i64(struct sbuf *b, int64_t v)
{
	if (v < 0)
		sbuf_lit(b, "-");
	sbuf_add_u64(b, v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v);
}

void
sbuf_add_hex(struct sbuf *b, uint64_t v)
{
	char text[16]; /* 64 bits */
	size_t i = sizeof(text);

	do {
		text[--i] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	sbuf_add(b, text + i, sizeof(text) - i);
}

void
sbuf_shift(struct sbuf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	if (n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
slice_ieq(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

bool
slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

bool
slice_has_suffix(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n &&
	       memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}

struct slice
slice_trim(struct slice s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool
slice_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}
