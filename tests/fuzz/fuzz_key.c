/* SPDX-License-Identifier: MIT */
/* Texts that come as API keys: what is accepted has exactly a key's shape,
 * its checksum holds, and with any byte changed it is refused. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "domain/key.h"

static void
check_accepted(struct str text, enum key_kind kind, struct str public_id)
{
	char copy[KEY_TEXT_BYTES];
	enum key_kind other;

	ASSERT(text.n == (kind == KEY_OPERATOR ? 53 : 52));
	ASSERT(public_id.n == KEY_PUBLIC_ID_BYTES);
	ASSERT(public_id.p > text.p && public_id.p < text.p + text.n);
	memcpy(copy, text.p, text.n);
	for (size_t i = 0; i < text.n; i++) {
		copy[i] = (char)(copy[i] ^ 1);
		ASSERT(!key_text_parse(str_make(copy, text.n), &other, NULL));
		copy[i] = text.p[i];
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n }, public_id = { NULL, 0 };
	enum key_kind kind;

	if (key_text_parse(text, &kind, &public_id))
		check_accepted(text, kind, public_id);
	return 0;
}
