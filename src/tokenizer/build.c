/* SPDX-License-Identifier: MIT */
#include "tokenizer/build.h"

#include <stdlib.h>

#include "base/crc32.h"
#include "base/json_scan.h"
#include "tokenizer/table.h"

/* What the file will hold. */
struct build {
	struct arena *a;
	struct str *tokens; /* by number; p NULL = there is none */
	bool *is_text;      /* an added token, which no bytes make */
	uint32_t n_tokens, cap;
	struct table_merge *merges;
	size_t n_merges;
};

static size_t
power_of_two_above(size_t n)
{
	size_t p = 2;

	while (p <= n)
		p *= 2;
	return p;
}

static enum err
set_token(struct build *b, uint64_t id, struct str bytes, struct error *e)
{
	if (id >= b->cap)
		return error_set(e, ERR_BAD_PARAM,
		    "token number %llu of %u tokens", (unsigned long long)id,
		    (unsigned)b->cap);
	if (b->tokens[id].p)
		return error_set(e, ERR_BAD_PARAM,
		    "token number %llu stands there twice",
		    (unsigned long long)id);
	if (bytes.n == 0 || bytes.n > TABLE_WORD_BYTES)
		return error_set(e, ERR_BAD_PARAM,
		    "token %llu is empty or longer than %u bytes",
		    (unsigned long long)id, (unsigned)TABLE_WORD_BYTES);
	b->tokens[id] = bytes;
	if (id >= b->n_tokens)
		b->n_tokens = (uint32_t)id + 1;
	return OK;
}

static enum err
room_for(struct build *b, size_t n, struct error *e)
{
	if (n > TABLE_TOKENS_MAX)
		return error_set(e, ERR_BAD_PARAM, "more than %u tokens",
		    (unsigned)TABLE_TOKENS_MAX);
	b->cap = (uint32_t)n;
	b->tokens = arena_array(b->a, struct str, n ? n : 1);
	b->is_text = arena_array(b->a, bool, n ? n : 1);
	return b->tokens && b->is_text ? OK : error_arena(e, b->a);
}

static size_t
count_lines(struct str text)
{
	struct str line;
	size_t n = 0;

	while (str_split(&text, '\n', &line))
		n += line.n > 0;
	return n;
}

/* ---- a rank file ---- */

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *hit = c ? strchr(digits, c) : NULL;

	return hit ? (int)(hit - digits) : -1;
}

/* RFC 4648, section 4, with its padding. p NULL: it is none. */
static struct str
base64_decode(struct arena *a, struct str text)
{
	char *p = arena_alloc(a, text.n / 4 * 3 + 1);
	size_t n = 0;

	if (!p || text.n % 4 != 0)
		return str_make(NULL, 0);
	for (size_t i = 0; i < text.n; i += 4) {
		bool is_last = i + 4 == text.n;
		size_t n_pad = 0;
		uint32_t v = 0;

		while (is_last && n_pad < 2 && text.p[i + 3 - n_pad] == '=')
			n_pad++;
		for (size_t k = 0; k < 4; k++) {
			int digit = k < 4 - n_pad ? base64_digit(text.p[i + k])
						  : 0;

			if (digit < 0)
				return str_make(NULL, 0);
			v = v << 6 | (uint32_t)digit;
		}
		for (size_t k = 0; k < 3 - n_pad; k++)
			p[n++] = (char)(v >> (16 - 8 * k));
	}
	return str_make(p, n);
}

static enum err
read_ranks(struct build *b, struct str text, struct error *e)
{
	enum err err = room_for(b, count_lines(text), e);
	struct str line;

	for (size_t n = 1; !err && str_split(&text, '\n', &line); n++) {
		size_t space = str_find(line, ' ');
		uint64_t rank = 0;
		struct str bytes;

		if (str_ends(line, S("\r")))
			line.n--;
		if (line.n == 0)
			continue;
		bytes = base64_decode(b->a, str_make(line.p, space));
		if (!bytes.p || !str_to_u64(str_skip(line, space + 1), 0,
				    UINT32_MAX, &rank))
			return error_set(e, ERR_BAD_PARAM,
			    "line %zu is not \"base64 rank\"", n);
		err = set_token(b, rank, bytes, e);
	}
	return err;
}

/* ---- Hugging Face ---- */

/*
 * Its files write a byte as a character: printable ones of Latin-1 as they
 * are, the others in their order from U+0100 (GPT-2's bytes_to_unicode).
 */
static int
byte_of(uint32_t c)
{
	uint32_t next = 0x100;

	if ((c >= '!' && c <= '~') || (c >= 0xa1 && c <= 0xac) ||
	    (c >= 0xae && c <= 0xff))
		return (int)c;
	for (int byte = 0; byte < 256; byte++) {
		bool is_plain = (byte >= '!' && byte <= '~') ||
				(byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

		if (!is_plain && next++ == c)
			return byte;
	}
	return -1;
}

/* The bytes that text stands for; p NULL: it stands for none. */
static struct str
bytes_of(struct arena *a, struct str text)
{
	char *p = arena_alloc(a, text.n + 1);
	size_t n = 0;

	for (size_t len; p && text.n > 0; text = str_skip(text, len)) {
		const unsigned char *c = (const unsigned char *)text.p;
		int byte;

		len = str_utf8_sequence(text.p, text.n);
		if (len == 1)
			byte = byte_of(c[0]);
		else if (len == 2)
			byte = byte_of((c[0] & 0x1fU) << 6 | (c[1] & 0x3fU));
		else
			byte = -1;
		if (byte < 0)
			return str_make(NULL, 0);
		p[n++] = (char)byte;
	}
	return str_make(p, n);
}

static bool
read_vocab_entry(struct build *b, const struct json_member *m, enum err *ret,
    struct error *e)
{
	struct str name = json_unescape(b->a,
	    str_make(m->name.p - 1, m->name.n + 2));
	struct str bytes = bytes_of(b->a, name);
	uint64_t id;

	if (b->a->sticky)
		*ret = error_arena(e, b->a);
	else if (!str_to_u64(m->value, 0, UINT32_MAX, &id))
		return false;
	else
		*ret = set_token(b, id, bytes.p ? bytes : name, e);
	/* Added tokens may be text of their own. */
	if (!*ret)
		b->is_text[id] = !bytes.p;
	return true;
}

static enum err
read_vocab(struct build *b, struct str text, struct error *e)
{
	struct json_scan scan = { .depth_max = 1 };
	struct json_member m;
	struct json_walk walk;
	enum err err;

	if (!json_scan(&scan, text) || scan.kind != JSON_OBJECT)
		return error_set(e, ERR_BAD_PARAM, "vocab.json: %s at byte %zu",
		    scan.failure ? scan.failure : "not an object",
		    scan.failure_offset);
	err = room_for(b, scan.n_members, e);
	/* Without the space around it. */
	json_walk_init(&walk, str_make(scan.inner.p - 1, scan.inner.n + 2));
	while (!err && json_walk_next(&walk, &m))
		if (!read_vocab_entry(b, &m, &err, e))
			return error_set(e, ERR_BAD_PARAM,
			    "vocab.json: the token \"%.*s\"",
			    m.name.n < 64 ? (int)m.name.n : 64, m.name.p);
	return err;
}

static enum err
add_merge(struct build *b, const struct tokenizer *t, struct str line,
    size_t number, struct error *e)
{
	size_t space = str_find(line, ' ');
	struct str left = bytes_of(b->a, str_make(line.p, space));
	struct str right = bytes_of(b->a, str_skip(line, space + 1));
	struct table_merge *m = &b->merges[b->n_merges];
	char *both;

	if (b->a->sticky)
		return error_arena(e, b->a);
	if (!left.p || !right.p || left.n == 0 || right.n == 0)
		return error_set(e, ERR_BAD_PARAM,
		    "merges.txt: line %zu is not two tokens", number);
	both = arena_alloc(b->a, left.n + right.n);
	if (!both)
		return error_arena(e, b->a);
	memcpy(both, left.p, left.n);
	memcpy(both + left.n, right.p, right.n);
	*m = (struct table_merge){
		.left = table_word(t, left),
		.right = table_word(t, right),
		.rank = (uint32_t)b->n_merges,
		.id = table_word(t, str_make(both, left.n + right.n)),
	};
	if (m->left == TABLE_NONE || m->right == TABLE_NONE ||
	    m->id == TABLE_NONE)
		return error_set(e, ERR_BAD_PARAM,
		    "merges.txt: line %zu is about what is no token", number);
	b->n_merges++;
	return OK;
}

static enum err
read_merges(struct build *b, const struct tokenizer *t, struct str text,
    struct error *e)
{
	size_t n = count_lines(text);
	enum err err = OK;
	struct str line;

	if (n > TABLE_TOKENS_MAX)
		return error_set(e, ERR_BAD_PARAM, "merges.txt: too many");
	b->merges = arena_array(b->a, struct table_merge, n ? n : 1);
	if (!b->merges)
		return error_arena(e, b->a);
	for (n = 1; !err && str_split(&text, '\n', &line); n++) {
		if (str_ends(line, S("\r")))
			line.n--;
		if (line.n == 0 || str_starts(line, S("#version")))
			continue;
		err = add_merge(b, t, line, n, e);
	}
	if (!err && b->n_merges == 0)
		return error_set(e, ERR_BAD_PARAM, "merges.txt has none");
	return err;
}

/* ---- the file ---- */

static enum err
add_word(const struct build *b, struct table_word *words, uint32_t mask,
    uint32_t id, struct error *e)
{
	uint64_t hash = table_hash_word(b->tokens[id]);
	uint32_t i = (uint32_t)hash & mask, n = 0;

	for (; words[i].id != TABLE_NONE; i = (i + 1) & mask) {
		if (str_eq(b->tokens[words[i].id], b->tokens[id]))
			return error_set(e, ERR_BAD_PARAM,
			    "token %u has the bytes of token %u", (unsigned)id,
			    (unsigned)words[i].id);
		if (++n == TABLE_RUN_MAX)
			return error_set(e, ERR_BAD_PARAM,
			    "tokens made to be slow to find");
	}
	words[i] = (struct table_word){ (uint32_t)(hash >> 32), id };
	return OK;
}

static enum err
put_merges(struct table_merge *slots, uint32_t n_slots, const struct build *b,
    struct error *e)
{
	for (uint32_t i = 0; i < n_slots; i++)
		slots[i] = (struct table_merge){ .rank = TABLE_NONE };
	for (size_t k = 0; k < b->n_merges; k++) {
		const struct table_merge *m = &b->merges[k];
		uint32_t i = (uint32_t)table_hash_merge(m->left, m->right) &
			     (n_slots - 1);

		uint32_t n = 0;

		while (
		    slots[i].rank != TABLE_NONE &&
		    (slots[i].left != m->left || slots[i].right != m->right)) {
			i = (i + 1) & (n_slots - 1);
			if (++n == TABLE_RUN_MAX)
				return error_set(e, ERR_BAD_PARAM,
				    "merges made to be slow to find");
		}
		slots[i] = *m; /* of a repeated one the last counts */
	}
	return OK;
}

static enum err
measure(const struct build *b, struct table_header *h, struct error *e)
{
	for (uint32_t i = 0; i < b->n_tokens; i++) {
		if (b->tokens[i].n > UINT32_MAX - h->n_bytes)
			return error_set(e, ERR_BAD_PARAM,
			    "tokens of more than 4 GiB");
		h->n_bytes += (uint32_t)b->tokens[i].n;
		if (b->tokens[i].n > h->longest)
			h->longest = (uint32_t)b->tokens[i].n;
	}
	h->n_tokens = b->n_tokens;
	h->n_words = (uint32_t)power_of_two_above(2 * (size_t)b->n_tokens);
	h->n_merges = b->n_merges
			  ? (uint32_t)power_of_two_above(2 * b->n_merges)
			  : 0;
	return OK;
}

static enum err
make_image(const struct build *b, const struct tokenizer_source *source,
    struct str *ret, struct error *e)
{
	struct table_header h = { .magic = TABLE_MAGIC,
		.version = TABLE_VERSION,
		.byte_order = TABLE_BYTE_ORDER,
		.split = source->rule };
	struct table_word *words;
	uint32_t *offsets, at = 0;
	enum err err = measure(b, &h, e);
	char *p, *bytes;

	if (err)
		return err;
	memcpy(h.name, source->name, strlen(source->name));
	p = arena_alloc(b->a, table_file_bytes(&h));
	if (!p)
		return error_arena(e, b->a);
	offsets = (void *)(p + sizeof(h));
	words = (void *)(offsets + h.n_tokens + 1);
	bytes = (char *)(words + h.n_words) +
		h.n_merges * sizeof(struct table_merge);
	for (uint32_t i = 0; i < h.n_words; i++)
		words[i].id = TABLE_NONE;
	for (uint32_t i = 0; i < h.n_tokens; i++) {
		struct str token = b->tokens[i];

		if (!token.p)
			return error_set(e, ERR_BAD_PARAM,
			    "there is no token %u", (unsigned)i);
		offsets[i] = at;
		memcpy(bytes + at, token.p, token.n);
		at += (uint32_t)token.n;
		if (!err && !b->is_text[i])
			err = add_word(b, words, h.n_words - 1, i, e);
	}
	offsets[h.n_tokens] = at;
	if (!err)
		err = put_merges((void *)(words + h.n_words), h.n_merges, b, e);
	if (err)
		return err;
	h.body_crc32c = crc32c(p + sizeof(h), table_file_bytes(&h) - sizeof(h));
	h.header_crc32c = table_header_crc32c(&h);
	memcpy(p, &h, sizeof(h));
	*ret = str_make(p, table_file_bytes(&h));
	return OK;
}

/* What is wrong with the image is the source's fault. */
static enum err
open_image(struct str image, struct tokenizer **ret, struct error *e)
{
	struct error why;
	enum err err = tokenizer_from_image(image, ret, &why);

	return err ? error_set(e, err == ERR_CONFIG ? ERR_BAD_PARAM : err, "%s",
			 why.internal)
		   : OK;
}

static enum err
build_ranks(struct build *b, const struct tokenizer_source *source,
    struct str *ret, struct error *e)
{
	enum err err = read_ranks(b, source->ranks, e);

	return err ? err : make_image(b, source, ret, e);
}

/* The merges are looked up in the table of the words alone. */
static enum err
build_hugging_face(struct build *b, const struct tokenizer_source *source,
    struct str *ret, struct error *e)
{
	struct tokenizer *t = NULL;
	enum err err = read_vocab(b, source->vocab, e);

	if (!err)
		err = make_image(b, source, ret, e);
	if (!err)
		err = open_image(*ret, &t, e);
	if (!err)
		err = read_merges(b, t, source->merges, e);
	tokenizer_close(t);
	return err ? err : make_image(b, source, ret, e);
}

enum err
tokenizer_build(const struct tokenizer_source *source, struct arena *a,
    struct str *ret_image, struct error *e)
{
	struct build b = { .a = a };
	struct tokenizer *t = NULL;
	enum err err;

	if (strlen(source->name) >= TABLE_NAME_BYTES)
		return error_set(e, ERR_BAD_PARAM, "the name is too long");
	err = source->ranks.n ? build_ranks(&b, source, ret_image, e)
			      : build_hugging_face(&b, source, ret_image, e);
	if (!err)
		err = open_image(*ret_image, &t, e);
	tokenizer_close(t);
	return err;
}
