/* SPDX-License-Identifier: MIT */
#include "base/cidr.h"

#include <arpa/inet.h>
#include <string.h>

/* ::ffff:0:0/96 */
static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool
cidr_addr_parse(struct str s, struct cidr_addr *ret)
{
	char text[CIDR_TEXT_BYTES];
	struct cidr_addr addr;

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (memchr(text, ':', s.n)) {
		if (inet_pton(AF_INET6, text, addr.b) != 1)
			return false;
	} else {
		memcpy(addr.b, mapped_prefix, sizeof(mapped_prefix));
		if (inet_pton(AF_INET, text, addr.b + 12) != 1)
			return false;
	}
	*ret = addr;
	return true;
}

static bool
is_v4(const struct cidr_addr *addr)
{
	return memcmp(addr->b, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

void
cidr_addr_format(const struct cidr_addr *addr, char ret[CIDR_TEXT_BYTES])
{
	const char *text =
	    is_v4(addr) ? inet_ntop(AF_INET, addr->b + 12, ret, CIDR_TEXT_BYTES)
			: inet_ntop(AF_INET6, addr->b, ret, CIDR_TEXT_BYTES);

	ASSERT(text); /* the buffer holds the longest text */
}

/* Whether the first n_bits of a and b are the same. */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned n_bits)
{
	unsigned n_bytes = n_bits / 8;
	unsigned rest = n_bits % 8;

	if (memcmp(a, b, n_bytes) != 0)
		return false;
	return rest == 0 || ((a[n_bytes] ^ b[n_bytes]) >> (8 - rest)) == 0;
}

/* Whether all bits behind the prefix are 0: "10.0.0.1/8" is a slip of the
 * pen that would open more than its author meant. */
static bool
is_rest_zero(const struct cidr *range)
{
	for (unsigned i = range->n_bits; i < 128; i++)
		if (range->addr.b[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

bool
cidr_parse(struct str s, struct cidr *ret)
{
	size_t slash = str_find(s, '/');
	struct cidr range = { .n_bits = 128 };
	uint64_t bits;

	if (!cidr_addr_parse(str_make(s.p, slash), &range.addr))
		return false;
	if (slash < s.n) {
		bool v4 = is_v4(&range.addr) && str_find(s, ':') == s.n;

		if (!str_to_u64(str_skip(s, slash + 1), 0, v4 ? 32 : 128,
			&bits))
			return false;
		range.n_bits = (unsigned)bits + (v4 ? 96 : 0);
	}
	if (!is_rest_zero(&range))
		return false;
	*ret = range;
	return true;
}

bool
cidr_contains(const struct cidr *range, const struct cidr_addr *addr)
{
	return same_prefix(range->addr.b, addr->b, range->n_bits);
}

static size_t
count_items(struct str s)
{
	struct str piece;
	size_t n = 0;

	while (str_split(&s, ',', &piece))
		n++;
	return n;
}

enum err
cidr_list_parse(struct arena *a, struct str s, struct cidr_list *ret,
    struct error *e)
{
	size_t n_max = count_items(s);
	struct str piece;
	struct cidr *v;
	size_t n = 0;

	if (n_max > CIDR_LIST_MAX)
		return error_set(e, ERR_CONFIG, "more than %d address ranges",
		    CIDR_LIST_MAX);
	v = arena_array(a, struct cidr, n_max);
	if (!v)
		return error_arena(e, a);
	while (str_split(&s, ',', &piece)) {
		piece = str_trim(piece);
		if (piece.n == 0)
			continue;
		if (!cidr_parse(piece, &v[n]))
			return error_set(e, ERR_CONFIG,
			    "\"%" PRI_STR "\" is not an address or range such "
			    "as 10.0.0.0/8",
			    STR_ARG(piece));
		n++;
	}
	*ret = (struct cidr_list){ v, n };
	return OK;
}

bool
cidr_list_contains(const struct cidr_list *list, const struct cidr_addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (cidr_contains(&list->v[i], addr))
			return true;
	return false;
}
