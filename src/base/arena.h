/* SPDX-License-Identifier: MIT */
/*
 * A chunked bump allocator with a maximum: the memory of one request (or of
 * one duty). Beyond the maximum, allocations give NULL from then on and the
 * first failure stays in `sticky`; its request gets a 413 (its input was too
 * large) or a 500, the others notice nothing. Not thread-safe; one owner at a
 * time.
 */
#ifndef TG_BASE_ARENA_H
#define TG_BASE_ARENA_H

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct arena_chunk;
struct arena_defer_entry;

struct arena {
	struct arena_chunk *chunk; /* newest first */
	size_t used_bytes;         /* over all chunks */
	size_t max_bytes;
	size_t fail_at;    /* test seam: the n-th allocation fails; 0 = none */
	size_t n_alloc;    /* allocations so far */
	enum err sticky;   /* OK, or what the first failure was */
	enum err full_err; /* what a failure means now: ERR_TOO_LARGE while
			      input is read, ERR_NO_MEMORY otherwise */
	struct arena_defer_entry *defer;
};

struct arena_mark {
	struct arena_chunk *chunk;
	struct arena_chunk *chunk_next; /* large pieces go in between */
	size_t chunk_used;
	size_t used_bytes;
};

typedef void arena_defer_fn(void *ptr);

/** An empty arena that will hold at most max_bytes. Allocates nothing. */
void arena_init(struct arena *a, size_t max_bytes);
/** Run the deferred clean-ups, free everything. */
void arena_fini(struct arena *a);
/** As arena_fini(), but keeps one chunk for the next user; clears sticky. */
void arena_reset(struct arena *a);
/** As arena_reset(), the memory overwritten first: for secrets. */
void arena_wipe(struct arena *a);

/**
 * Zeroed memory, aligned for any type; NULL when full (sticky error set).
 * A size of 0 gives a valid pointer.
 */
void *arena_alloc(struct arena *a, size_t size_bytes);
/** n * size_bytes with the product checked. */
void *arena_alloc_array(struct arena *a, size_t n, size_t size_bytes);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) \
 ((type *)arena_alloc_array((a), (n), sizeof(type)))

/** Copy of s in the arena, with a NUL behind it; {NULL, 0} when full. */
struct str arena_strdup(struct arena *a, struct str s);
/** NUL-terminated copy for C interfaces; NULL when full or s holds a NUL. */
const char *arena_cstr(struct arena *a, struct str s);
/** Formatted text, NUL-terminated; {NULL, 0} when full. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    ATTR_PRINTF(2, 3);

/**
 * Run fn(ptr) at the next reset, wipe or fini, last registered first.
 * When the arena is full, fn(ptr) runs at once and false is returned.
 */
bool arena_defer(struct arena *a, arena_defer_fn *fn,
    void *ptr) ATTR_MUST_CHECK;

struct arena_mark arena_mark(const struct arena *a);
/** Give back what was allocated since the mark; the sticky error stays. */
void arena_rewind(struct arena *a, struct arena_mark mark);

/** Report the arena's sticky error; returns its code. */
enum err error_arena(struct error *e, const struct arena *a);

#endif
