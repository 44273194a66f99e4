/* SPDX-License-Identifier: MIT */
/*
 * The tokenizer's file: a header, then four parts whose places it tells.
 *   offsets  uint32_t[n_tokens + 1]  where a token's bytes begin
 *   words    struct table_word[]     open hash table: bytes -> token
 *   merges   struct table_merge[]    open hash table: two tokens -> one; empty
 *                                    when any two tokens merge whose bytes
 *                                    together are a token (rank files)
 *   bytes    char[]                  of all tokens, one after the other
 * In the machine's byte order: it is made where it is used.
 */
#ifndef TG_TOKENIZER_TABLE_H
#define TG_TOKENIZER_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "tokenizer/split.h"
#include "tokenizer/tokenizer.h"

#define TABLE_MAGIC      "TGTOKEN"
#define TABLE_VERSION    1
#define TABLE_BYTE_ORDER 0x01020304U
#define TABLE_NAME_BYTES 32
#define TABLE_TOKENS_MAX (1U << 22)
#define TABLE_WORD_BYTES 1024 /* longest token: a pair is hashed whole */
/* Longest run of slots in use, so that no search is long. */
#define TABLE_RUN_MAX    1024
#define TABLE_NONE       UINT32_MAX /* no token, no rank */

struct table_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order; /* TABLE_BYTE_ORDER */
	uint32_t split;      /* enum split_rule */
	uint32_t n_tokens;
	uint32_t n_words; /* slots: a power of two, at most half of them used */
	uint32_t n_merges; /* the same, or 0 */
	uint32_t n_bytes;
	uint32_t longest; /* token, in bytes */
	char name[TABLE_NAME_BYTES];
	uint32_t body_crc32c;   /* of what follows the header */
	uint32_t header_crc32c; /* of what stands before it */
};

struct table_word {
	uint32_t tag; /* upper half of the hash */
	uint32_t id;  /* TABLE_NONE: free */
};

struct table_merge {
	uint32_t left, right;
	uint32_t rank; /* lower ones go first, no two are equal; TABLE_NONE:
			  free */
	uint32_t id;
};

struct tokenizer {
	const struct table_header *header;
	const uint32_t *offsets;
	const struct table_word *words;
	const struct table_merge *merges;
	const char *bytes;
	void *map; /* NULL = somebody else's memory */
	size_t map_bytes;
	uint32_t byte_ids[256]; /* the token of each byte, or TABLE_NONE */
	/* rank files: the token of each two bytes, or TABLE_NONE */
	uint32_t *pair_ids;
};

static inline uint64_t
table_hash_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0x9fb21c651e98df25);
	return h ^ h >> 28;
}

/** Of a word's bytes. */
static inline uint64_t
table_hash_word(struct str s)
{
	uint64_t h = s.n * UINT64_C(0x9e3779b97f4a7c15), v;

	for (; s.n > 8; s = str_skip(s, 8)) {
		memcpy(&v, s.p, 8);
		h = table_hash_mix(h ^ v);
	}
	v = 0;
	if (s.n)
		memcpy(&v, s.p, s.n);
	return table_hash_mix(table_hash_mix(h ^ v));
}

static inline uint64_t
table_hash_merge(uint32_t left, uint32_t right)
{
	return table_hash_mix(
	    ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15));
}

/** What its header_crc32c must be. */
uint32_t table_header_crc32c(const struct table_header *h);
/** Size of the file that has this header. */
size_t table_file_bytes(const struct table_header *h);

/** The token with these bytes, or TABLE_NONE. */
uint32_t table_word(const struct tokenizer *t, struct str bytes);
/** What two tokens merge to, by t's merges; NULL = nothing. */
const struct table_merge *table_merge(const struct tokenizer *t, uint32_t left,
    uint32_t right);

static inline struct str
table_bytes(const struct tokenizer *t, uint32_t id)
{
	return str_make(t->bytes + t->offsets[id],
	    t->offsets[id + 1] - t->offsets[id]);
}

#endif
