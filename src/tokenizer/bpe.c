/* SPDX-License-Identifier: MIT */
#include "tokenizer/bpe.h"

struct part {
	uint32_t start;
	uint32_t id;
	struct bpe_join join; /* with the next part */
};

static struct bpe_join
join_at(const struct tokenizer *t, struct str piece, const struct part *p)
{
	return bpe_join(t, p[0].id, p[1].id,
	    str_make(piece.p + p[0].start, p[2].start - p[0].start));
}

/* One part a byte, and an end behind them. */
static size_t
make_parts(const struct tokenizer *t, struct str piece, struct part *parts)
{
	const struct bpe_join none = { TABLE_NONE, TABLE_NONE };

	for (size_t i = 0; i <= piece.n; i++)
		parts[i] = (struct part){ .start = (uint32_t)i,
			.id = i < piece.n
				  ? t->byte_ids[(unsigned char)piece.p[i]]
				  : TABLE_NONE,
			.join = none };
	for (size_t i = 0; i + 1 < piece.n; i++)
		parts[i].join = join_at(t, piece, &parts[i]);
	return piece.n;
}

static size_t
lowest(const struct part *parts, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (parts[i].join.rank < parts[best].join.rank)
			best = i;
	return best;
}

void
bpe_short(const struct tokenizer *t, struct str piece, struct bpe_sink *sink)
{
	struct part parts[BPE_SHORT_MAX + 1];
	const struct bpe_join none = { TABLE_NONE, TABLE_NONE };
	size_t n = make_parts(t, piece, parts);

	for (;;) {
		size_t i = lowest(parts, n);

		if (parts[i].join.rank == TABLE_NONE)
			break;
		parts[i].id = parts[i].join.id;
		memmove(&parts[i + 1], &parts[i + 2],
		    (n - i - 1) * sizeof(*parts));
		n--;
		parts[i].join = i + 1 < n ? join_at(t, piece, &parts[i]) : none;
		if (i > 0)
			parts[i - 1].join = join_at(t, piece, &parts[i - 1]);
	}
	for (size_t i = 0; i < n; i++)
		bpe_put(sink, parts[i].id);
}
