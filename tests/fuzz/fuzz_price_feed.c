/* SPDX-License-Identifier: MIT */
/* Price lists: whatever comes, an entry that can be used has sane prices. */
#include "fuzz/fuzz.h"

#include "domain/price_feed.h"

static void
check_entry(const struct price_feed_entry *x)
{
	if (x->unusable.p)
		return;
	for (int i = 0; i < TOK_CONTEXT__MAX; i++)
		for (int c = 0; c < TOK_CLASS__MAX; c++)
			ASSERT(x->price.tok_pusd[i][c] >= 0);
	ASSERT(x->price.request_pusd >= 0);
	ASSERT(x->has_long == (x->long_threshold_tok > 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct price_feed feed;
	struct arena a;
	struct error e;

	arena_init(&a, MIB(16));
	if (price_feed_read(str_make((const char *)p, n), &a, &feed, &e) == OK)
		for (size_t i = 0; i < feed.n; i++)
			check_entry(&feed.entries[i]);
	arena_fini(&a);
	return 0;
}
