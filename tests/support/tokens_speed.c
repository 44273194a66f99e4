/* SPDX-License-Identifier: MIT */
/*
 * How fast a text is counted: tokens_speed FILE TEXT ROUNDS prints the number
 * of tokens and, for each round, the seconds that counting took.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tokenizer/tokenizer.h"

#define TEXT_MAX_BYTES MIB(256)

static void
die(const char *why)
{
	fprintf(stderr, "tokens_speed: %s\n", why);
	exit(2);
}

static struct str
read_text(const char *path)
{
	FILE *f = fopen(path, "rbe");
	char *p = malloc(TEXT_MAX_BYTES);
	size_t n;

	if (!f || !p)
		die("cannot read the text");
	n = fread(p, 1, TEXT_MAX_BYTES, f);
	if (ferror(f) || !feof(f))
		die("the text is too long, or cannot be read");
	(void)fclose(f);
	return str_make(p, n);
}

int
main(int argc, char **argv)
{
	uint64_t n_tokens = 0, rounds;
	struct tokenizer *t;
	struct str text;
	struct error e;

	if (argc != 4 || !str_to_u64(str_from(argv[3]), 1, 1000, &rounds))
		die("usage: tokens_speed FILE TEXT ROUNDS");
	if (tokenizer_open(argv[1], &t, &e))
		die(e.internal);
	text = read_text(argv[2]);
	for (uint64_t i = 0; i < rounds; i++) {
		int64_t start_us = clock_mono_us();

		if (tokenizer_count(t, text, &n_tokens, &e))
			die(e.internal);
		printf("%s%.6f", i ? " " : "",
		    (double)(clock_mono_us() - start_us) / 1e6);
	}
	printf("\n%llu\n", (unsigned long long)n_tokens);
	tokenizer_close(t);
	free((void *)(uintptr_t)text.p);
	return 0;
}
