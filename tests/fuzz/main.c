/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: on the files given, or else on each
 * file of corpus/NAME and on mutations of them, which are the same in every
 * run (TG_FUZZ_RUNS says how many, 100000 by default). Prints TAP.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_MAX      512
#define INPUT_MAX_BYTES 65536
#define RUNS            100000

struct input {
	uint8_t *p;
	size_t n;
};

static struct input corpus[INPUTS_MAX];
static size_t n_corpus;

/* What parsers trip over. */
static const char *const tokens[] = { "\"", "\\", "{", "}", "[", "]", ":", ",",
	"\n", "\r", "\r\n\r\n", "\n\n", "data: ", "data:", "event: x", "null",
	"true", "0", "-1", "1e9", "99999999999999999999", "\\u0000", "\\ud800",
	"\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98\x80", "%00", "\x01", "[DONE]",
	"\"usage\":", "\"model\":", "\"choices\":[]" };

static uint64_t seed = 0x9e3779b97f4a7c15u;

static size_t
pick(size_t bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return bound ? (size_t)(seed % bound) : 0;
}

static void
run(const uint8_t *p, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	if (!exact)
		abort();
	if (n)
		memcpy(exact, p, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static bool
read_input(const char *path)
{
	struct input *in = &corpus[n_corpus];
	FILE *f = fopen(path, "rb");

	if (!f || n_corpus == INPUTS_MAX) {
		if (f)
			(void)fclose(f);
		return false;
	}
	in->p = malloc(INPUT_MAX_BYTES);
	if (!in->p)
		abort();
	in->n = fread(in->p, 1, INPUT_MAX_BYTES, f);
	(void)fclose(f);
	n_corpus++;
	return true;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* In the order of the names, so that every run is the same. */
static void
read_corpus(const char *name)
{
	const char *top = getenv("TG_SRCDIR");
	struct dirent **entries;
	char dir[512], path[1024];
	int n;

	(void)snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
	    top ? top : "..", name);
	n = scandir(dir, &entries, NULL, by_name);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir,
		    entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && !read_input(path))
			(void)printf("# not read: %s\n", path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Put n bytes in place of cut bytes at `at`. */
static void
replace(struct input *in, size_t at, size_t cut, const void *p, size_t n)
{
	if (in->n - cut + n > INPUT_MAX_BYTES)
		return;
	memmove(in->p + at + n, in->p + at + cut, in->n - at - cut);
	memmove(in->p + at, p, n);
	in->n = in->n - cut + n;
}

static void
mutate(struct input *in)
{
	size_t at = pick(in->n + 1), left = in->n - at;
	const struct input *other = &corpus[pick(n_corpus)];
	const char *token = tokens[pick(sizeof(tokens) / sizeof(*tokens))];
	uint8_t byte = (uint8_t)pick(256);
	size_t from;

	switch (pick(6)) {
	case 0: /* a byte changes */
		replace(in, at, left ? 1 : 0, &byte, 1);
		break;
	case 1: /* some go */
		replace(in, at, pick((left < 40 ? left : 40) + 1), "", 0);
		break;
	case 2:
		replace(in, at, 0, token, strlen(token));
		break;
	case 3:
		replace(in, at, pick((left < 8 ? left : 8) + 1), token,
		    strlen(token));
		break;
	case 4: /* a piece of another input */
		from = pick(other->n + 1);
		replace(in, at, 0, other->p + from, pick(other->n - from + 1));
		break;
	default: /* the end goes */
		in->n = at;
		break;
	}
}

static size_t
run_mutations(void)
{
	const char *text = getenv("TG_FUZZ_RUNS");
	size_t n = text ? (size_t)strtoull(text, NULL, 10) : RUNS;
	struct input in = { malloc(INPUT_MAX_BYTES), 0 };

	if (!in.p)
		abort();
	for (size_t i = 0; n_corpus && i < n; i++) {
		const struct input *base = &corpus[pick(n_corpus)];

		memcpy(in.p, base->p, base->n);
		in.n = base->n;
		for (size_t k = 1 + pick(4); k > 0; k--)
			mutate(&in);
		run(in.p, in.n);
	}
	free(in.p);
	return n_corpus ? n : 0;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	size_t n_runs = 0;

	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	for (int i = 1; i < argc; i++)
		if (!read_input(argv[i]))
			(void)printf("# not read: %s\n", argv[i]);
	if (argc == 1)
		read_corpus(name);
	for (size_t i = 0; i < n_corpus; i++)
		run(corpus[i].p, corpus[i].n);
	if (argc == 1)
		n_runs = run_mutations();
	(void)printf("1..1\n%sok 1 - %s: %zu inputs, %zu mutations\n",
	    n_corpus ? "" : "not ", name, n_corpus, n_runs);
	for (size_t i = 0; i < n_corpus; i++)
		free(corpus[i].p);
	return n_corpus ? 0 : 1;
}
