/* SPDX-License-Identifier: MIT */
/*
 * Texts in, tokens out, for tests that compare with other tokenizers: on
 * stdin a number of bytes and so many bytes, on stdout a number of tokens and
 * these, all as 32-bit numbers in the machine's order. With --characters, which
 * characters there are, in the same way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unictype.h>

#include "tokenizer/tokenizer.h"

static void
die(const char *why)
{
	fprintf(stderr, "tokens_batch: %s\n", why);
	exit(2);
}

static bool
encode_one(const struct tokenizer *t)
{
	uint32_t n_bytes, n_tokens, *ids;
	struct error e;
	char *text;
	size_t n;

	if (fread(&n_bytes, sizeof(n_bytes), 1, stdin) != 1)
		return false;
	text = malloc(n_bytes + (size_t)1);
	ids = calloc(n_bytes + (size_t)1, sizeof(*ids));
	if (!text || !ids)
		die("no memory");
	if (fread(text, 1, n_bytes, stdin) != n_bytes)
		die("a text is cut off");
	if (tokenizer_encode(t, str_make(text, n_bytes), ids, n_bytes, &n, &e))
		die(e.internal);
	n_tokens = (uint32_t)n;
	if (fwrite(&n_tokens, sizeof(n_tokens), 1, stdout) != 1 ||
	    fwrite(ids, sizeof(*ids), n, stdout) != n)
		die("cannot write");
	free(text);
	free(ids);
	return true;
}

/* Those that the tokenizer's classes know; without surrogates. */
static void
write_characters(void)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (uc_is_general_category_withtable(c,
			UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Cs |
			    UC_CATEGORY_MASK_Co))
			continue;
		if (fwrite(&c, sizeof(c), 1, stdout) != 1)
			die("cannot write");
	}
}

int
main(int argc, char **argv)
{
	struct tokenizer *t;
	struct error e;

	if (argc != 2)
		die("usage: tokens_batch FILE <texts >tokens, or --characters");
	if (strcmp(argv[1], "--characters") == 0) {
		write_characters();
		return fflush(stdout) == 0 ? 0 : 2;
	}
	if (tokenizer_open(argv[1], &t, &e))
		die(e.internal);
	while (encode_one(t))
		;
	tokenizer_close(t);
	return fflush(stdout) == 0 ? 0 : 2;
}
