/* SPDX-License-Identifier: MIT */
/*
 * Tokenizers' files. The input is a rank file; or, with a line of "---" in it,
 * a vocab.json and a merges.txt; or what follows the header of a finished file,
 * whose checksums are made good.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/crc32.h"
#include "tokenizer/bpe.h"
#include "tokenizer/build.h"
#include "tokenizer/table.h"

/* Its tokens give the text again, whether it is merged as words or as one long
 * piece. */
static void
use(const struct tokenizer *t)
{
	static char text[BPE_SHORT_MAX + 100];
	static uint32_t ids[sizeof(text)];
	struct str rest = str_make(text, sizeof(text));
	struct error e;
	size_t n;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i < 40 ? "hello, hello worlds \n"[i % 21]
				 : "helloabaab"[i * i % 10];
	ASSERT(tokenizer_encode(t, rest, ids, ARRAY_LEN(ids), &n, &e) == OK);
	for (size_t i = 0; i < n; i++) {
		struct str token = tokenizer_token(t, ids[i]);

		ASSERT(token.n > 0 && str_starts(rest, token));
		rest = str_skip(rest, token.n);
	}
	ASSERT(rest.n == 0);
}

static void
check_source(struct arena *a, const struct tokenizer_source *source)
{
	struct tokenizer *t;
	struct str image;
	struct error e;
	enum err err = tokenizer_build(source, a, &image, &e);

	ASSERT(err == OK || err == ERR_BAD_PARAM || err == ERR_NO_MEMORY);
	if (err)
		return;
	ASSERT(tokenizer_from_image(image, &t, &e) == OK);
	use(t);
	tokenizer_close(t);
}

static void
check_image(struct arena *a, struct str text)
{
	struct tokenizer *t = NULL;
	struct table_header h;
	struct error e;
	char *p = arena_alloc(a, text.n);

	if (!p || text.n < sizeof(h))
		return;
	memcpy(p, text.p, text.n);
	memcpy(&h, p, sizeof(h));
	memcpy(h.magic, TABLE_MAGIC, sizeof(h.magic));
	h.version = TABLE_VERSION;
	h.byte_order = TABLE_BYTE_ORDER;
	h.name[TABLE_NAME_BYTES - 1] = '\0';
	h.body_crc32c = crc32c(p + sizeof(h), text.n - sizeof(h));
	h.header_crc32c = table_header_crc32c(&h);
	memcpy(p, &h, sizeof(h));
	if (tokenizer_from_image(str_make(p, text.n), &t, &e) == OK)
		use(t);
	tokenizer_close(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p, n);
	size_t cut = str_find_str(text, S("\n---\n"));
	struct tokenizer_source source = { .name = "fuzz" };
	struct arena a;

	arena_init(&a, MIB(16));
	if (cut < n) {
		source.vocab = str_make(text.p, cut);
		source.merges = str_skip(text, cut + 5);
	} else {
		source.ranks = text;
	}
	check_source(&a, &source);
	check_image(&a, text);
	arena_fini(&a);
	return 0;
}
