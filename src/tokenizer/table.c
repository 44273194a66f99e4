/* SPDX-License-Identifier: MIT */
#include "tokenizer/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32.h"

#define PAIRS     65536
#define SLOTS_MAX (TABLE_TOKENS_MAX * 4)

uint32_t
table_word(const struct tokenizer *t, struct str bytes)
{
	uint32_t mask = t->header->n_words - 1;
	uint64_t hash;

	if (bytes.n > t->header->longest)
		return TABLE_NONE;
	hash = table_hash_word(bytes);
	for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
		const struct table_word *w = &t->words[i];

		if (w->id == TABLE_NONE)
			return TABLE_NONE;
		if (w->tag == (uint32_t)(hash >> 32) &&
		    str_eq(table_bytes(t, w->id), bytes))
			return w->id;
	}
}

const struct table_merge *
table_merge(const struct tokenizer *t, uint32_t left, uint32_t right)
{
	uint32_t mask = t->header->n_merges - 1;

	for (uint32_t i = (uint32_t)table_hash_merge(left, right) & mask;;
	     i = (i + 1) & mask) {
		const struct table_merge *m = &t->merges[i];

		if (m->rank == TABLE_NONE)
			return NULL;
		if (m->left == left && m->right == right)
			return m;
	}
}

/* ---- checking ---- */

static bool
is_power_of_two(uint32_t n)
{
	return n > 0 && (n & (n - 1)) == 0;
}

uint32_t
table_header_crc32c(const struct table_header *h)
{
	return crc32c(h, offsetof(struct table_header, header_crc32c));
}

size_t
table_file_bytes(const struct table_header *h)
{
	return sizeof(*h) + (h->n_tokens + (size_t)1) * sizeof(uint32_t) +
	       h->n_words * sizeof(struct table_word) +
	       h->n_merges * sizeof(struct table_merge) + h->n_bytes;
}

static enum err
check_header(const struct table_header *h, size_t n, struct error *e)
{
	if (n < sizeof(*h) ||
	    memcmp(h->magic, TABLE_MAGIC, sizeof(h->magic)) != 0)
		return error_set(e, ERR_CONFIG, "not a tokenizer's file");
	if (h->header_crc32c != table_header_crc32c(h))
		return error_set(e, ERR_CONFIG, "a damaged tokenizer's file");
	if (h->version != TABLE_VERSION || h->byte_order != TABLE_BYTE_ORDER)
		return error_set(e, ERR_CONFIG,
		    "a tokenizer's file of another version or machine");
	if (h->n_tokens == 0 || h->n_tokens > TABLE_TOKENS_MAX ||
	    h->split >= SPLIT__MAX || !is_power_of_two(h->n_words) ||
	    h->n_words > SLOTS_MAX || h->n_merges > SLOTS_MAX ||
	    (h->n_merges && !is_power_of_two(h->n_merges)) ||
	    h->longest > TABLE_WORD_BYTES ||
	    !memchr(h->name, '\0', sizeof(h->name)) || n != table_file_bytes(h))
		return error_set(e, ERR_CONFIG, "a damaged tokenizer's file");
	if (crc32c(h + 1, n - sizeof(*h)) != h->body_crc32c)
		return error_set(e, ERR_CONFIG,
		    "a tokenizer's file with a wrong checksum");
	return OK;
}

static bool
are_offsets_good(const struct tokenizer *t)
{
	const struct table_header *h = t->header;

	if (t->offsets[0] != 0 || t->offsets[h->n_tokens] != h->n_bytes)
		return false;
	for (uint32_t i = 0; i < h->n_tokens; i++)
		if (t->offsets[i] > t->offsets[i + 1] ||
		    t->offsets[i + 1] - t->offsets[i] > h->longest)
			return false;
	return true;
}

/* What has been seen of some numbers, and of a hash table's slots. */
struct seen {
	uint8_t *bits;
	uint32_t n; /* the numbers are smaller */
	uint32_t n_used;
	uint32_t run; /* of slots in use up to here */
};

/* false: the number is too large, or was there before. */
static bool
see(struct seen *seen, uint32_t number)
{
	uint8_t bit = (uint8_t)(1 << (number & 7));

	if (number >= seen->n || (seen->bits[number / 8] & bit) ||
	    ++seen->run > TABLE_RUN_MAX)
		return false;
	seen->bits[number / 8] |= bit;
	seen->n_used++;
	return true;
}

static bool
are_words_good(const struct tokenizer *t, struct seen *seen)
{
	uint32_t n = t->header->n_words;

	/* Once more from the start: a run may go round the end. */
	for (uint32_t i = 0; i < n; i++) {
		if (t->words[i].id == TABLE_NONE)
			seen->run = 0;
		else if (!see(seen, t->words[i].id))
			return false;
	}
	for (uint32_t i = 0; i < n && t->words[i].id != TABLE_NONE; i++)
		seen->run++;
	return seen->run <= TABLE_RUN_MAX && seen->n_used <= n / 2;
}

/* Whether the result's bytes are those of the two. */
static bool
is_merge_good(const struct tokenizer *t, const struct table_merge *m)
{
	uint32_t n = t->header->n_tokens;
	struct str left, both;

	if (m->left >= n || m->right >= n || m->id >= n)
		return false;
	left = table_bytes(t, m->left);
	both = table_bytes(t, m->id);
	return left.n > 0 && left.n < both.n && str_starts(both, left) &&
	       str_eq(str_skip(both, left.n), table_bytes(t, m->right));
}

static bool
are_merges_good(const struct tokenizer *t, struct seen *seen)
{
	uint32_t n = t->header->n_merges;

	for (uint32_t i = 0; i < n; i++) {
		const struct table_merge *m = &t->merges[i];

		if (m->rank == TABLE_NONE)
			seen->run = 0;
		else if (!is_merge_good(t, m) || !see(seen, m->rank))
			return false;
	}
	for (uint32_t i = 0; i < n && t->merges[i].rank != TABLE_NONE; i++)
		seen->run++;
	return seen->run <= TABLE_RUN_MAX && seen->n_used <= n / 2;
}

/* With room in `bits` for the larger of the two. */
static enum err
check_body(const struct tokenizer *t, struct error *e)
{
	uint32_t n_tokens = t->header->n_tokens, n = t->header->n_merges;
	uint8_t *bits = calloc((n > n_tokens ? n : n_tokens) / 8 + 1, 1);
	struct seen words = { .bits = bits, .n = n_tokens };
	struct seen merges = { .bits = bits, .n = n };
	bool is_good;

	if (!bits)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	is_good = are_offsets_good(t) && are_words_good(t, &words);
	memset(bits, 0, (n > n_tokens ? n : n_tokens) / 8 + 1);
	is_good = is_good && are_merges_good(t, &merges);
	free(bits);
	return is_good ? OK
		       : error_set(e, ERR_CONFIG, "a damaged tokenizer's file");
}

static enum err
look_up_bytes(struct tokenizer *t, struct error *e)
{
	for (unsigned i = 0; i < 256; i++) {
		char c = (char)i;

		t->byte_ids[i] = table_word(t, str_make(&c, 1));
		if (t->byte_ids[i] == TABLE_NONE)
			return error_set(e, ERR_CONFIG,
			    "a tokenizer without a token for byte %u", i);
	}
	if (t->header->n_merges)
		return OK;
	t->pair_ids = malloc(PAIRS * sizeof(*t->pair_ids));
	if (!t->pair_ids)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	for (unsigned i = 0; i < PAIRS; i++) {
		char c[2] = { (char)(i >> 8), (char)(i & 255) };

		t->pair_ids[i] = table_word(t, str_make(c, 2));
	}
	return OK;
}

static enum err
set_up(struct tokenizer *t, struct str image, struct error *e)
{
	const struct table_header *h = (const void *)image.p;
	enum err err = check_header(h, image.n, e);

	if (err)
		return err;
	t->header = h;
	t->offsets = (const void *)(h + 1);
	t->words = (const void *)(t->offsets + h->n_tokens + 1);
	t->merges = (const void *)(t->words + h->n_words);
	t->bytes = (const char *)(t->merges + h->n_merges);
	err = check_body(t, e);
	return err ? err : look_up_bytes(t, e);
}

/* ---- opening ---- */

enum err
tokenizer_from_image(struct str image, struct tokenizer **ret, struct error *e)
{
	struct tokenizer *t = calloc(1, sizeof(*t));
	enum err err = t ? set_up(t, image, e)
			 : error_set(e, ERR_NO_MEMORY, "no memory");

	if (err) {
		tokenizer_close(t);
		return err;
	}
	*ret = t;
	return OK;
}

static enum err
map_file(const char *path, struct str *ret, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum err err = OK;
	struct stat st;
	void *p;

	if (fd < 0)
		return error_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s", path);
	if (fstat(fd, &st) < 0) {
		err = error_errno(e, ERR_IO, "%s", path);
	} else if (!S_ISREG(st.st_mode) ||
		   st.st_size < (off_t)sizeof(struct table_header)) {
		err = error_set(e, ERR_CONFIG, "%s: not a tokenizer's file",
		    path);
	} else {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
		    0);
		if (p == MAP_FAILED)
			err = error_errno(e, ERR_IO, "%s", path);
		else
			*ret = str_make(p, (size_t)st.st_size);
	}
	(void)close(fd);
	return err;
}

enum err
tokenizer_open(const char *path, struct tokenizer **ret, struct error *e)
{
	struct str image;
	struct error why;
	enum err err = map_file(path, &image, e);

	if (err)
		return err;
	err = tokenizer_from_image(image, ret, &why);
	if (err) {
		(void)munmap((void *)(uintptr_t)image.p, image.n);
		return error_set(e, err, "%s: %s", path, why.internal);
	}
	(*ret)->map = (void *)(uintptr_t)image.p;
	(*ret)->map_bytes = image.n;
	return OK;
}

void
tokenizer_close(struct tokenizer *t)
{
	if (!t)
		return;
	if (t->map)
		(void)munmap(t->map, t->map_bytes);
	free(t->pair_ids);
	free(t);
}

struct str
tokenizer_name(const struct tokenizer *t)
{
	return str_from(t->header->name);
}

uint32_t
tokenizer_vocabulary(const struct tokenizer *t)
{
	return t->header->n_tokens;
}

struct str
tokenizer_token(const struct tokenizer *t, uint32_t id)
{
	return id < t->header->n_tokens ? table_bytes(t, id)
					: str_make(NULL, 0);
}
