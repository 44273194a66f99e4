/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* With ARENA_DEBUG every allocation is a malloc of its own, so that
 * AddressSanitizer sees overruns. */
#ifdef ARENA_DEBUG
# define CHUNK_BYTES ((size_t)0)
#else
# define CHUNK_BYTES KIB(16)
#endif

struct arena_chunk {
	struct arena_chunk *next; /* older */
	size_t cap;
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

struct arena_defer_entry {
	struct arena_defer_entry *next;
	arena_defer_fn *fn;
	void *ptr;
};

void
arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){
		.max_bytes = max_bytes,
		.full_err = ERR_NO_MEMORY,
	};
}

static void
run_deferred(struct arena *a)
{
	while (a->defer) {
		struct arena_defer_entry *entry = a->defer;

		a->defer = entry->next;
		entry->fn(entry->ptr);
	}
}

/* Free all chunks but `keep` (which may be NULL). */
static void
free_chunks(struct arena *a, struct arena_chunk *keep, bool is_secret)
{
	struct arena_chunk *chunk = a->chunk;

	while (chunk) {
		struct arena_chunk *next = chunk->next;

		if (is_secret)
			secret_wipe(chunk->data, chunk->used);
		if (chunk != keep)
			free(chunk);
		chunk = next;
	}
	a->chunk = keep;
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
}

static void
reset(struct arena *a, bool is_secret)
{
	struct arena_chunk *keep = NULL;

	run_deferred(a);
	/* A chunk of the usual size serves the next request; a large one
	 * goes back, so that one big request does not fatten the thread. */
	for (struct arena_chunk *c = a->chunk; c; c = c->next)
		if (CHUNK_BYTES > 0 && c->cap == CHUNK_BYTES)
			keep = c;
	free_chunks(a, keep, is_secret);
	a->used_bytes = 0;
	a->n_alloc = 0;
	a->sticky = OK;
	a->full_err = ERR_NO_MEMORY;
}

void
arena_fini(struct arena *a)
{
	run_deferred(a);
	free_chunks(a, NULL, false);
	a->used_bytes = 0;
}

void
arena_reset(struct arena *a)
{
	reset(a, false);
}

void
arena_wipe(struct arena *a)
{
	reset(a, true);
}

static void *
fail(struct arena *a)
{
	if (a->sticky == OK)
		a->sticky = a->full_err;
	return NULL;
}

static struct arena_chunk *
chunk_new(struct arena *a, size_t need)
{
	size_t cap = need > CHUNK_BYTES / 4 ? need : CHUNK_BYTES;
	struct arena_chunk *chunk;

	if (cap > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = malloc(sizeof(*chunk) + cap);
	if (!chunk)
		return NULL;
	chunk->cap = cap;
	chunk->used = 0;
	/* A chunk made for one large piece goes behind the current one,
	 * whose room stays in use. */
	if (CHUNK_BYTES > 0 && cap != CHUNK_BYTES && a->chunk) {
		chunk->next = a->chunk->next;
		a->chunk->next = chunk;
	} else {
		chunk->next = a->chunk;
		a->chunk = chunk;
	}
	return chunk;
}

void *
arena_alloc(struct arena *a, size_t size_bytes)
{
	size_t need = size_bytes ? size_bytes : 1;
	struct arena_chunk *chunk = a->chunk;
	void *p;

	a->n_alloc++;
	if (a->fail_at && a->n_alloc == a->fail_at)
		return fail(a);
	if (need > a->max_bytes)
		return fail(a);
	need = (need + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (need > a->max_bytes || a->used_bytes > a->max_bytes - need)
		return fail(a);
	if (!chunk || chunk->cap - chunk->used < need)
		chunk = chunk_new(a, need);
	if (!chunk)
		return fail(a);
	p = chunk->data + chunk->used;
	chunk->used += need;
	a->used_bytes += need;
	return memset(p, 0, need);
}

void *
arena_alloc_array(struct arena *a, size_t n, size_t size_bytes)
{
	size_t total;

	if (__builtin_mul_overflow(n, size_bytes, &total))
		return fail(a);
	return arena_alloc(a, total);
}

struct str
arena_strdup(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : fail(a);

	if (!p)
		return (struct str){ NULL, 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

const char *
arena_cstr(struct arena *a, struct str s)
{
	if (str_find(s, '\0') < s.n)
		return NULL;
	return arena_strdup(a, s).p;
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;
	char *p;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p = n >= 0 ? arena_alloc(a, (size_t)n + 1) : fail(a);
	if (!p)
		return (struct str){ NULL, 0 };
	if ((size_t)n < sizeof(text)) {
		memcpy(p, text, (size_t)n + 1);
		return str_make(p, (size_t)n);
	}
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap); /* measured above */
	va_end(ap);
	return str_make(p, (size_t)n);
}

bool
arena_defer(struct arena *a, arena_defer_fn *fn, void *ptr)
{
	struct arena_defer_entry *entry = arena_new(a,
	    struct arena_defer_entry);

	if (!entry) {
		fn(ptr);
		return false;
	}
	*entry = (struct arena_defer_entry){ a->defer, fn, ptr };
	a->defer = entry;
	return true;
}

struct arena_mark
arena_mark(const struct arena *a)
{
	return (struct arena_mark){
		.chunk = a->chunk,
		.chunk_next = a->chunk ? a->chunk->next : NULL,
		.chunk_used = a->chunk ? a->chunk->used : 0,
		.used_bytes = a->used_bytes,
	};
}

/* Free the chunks from *from on, up to but not `until`. */
static void
free_until(struct arena_chunk **from, const struct arena_chunk *until)
{
	while (*from != until) {
		struct arena_chunk *next = (*from)->next;

		free(*from);
		*from = next;
	}
}

void
arena_rewind(struct arena *a, struct arena_mark mark)
{
	/* Deferred entries live in the arena, so none may be newer than the
	 * mark: scratch work registers none. */
	free_until(&a->chunk, mark.chunk);
	if (a->chunk) {
		free_until(&a->chunk->next, mark.chunk_next);
		a->chunk->used = mark.chunk_used;
	}
	a->used_bytes = mark.used_bytes;
}

enum err
error_arena(struct error *e, const struct arena *a)
{
	return error_set(e, a->sticky ? a->sticky : ERR_NO_MEMORY,
	    "arena full: %zu of %zu bytes used", a->used_bytes, a->max_bytes);
}
