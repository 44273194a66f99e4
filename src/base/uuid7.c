/* SPDX-License-Identifier: MIT */
#include "base/uuid7.h"

#include <string.h>

#include "base/hex.h"
#include "base/rng.h"

/* Positions of the dashes in 8-4-4-4-12. */
static const size_t dashes[] = { 8, 13, 18, 23 };

struct uuid7
uuid7_new(int64_t now_ms)
{
	struct uuid7 id;
	uint64_t ms = (uint64_t)now_ms;

	rng_id_bytes(id.b, sizeof(id.b));
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f)); /* version 7 */
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f)); /* variant 10 */
	return id;
}

void
uuid7_format(const struct uuid7 *id, char ret[UUID7_TEXT_BYTES])
{
	char digits[2 * UUID7_BYTES + 1];
	size_t from = 0, to = 0;

	hex_encode(id->b, sizeof(id->b), digits);
	for (size_t i = 0; i < sizeof(dashes) / sizeof(dashes[0]); i++) {
		size_t n = dashes[i] - to;

		memcpy(ret + to, digits + from, n);
		ret[to + n] = '-';
		from += n;
		to += n + 1;
	}
	memcpy(ret + to, digits + from, 12);
	ret[UUID7_TEXT_BYTES - 1] = '\0';
}

int64_t
uuid7_time_ms(const struct uuid7 *id)
{
	int64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | id->b[i];
	return ms;
}

bool
uuid7_parse(struct str s, struct uuid7 *ret)
{
	char digits[2 * UUID7_BYTES];
	size_t n = 0, next_dash = 0;

	if (s.n != UUID7_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (next_dash < 4 && i == dashes[next_dash]) {
			if (s.p[i] != '-')
				return false;
			next_dash++;
		} else {
			digits[n++] = s.p[i];
		}
	}
	return hex_decode(str_make(digits, n), ret->b, sizeof(ret->b));
}
