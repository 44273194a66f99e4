/* SPDX-License-Identifier: MIT */
#include "handler/api/cursor.h"

#include "base/crc32.h"
#include "base/hex.h"
#include "handler/api/resource.h"

#define CHECK_BYTES     4
#define CURSOR_BYTES(n) (8 * (n) + CHECK_BYTES)

static void
put(uint8_t *p, uint64_t v, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes; i++)
		p[i] = (uint8_t)(v >> (8 * (n_bytes - 1 - i)));
}

static uint64_t
get(const uint8_t *p, unsigned n_bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n_bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/* One checksum over all so far and a text. */
static uint32_t
add_text(uint32_t check, struct str s)
{
	uint8_t b[2 * CHECK_BYTES];

	put(b, check, CHECK_BYTES);
	put(b + CHECK_BYTES, crc32_ieee(s.p, s.n), CHECK_BYTES);
	return crc32_ieee(b, sizeof(b));
}

uint32_t
cursor_tie(const struct request *rq, const struct param_spec *spec,
    const struct param_value *v, size_t n)
{
	uint32_t check = add_text(0, rq->route);

	for (size_t i = LIST_N_PARAMS; i < n; i++)
		if (v[i].is_set)
			check = add_text(add_text(check,
					     str_from(spec[i].name)),
			    v[i].text);
	return check;
}

static uint32_t
check_of(uint32_t tie, const uint8_t *b, size_t n)
{
	return add_text(tie, str_make((const char *)b, 8 * n));
}

void
cursor_write(uint32_t tie, const uint64_t *words, size_t n,
    char ret[CURSOR_TEXT_BYTES])
{
	uint8_t b[CURSOR_BYTES(CURSOR_WORDS_MAX)];

	ASSERT(n >= 1 && n <= CURSOR_WORDS_MAX);
	for (size_t i = 0; i < n; i++)
		put(b + 8 * i, words[i], 8);
	put(b + 8 * n, check_of(tie, b, n), CHECK_BYTES);
	hex_encode(b, CURSOR_BYTES(n), ret);
}

enum err
cursor_read(uint32_t tie, struct str text, uint64_t *ret_words, size_t n,
    struct error *e)
{
	uint8_t b[CURSOR_BYTES(CURSOR_WORDS_MAX)];

	ASSERT(n >= 1 && n <= CURSOR_WORDS_MAX);
	if (text.n != 2 * CURSOR_BYTES(n) ||
	    !hex_decode(text, b, CURSOR_BYTES(n)) ||
	    get(b + 8 * n, CHECK_BYTES) != check_of(tie, b, n))
		return cursor_refuse(e);
	for (size_t i = 0; i < n; i++)
		ret_words[i] = get(b + 8 * i, 8);
	return OK;
}

enum err
cursor_refuse(struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, "cursor",
	    "cursor must be a next_cursor of this list with these filters.");
}
