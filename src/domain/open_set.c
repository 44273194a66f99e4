/* SPDX-License-Identifier: MIT */
#include "domain/open_set.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

void
open_set_init(struct open_set *s)
{
	*s = (struct open_set){ NULL, 0, 0 };
}

void
open_set_fini(struct open_set *s)
{
	for (size_t i = 0; i < s->n_buckets; i++) {
		struct open_entry *entry = s->buckets[i];

		while (entry) {
			struct open_entry *next = entry->next;

			free(entry);
			entry = next;
		}
	}
	free(s->buckets);
	open_set_init(s);
}

/* The last 8 bytes of a UUIDv7 are random but for two bits. */
static size_t
bucket_of(const struct uuid7 *id, size_t n_buckets)
{
	uint64_t h;

	memcpy(&h, id->b + 8, sizeof(h));
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 32) & (n_buckets - 1);
}

static void
put(struct open_set *s, struct open_entry *entry)
{
	size_t i = bucket_of(&entry->id, s->n_buckets);

	entry->next = s->buckets[i];
	s->buckets[i] = entry;
}

static enum err
grow(struct open_set *s, struct error *e)
{
	struct open_set old = *s;

	s->n_buckets = old.n_buckets ? 2 * old.n_buckets : BUCKETS_MIN;
	s->buckets = calloc(s->n_buckets, sizeof(struct open_entry *));
	if (!s->buckets) {
		*s = old;
		return error_set(e, ERR_NO_MEMORY, "open requests: no memory");
	}
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct open_entry *entry = old.buckets[i];

		while (entry) {
			struct open_entry *next = entry->next;

			put(s, entry);
			entry = next;
		}
	}
	free(old.buckets);
	return OK;
}

enum err
open_set_add(struct open_set *s, const struct uuid7 *id, struct str payload,
    journal_pos pos, struct error *e)
{
	struct open_entry *entry;

	if (open_set_find(s, id))
		return OK;
	if (s->n >= s->n_buckets) {
		enum err err = grow(s, e);

		if (err)
			return err;
	}
	entry = calloc(1, sizeof(*entry) + payload.n);
	if (!entry)
		return error_set(e, ERR_NO_MEMORY, "open requests: no memory");
	entry->id = *id;
	entry->pos = pos;
	entry->open_bytes = payload.n;
	memcpy(entry->open, payload.p, payload.n);
	put(s, entry);
	s->n++;
	return OK;
}

struct open_entry *
open_set_find(const struct open_set *s, const struct uuid7 *id)
{
	struct open_entry *entry;

	if (s->n_buckets == 0)
		return NULL;
	entry = s->buckets[bucket_of(id, s->n_buckets)];
	while (entry && memcmp(&entry->id, id, sizeof(*id)) != 0)
		entry = entry->next;
	return entry;
}

void
open_set_remove(struct open_set *s, struct open_entry *entry)
{
	struct open_entry **at =
	    &s->buckets[bucket_of(&entry->id, s->n_buckets)];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	free(entry);
	s->n--;
}

enum err
open_set_each(const struct open_set *s, open_set_fn *fn, void *arg,
    struct error *e)
{
	for (size_t i = 0; i < s->n_buckets; i++) {
		const struct open_entry *entry;

		for (entry = s->buckets[i]; entry; entry = entry->next) {
			enum err err = fn(entry, arg, e);

			if (err)
				return err;
		}
	}
	return OK;
}
