/* SPDX-License-Identifier: MIT */
#include "domain/key_priv.h"

#include <stdlib.h>
#include <string.h>

enum err
key_table_init(struct key_table *t, size_t cap, struct error *e)
{
	t->cap = cap;
	t->n_buckets = 16;
	while (t->n_buckets < cap)
		t->n_buckets *= 2;
	t->buckets = calloc(t->n_buckets, sizeof(*t->buckets));
	t->ring = calloc(cap, sizeof(struct key_entry *));
	if (!t->buckets || !t->ring)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	return OK;
}

void
key_entry_free(struct key_entry *en)
{
	free(en->model_ids);
	free(en->ips);
	free(en);
}

void
key_table_fini(struct key_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		key_entry_free(t->ring[i]);
	free(t->ring);
	free(t->buckets);
}

/* The digest is random enough to be its own hash. */
static struct key_entry **
table_bucket(const struct key_table *t, const uint8_t digest[KEY_DIGEST_BYTES])
{
	uint64_t h;

	memcpy(&h, digest + 8, sizeof(h));
	return &t->buckets[h & (t->n_buckets - 1)];
}

struct key_entry *
key_table_find(const struct key_table *t,
    const uint8_t digest[KEY_DIGEST_BYTES])
{
	struct key_entry *en = *table_bucket(t, digest);

	while (en && memcmp(en->who.key_digest, digest, KEY_DIGEST_BYTES) != 0)
		en = en->next;
	return en;
}

static void
table_unlink(struct key_table *t, struct key_entry *en)
{
	struct key_entry **at = table_bucket(t, en->who.key_digest);

	while (*at != en)
		at = &(*at)->next;
	*at = en->next;
}

/* A place in the ring for one more entry. */
static size_t
table_make_room(struct key_table *t)
{
	struct key_entry *en;
	size_t at;

	if (t->n < t->cap)
		return t->n++;
	while (t->ring[t->hand]->is_recent) {
		t->ring[t->hand]->is_recent = false;
		t->hand = (t->hand + 1) % t->cap;
	}
	at = t->hand;
	t->hand = (t->hand + 1) % t->cap;
	en = t->ring[at];
	table_unlink(t, en);
	key_entry_free(en);
	return at;
}

/* Takes en. It replaces what has the same digest. */
void
key_table_put(struct key_table *t, struct key_entry *en)
{
	struct key_entry *old = key_table_find(t, en->who.key_digest);
	struct key_entry **bucket = table_bucket(t, en->who.key_digest);
	size_t at = 0;

	if (old) {
		while (t->ring[at] != old)
			at++;
		table_unlink(t, old);
		key_entry_free(old);
	} else {
		at = table_make_room(t);
	}
	t->ring[at] = en;
	en->is_recent = true;
	en->next = *bucket;
	*bucket = en;
}
