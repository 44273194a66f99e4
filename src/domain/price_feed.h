/* SPDX-License-Identifier: MIT */
/*
 * A price list in the form that LiteLLM publishes: one JSON object with a
 * member a model, whose members are USD per token as JSON numbers. It is read
 * where it stands, number by number as decimals, without a tree. What it says
 * about anything but prices is not believed, only shown.
 */
#ifndef TG_DOMAIN_PRICE_FEED_H
#define TG_DOMAIN_PRICE_FEED_H

#include <stdbool.h>

#include "base/arena.h"
#include "store/price.h"

#define PRICE_FEED_BYTES_MAX   MIB(32)
#define PRICE_FEED_ENTRIES_MAX 50000
#define PRICE_FEED_IGNORED_MAX 64 /* names kept of one entry */

struct price_feed_entry {
	struct str name;
	struct str provider; /* litellm_provider; p == NULL: it has none */
	/* All classes, those left out filled; no id, model, time or note. */
	struct price price;
	/* Why it can't be used, such as a missing price; p == NULL: it can. */
	struct str unusable;
	bool has_long;
	int64_t long_threshold_tok; /* of its long-context prices; -1 */
	int64_t max_input_tok;      /* -1: it does not say */
	/* Members that are neither understood nor known to be no price. */
	struct str *ignored;
	size_t n_ignored; /* even beyond PRICE_FEED_IGNORED_MAX */
	bool is_used;     /* for who matches entries with models */
};

struct price_feed {
	struct price_feed_entry *entries; /* in the list's order */
	size_t n;
};

/**
 * @text  at most PRICE_FEED_BYTES_MAX; views point into it
 * Errors: ERR_BAD_JSON or ERR_BAD_PARAM it is no such list; ERR_TOO_LARGE.
 *         What is wrong with one entry is said in that entry.
 * Memory: in a.
 */
enum err price_feed_read(struct str text, struct arena *a,
    struct price_feed *ret, struct error *e) ATTR_MUST_CHECK;

#endif
