/* SPDX-License-Identifier: MIT */
#include "tokenizer/tally.h"

#include <string.h>

#include "base/json_scan.h"
#include "tokenizer/split.h"
#include "tokenizer/tokenizer.h"

void
tally_init(struct tally *to, const struct tokenizer *t)
{
	to->t = t;
	to->n_tok = 0;
	to->has_failed = false;
	to->n = 0;
}

static uint64_t
count(struct tally *to, struct str text)
{
	uint64_t n_tok = 0;
	struct error e;

	if (text.n && tokenizer_count(to->t, text, &n_tok, &e))
		to->has_failed = true;
	return n_tok;
}

/* Count the first n bytes of the buffer and drop them. */
static void
settle(struct tally *to, size_t n)
{
	to->n_tok += count(to, str_make(to->text, n));
	to->n -= n;
	memmove(to->text, to->text + n, to->n);
}

/* Where to cut a text that is too long: before its last character, if there is
 * no better place, so that no character is cut. */
static size_t
cut_somewhere(struct str text)
{
	size_t cut = split_cut(text);

	if (cut > 0)
		return cut;
	cut = text.n - 1;
	while (text.n - cut < 4 && ((unsigned char)text.p[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

/* As much as fits into the buffer; returns how much that was. */
static size_t
keep(struct tally *to, struct str text)
{
	size_t room = TALLY_BYTES - to->n;
	size_t n = text.n < room ? text.n : room;

	memcpy(to->text + to->n, text.p, n);
	to->n += n;
	if (to->n == TALLY_BYTES)
		settle(to, cut_somewhere(str_make(to->text, to->n)));
	return n;
}

void
tally_add(struct tally *to, struct str text)
{
	while (text.n) {
		struct str window = text;
		size_t n;

		if (to->n > 0 || text.n < TALLY_BYTES) {
			text = str_skip(text, keep(to, text));
			continue;
		}
		/* A long text is counted where it stands. */
		if (window.n > TALLY_WINDOW_BYTES)
			window.n = TALLY_WINDOW_BYTES;
		n = cut_somewhere(window);
		to->n_tok += count(to, str_make(window.p, n));
		text = str_skip(text, n);
	}
}

void
tally_add_json(struct tally *to, struct str value)
{
	struct str rest = str_make(value.p + 1, value.n - 2), run;
	char escape[4];

	while (json_text_next(&rest, escape, &run))
		tally_add(to, run);
}

uint64_t
tally_count(struct tally *to)
{
	size_t cut = split_cut(str_make(to->text, to->n));

	/* What is counted once is not counted again. */
	if (cut > 0)
		settle(to, cut);
	return to->n_tok + count(to, str_make(to->text, to->n));
}
