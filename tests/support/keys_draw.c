/* SPDX-License-Identifier: MIT */
/*
 * Keys for bench/run keys, as many as are asked for.
 * usage: keys_draw N < PEPPER, in hex
 * One line a key: its text, public id and digest in hex, for api_keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "domain/key.h"
#include "ext/crypto.h"

int
main(int argc, char **argv)
{
	char secret[256], text[KEY_TEXT_BYTES], hex[2 * KEY_DIGEST_BYTES + 1];
	uint8_t digest[KEY_DIGEST_BYTES];
	struct crypto_key *pepper = NULL;
	enum key_kind kind;
	struct str public_id;
	struct error e;
	uint64_t n = 0;

	if (argc != 2 || !str_to_u64(str_from(argv[1]), 1, 100000000, &n) ||
	    !fgets(secret, sizeof(secret), stdin))
		return 2;
	if (crypto_init(&e) != OK ||
	    crypto_key_from_hex(str_make(secret, strcspn(secret, "\n")),
		&pepper, &e) != OK)
		return 1;
	for (uint64_t i = 0; i < n; i++) {
		key_text_generate(KEY_CUSTOMER, text);
		ASSERT(key_text_parse(str_from(text), &kind, &public_id));
		key_text_digest(pepper, str_from(text), digest);
		hex_encode(digest, sizeof(digest), hex);
		(void)printf("%s\t%" PRI_STR "\t%s\n", text, STR_ARG(public_id),
		    hex);
	}
	crypto_key_free(pepper);
	return 0;
}
