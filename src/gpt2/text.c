/* SPDX-License-Identifier: MIT */
#include "gpt2/text.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void
text_out_init(struct text_out *t, const struct str *stops, size_t n_stops)
{
	*t = (struct text_out){ .stops = stops, .n_stops = n_stops };
}

void
text_out_fini(struct text_out *t)
{
	free(t->bytes);
	*t = (struct text_out){ 0 };
}

/* Room for n more bytes behind what hasn't gone out yet. */
static enum err
make_room(struct text_out *t, size_t n, struct error *e)
{
	size_t cap = t->cap;
	char *bytes;

	if (t->n_out > 0) {
		memmove(t->bytes, t->bytes + t->n_out, t->n - t->n_out);
		t->n -= t->n_out;
		t->n_gone += t->n_out;
		t->n_out = 0;
	}
	while (cap - t->n < n)
		cap = cap ? 2 * cap : 256;
	if (cap == t->cap)
		return OK;
	bytes = realloc(t->bytes, cap);
	if (!bytes)
		return error_set(e, ERR_NO_MEMORY, "text of an answer");
	t->bytes = bytes;
	t->cap = cap;
	return OK;
}

/*
 * How a character can begin: the bytes that it has, and which second ones are
 * allowed (RFC 3629, section 4: no surrogates, nothing overlong).
 */
static size_t
expected(unsigned char first, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef) {
		if (first == 0xe0)
			*ret_low = 0xa0;
		if (first == 0xed)
			*ret_high = 0x9f;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		if (first == 0xf0)
			*ret_low = 0x90;
		if (first == 0xf4)
			*ret_high = 0x8f;
		return 4;
	}
	return 0;
}

static void
put(struct text_out *t, const char *p, size_t n)
{
	memcpy(t->bytes + t->n, p, n);
	t->n += n;
}

/* Whether the byte can be the next one of the character that has begun. */
static bool
goes_on(const struct text_out *t, unsigned char byte)
{
	unsigned char low = 0x80, high = 0xbf;

	if (t->n_part == 1)
		(void)expected((unsigned char)t->part[0], &low, &high);
	return t->n_part > 0 && byte >= low && byte <= high;
}

/* The character that has begun, if any, won't become one. */
static void
end_part(struct text_out *t)
{
	if (t->n_part > 0)
		put(t, REPLACEMENT, 3);
	t->n_part = 0;
}

static void
put_byte(struct text_out *t, unsigned char byte)
{
	unsigned char low, high;
	size_t n;

	if (!goes_on(t, byte))
		end_part(t);
	t->part[t->n_part++] = (char)byte;
	n = expected((unsigned char)t->part[0], &low, &high);
	if (n == 0) {
		end_part(t);
	} else if (t->n_part == n) {
		put(t, t->part, n);
		t->n_part = 0;
	}
}

enum err
text_out_add(struct text_out *t, struct str bytes, struct error *e)
{
	/* each byte can become U+FFFD, and one more for a part before them */
	enum err err = make_room(t, 3 * bytes.n + 3, e);

	if (err || t->is_stopped)
		return err;
	if (bytes.n > 0 && !goes_on(t, (unsigned char)bytes.p[0]))
		end_part(t);
	t->token_at = t->n_gone + t->n;
	for (size_t i = 0; i < bytes.n; i++)
		put_byte(t, (unsigned char)bytes.p[i]);
	return OK;
}

/* Where the stop string begins that is complete first (of those, the longest),
 * or t->n: so it doesn't matter how the text came in tokens. */
static size_t
find_stop(const struct text_out *t)
{
	struct str text = str_make(t->bytes, t->n);
	size_t first = t->n, first_end = SIZE_MAX;

	for (size_t i = 0; i < t->n_stops; i++) {
		size_t at = str_find_str(text, t->stops[i]);
		size_t end = at + t->stops[i].n;

		if (at < t->n &&
		    (end < first_end || (end == first_end && at < first))) {
			first = at;
			first_end = end;
		}
	}
	return first;
}

/* The first place from which on the text may become a stop string, or t->n. */
static size_t
find_beginning(const struct text_out *t)
{
	for (size_t at = 0; at < t->n; at++) {
		struct str rest = str_make(t->bytes + at, t->n - at);

		for (size_t i = 0; i < t->n_stops; i++) {
			if (rest.n < t->stops[i].n &&
			    str_starts(t->stops[i], rest))
				return at;
		}
	}
	return t->n;
}

enum err
text_out_take(struct text_out *t, bool is_end, struct str *ret, struct error *e)
{
	enum err err = make_room(t, 3, e);

	if (err)
		return err;
	*ret = str_make(t->bytes, 0);
	if (t->is_stopped)
		return OK;
	if (is_end)
		end_part(t);
	t->n_out = find_stop(t);
	if (t->n_out < t->n)
		t->is_stopped = true;
	else if (!is_end)
		t->n_out = find_beginning(t);
	*ret = str_make(t->bytes, t->n_out);
	return OK;
}

uint64_t
text_out_token_at(const struct text_out *t)
{
	return t->token_at;
}

bool
text_out_is_stopped(const struct text_out *t)
{
	return t->is_stopped;
}
