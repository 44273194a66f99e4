/* SPDX-License-Identifier: MIT */
/*
 * Texts in, tokens out, for tests that compare with other tokenizers: on
 * stdin a number of bytes and so many bytes, on stdout a number of tokens and
 * these, all as 32-bit numbers in the machine's order.
 */
#include <stdio.h>
#include <stdlib.h>

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

int
main(int argc, char **argv)
{
	struct tokenizer *t;
	struct error e;

	if (argc != 2)
		die("usage: tokens_batch FILE <texts >tokens");
	if (tokenizer_open(argv[1], &t, &e))
		die(e.internal);
	while (encode_one(t))
		;
	tokenizer_close(t);
	return fflush(stdout) == 0 ? 0 : 2;
}
