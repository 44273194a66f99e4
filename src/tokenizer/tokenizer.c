/* SPDX-License-Identifier: MIT */
/* A text's pieces, each as it is or merged. */
#include "tokenizer/tokenizer.h"

#include "tokenizer/bpe.h"
#include "tokenizer/split.h"

static enum err
add_part(const struct tokenizer *t, struct str part, struct bpe_sink *sink,
    struct error *e)
{
	/* With merges of its own (Hugging Face) a word that is a token may
	 * still be made otherwise. */
	uint32_t id = t->header->n_merges ? TABLE_NONE : table_word(t, part);

	if (id != TABLE_NONE) {
		bpe_put(sink, id);
		return OK;
	}
	if (part.n > BPE_SHORT_MAX)
		return bpe_long(t, part, sink, e);
	bpe_short(t, part, sink);
	return OK;
}

/* Cut where it is too long; not looked through again then. */
static enum err
add_piece(const struct tokenizer *t, struct str piece, struct bpe_sink *sink,
    struct error *e)
{
	enum err err = OK;

	while (piece.n > 0 && !err) {
		size_t n = piece.n < TOKENIZER_PIECE_MAX ? piece.n
							 : TOKENIZER_PIECE_MAX;

		err = add_part(t, str_make(piece.p, n), sink, e);
		piece = str_skip(piece, n);
	}
	return err;
}

static enum err
add_all(const struct tokenizer *t, struct str text, struct bpe_sink *sink,
    struct error *e)
{
	enum split_rule rule = (enum split_rule)t->header->split;
	enum err err = OK;

	while (text.n > 0 && !err) {
		size_t n = split_next(rule, text);

		err = add_piece(t, str_make(text.p, n), sink, e);
		text = str_skip(text, n);
	}
	return err;
}

enum err
tokenizer_count(const struct tokenizer *t, struct str text, uint64_t *ret,
    struct error *e)
{
	struct bpe_sink sink = { .ids = NULL };
	enum err err = add_all(t, text, &sink, e);

	*ret = sink.n;
	return err;
}

enum err
tokenizer_encode(const struct tokenizer *t, struct str text, uint32_t *ret_ids,
    size_t max, size_t *ret_n, struct error *e)
{
	struct bpe_sink sink = { .ids = ret_ids, .max = max };
	enum err err = add_all(t, text, &sink, e);

	*ret_n = sink.n < max ? sink.n : max;
	if (!err && sink.n > max)
		return error_set(e, ERR_TOO_LARGE, "%zu tokens, room for %zu",
		    sink.n, max);
	return err;
}
