/* SPDX-License-Identifier: MIT */
/*
 * Byte pairs merged within one piece of text, the pair of the lowest rank
 * first, of equal ones the leftmost. bpe.c looks through all pairs for each
 * merge, which is the fastest for words; bpe_long.c keeps them by rank, so
 * that n bytes cost O(n log n).
 */
#ifndef TG_TOKENIZER_BPE_H
#define TG_TOKENIZER_BPE_H

#include "tokenizer/table.h"

/* Where tokens go. */
struct bpe_sink {
	uint32_t *ids; /* NULL = they are only counted */
	size_t max;
	size_t n; /* more than max: there was no room */
};

static inline void
bpe_put(struct bpe_sink *sink, uint32_t id)
{
	if (sink->ids && sink->n < sink->max)
		sink->ids[sink->n] = id;
	sink->n++;
}

/* What two neighbours would become. */
struct bpe_join {
	uint32_t rank; /* TABLE_NONE = nothing */
	uint32_t id;
};

/** Of two tokens that stand for `bytes` together. */
static inline struct bpe_join
bpe_join(const struct tokenizer *t, uint32_t left, uint32_t right,
    struct str bytes)
{
	const struct table_merge *m;
	uint32_t id;

	if (t->header->n_merges) {
		m = table_merge(t, left, right);
		return m ? (struct bpe_join){ m->rank, m->id }
			 : (struct bpe_join){ TABLE_NONE, TABLE_NONE };
	}
	id = bytes.n == 2 ? t->pair_ids[(unsigned char)bytes.p[0] << 8 |
					(unsigned char)bytes.p[1]]
			  : table_word(t, bytes);
	return (struct bpe_join){ id, id };
}

/* Longest piece of bpe_short(). */
#define BPE_SHORT_MAX 128

/** The tokens of a piece of 1 to BPE_SHORT_MAX bytes. */
void bpe_short(const struct tokenizer *t, struct str piece,
    struct bpe_sink *sink);

/** The tokens of a piece of 1 to TOKENIZER_PIECE_MAX bytes. Errors:
 * ERR_NO_MEMORY. */
enum err bpe_long(const struct tokenizer *t, struct str piece,
    struct bpe_sink *sink, struct error *e) ATTR_MUST_CHECK;

#endif
