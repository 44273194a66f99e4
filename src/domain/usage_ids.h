/* SPDX-License-Identifier: MIT */
/*
 * What the ids in a batch of events mean, and whose they are. A batch names
 * the same few things again and again, so each is looked up once.
 */
#ifndef TG_DOMAIN_USAGE_IDS_H
#define TG_DOMAIN_USAGE_IDS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct manager;
struct price;
struct usage_filter;

enum usage_thing {
	USAGE_THING_USER,
	USAGE_THING_KEY,
	USAGE_THING_PROJECT,
	USAGE_THING_AGENT,
	USAGE_THING_CONNECTOR,
	USAGE_THING_MODEL,
	USAGE_THING_CUSTOMER,
	USAGE_THING__N
};

struct usage_known {
	struct usage_known *next;
	enum usage_thing kind;
	uint64_t id;
	uint64_t customer_id; /* whose it is; 0: everybody's */
	struct str name;      /* of a model */
	uint64_t markup_ppm;  /* of a customer */
	struct price *prices; /* of a model, the newest first */
	size_t n_prices;
};

#define USAGE_IDS_BUCKETS 256 /* a power of two */

/* Zeros and these. */
struct usage_ids {
	const struct manager *m; /* its db is asked */
	struct arena *a;         /* what is known lies there */
	size_t n_events;
	size_t at; /* the event in hand, for errors */
	struct usage_known *known[USAGE_IDS_BUCKETS];
};

/**
 * What an id means.
 * @customer_id  whose it must be; 0: the tenant's, or anybody's
 * Errors: ERR_NOT_FOUND naming the member, alike whether it is nobody's,
 *         somebody else's, or a model that the customer's credential may not
 *         use.
 */
enum err usage_ids_find(struct usage_ids *ids, enum usage_thing kind,
    uint64_t id, uint64_t customer_id, const struct usage_known **ret,
    struct error *e) ATTR_MUST_CHECK;
/** The same, of an id that may be 0, which is nobody's. */
enum err usage_ids_check(struct usage_ids *ids, enum usage_thing kind,
    uint64_t id, uint64_t customer_id, struct error *e) ATTR_MUST_CHECK;
/**
 * Whether what a filter names is the manager's to ask for: its tenant's and of
 * the filter's customer. An id of somebody else would lead to an index full of
 * rows that are none of its.
 * @ret_customer_id  whose alone it can be, as far as that is known; else 0
 * Errors: ERR_NOT_FOUND naming the parameter. Memory: scratch in a.
 */
enum err usage_ids_filter(const struct manager *m, const struct usage_filter *f,
    struct arena *a, uint64_t *ret_customer_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
