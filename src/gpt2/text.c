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

static void
put_byte(struct text_out *t, unsigned char byte)
{
	unsigned char low, high, first;
	size_t n;

	if (t->n_part > 0) {
		first = (unsigned char)t->part[0];
		n = expected(first, &low, &high);
		if (t->n_part > 1) {
			low = 0x80;
			high = 0xbf;
		}
		if (byte >= low && byte <= high) {
			t->part[t->n_part++] = (char)byte;
			if (t->n_part == n) {
				put(t, t->part, n);
				t->n_part = 0;
			}
			return;
		}
		put(t, REPLACEMENT, 3);
		t->n_part = 0;
	}
	n = expected(byte, &low, &high);
	if (n == 1) {
		put(t, (const char *)&byte, 1);
	} else if (n == 0) {
		put(t, REPLACEMENT, 3);
	} else {
		t->part[0] = (char)byte;
		t->n_part = 1;
	}
}

enum err
text_out_add(struct text_out *t, struct str bytes, struct error *e)
{
	/* each byte can become U+FFFD, and one more for a part before them */
	enum err err = make_room(t, 3 * bytes.n + 3, e);

	if (err || t->is_stopped)
		return err;
	for (size_t i = 0; i < bytes.n; i++)
		put_byte(t, (unsigned char)bytes.p[i]);
	return OK;
}

/* The first place where a stop string begins, or t->n. */
static size_t
find_stop(const struct text_out *t)
{
	struct str text = str_make(t->bytes, t->n);
	size_t first = t->n;

	for (size_t i = 0; i < t->n_stops; i++) {
		size_t at = str_find_str(text, t->stops[i]);

		if (at < first)
			first = at;
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
	if (is_end && t->n_part > 0) {
		put(t, REPLACEMENT, 3);
		t->n_part = 0;
	}
	t->n_out = find_stop(t);
	if (t->n_out < t->n)
		t->is_stopped = true;
	else if (!is_end)
		t->n_out = find_beginning(t);
	*ret = str_make(t->bytes, t->n_out);
	return OK;
}

bool
text_out_is_stopped(const struct text_out *t)
{
	return t->is_stopped;
}
