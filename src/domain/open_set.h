/* SPDX-License-Identifier: MIT */
/*
 * The requests of one journal series that are open at some position of it:
 * request id -> the `open` record and the last `progress`. Used by whoever
 * reads a journal. Not thread-safe.
 */
#ifndef TG_DOMAIN_OPEN_SET_H
#define TG_DOMAIN_OPEN_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/uuid7.h"
#include "journal/record.h"

struct open_entry {
	struct open_entry *next; /* in its bucket */
	struct uuid7 id;
	journal_pos pos; /* of its open */
	bool is_settled; /* its settle was read; removed by the reader */
	struct journal_progress progress;
	size_t open_bytes;
	uint8_t open[]; /* payload */
};

struct open_set {
	struct open_entry **buckets;
	size_t n_buckets; /* a power of two, or 0 */
	size_t n;
};

void open_set_init(struct open_set *s);
/** Frees all entries; the set is empty again. */
void open_set_fini(struct open_set *s);

/**
 * Note an open; one that is there already stays as it is.
 * Errors: ERR_NO_MEMORY.
 */
enum err open_set_add(struct open_set *s, const struct uuid7 *id,
    struct str payload, journal_pos pos, struct error *e) ATTR_MUST_CHECK;
/** NULL when it is not open. */
struct open_entry *open_set_find(const struct open_set *s,
    const struct uuid7 *id);
/** Remove and free an entry of the set. */
void open_set_remove(struct open_set *s, struct open_entry *entry);

/** Call fn for each entry; it may not change the set. */
typedef enum err open_set_fn(const struct open_entry *entry, void *arg,
    struct error *e);
enum err open_set_each(const struct open_set *s, open_set_fn *fn, void *arg,
    struct error *e) ATTR_MUST_CHECK;

static inline struct str
open_entry_payload(const struct open_entry *entry)
{
	return (struct str){ (const char *)entry->open, entry->open_bytes };
}

#endif
