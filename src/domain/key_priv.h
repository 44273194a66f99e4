/* SPDX-License-Identifier: MIT */
/* Between key_cache.c, key_load.c and key_table.c only. */
#ifndef TG_DOMAIN_KEY_PRIV_H
#define TG_DOMAIN_KEY_PRIV_H

#include "domain/hostmap.h"
#include "domain/key.h"
#include "store/generation.h"

/* What the database said of one digest, and when. */
struct key_entry {
	struct key_entry *next; /* in its bucket */
	bool is_recent;         /* used since the hand went by */
	bool is_refused;        /* known, but inactive, revoked, … */
	int64_t read_ms;        /* monotonic, before the query */
	int64_t used_ms;        /* wall clock; 0: not by anybody yet */
	int64_t taken_ms;       /* used_ms that was taken to be written */
	int64_t told_ms;        /* and that is written */
	uint64_t catalogue;     /* generations before the query */
	uint64_t *model_ids;    /* its own */
	void *ips;              /* the same: ranges, then their text */
	size_t ips_bytes;
	/* With model_ids, key_digest, both generations and
	 * expires_at_ms. */
	struct principal who;
};

/* Buckets for finding, a ring for evicting by second chance. */
struct key_table {
	struct key_entry **buckets;
	struct key_entry **ring;
	size_t n_buckets; /* a power of two */
	size_t n, cap, hand;
};

/* Errors: ERR_NO_MEMORY; key_table_fini() then too. */
enum err key_table_init(struct key_table *t, size_t cap,
    struct error *e) ATTR_MUST_CHECK;
void key_table_fini(struct key_table *t);
/** NULL when it is not there. */
struct key_entry *key_table_find(const struct key_table *t,
    const uint8_t digest[KEY_DIGEST_BYTES]);
/** Takes en; it replaces what has the same digest, or what was not used for
 * long when the table is full. */
void key_table_put(struct key_table *t, struct key_entry *en);
void key_entry_free(struct key_entry *en);

/** Let who refer to n ranges and the text of n_text bytes behind them. */
void key_entry_ips(void *p, size_t n, size_t n_text, struct principal *who);

static inline unsigned
key_entry_slot(const struct principal *who)
{
	return generation_key_slot(
	    who->api_key_id ? who->api_key_id : who->operator_key_id);
}

/** Whether nothing that it is cached with was changed since, but the
 * catalogue. */
static inline bool
key_entry_is_current(const struct hostmap *map, const struct principal *who)
{
	return hostmap_slot_read(map, key_entry_slot(who)) ==
		   who->key_generation &&
	       hostmap_slot_read(map,
		   generation_customer_slot(who->customer_id)) ==
		   who->customer_generation;
}

/**
 * Ask the database for en->who.key_digest and fill in the rest. The
 * generations are read before; if the key's or its customer's has moved by the
 * end, the row may be older than the move, so it asks again.
 * @a  scratch
 * Errors: ERR_NOT_FOUND; the database's; ERR_NO_MEMORY.
 */
enum err key_entry_load(struct db *db, const struct hostmap *map,
    enum key_kind kind, struct arena *a, struct key_entry *en,
    struct error *e) ATTR_MUST_CHECK;

#endif
