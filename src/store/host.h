/* SPDX-License-Identifier: MIT */
/*
 * Table hosts: what each host's workers were started with, so that `tollgate
 * doctor` finds those that disagree, and what they have yet to write. Holds digests of the secrets, which
 * tell equal from different and nothing else.
 */
#ifndef TG_STORE_HOST_H
#define TG_STORE_HOST_H

#include "store/db.h"

#define HOST_CHECK_BYTES 16

struct host {
	struct str host;
	uint64_t pepper_id;
	uint8_t pepper_check[HOST_CHECK_BYTES];
	uint8_t seal_check[HOST_CHECK_BYTES];
	/* Requests that ended on this host and are not in the database yet, as
	 * of seen_at_ms; -1: its journals could not be read. */
	int64_t n_unflushed;
	int64_t unflushed_since_ms; /* when the oldest ended; 0: none */
	uint64_t n_unreadable; /* journals with a file that can't be read */
	int64_t seen_at_ms;    /* read only */
};

/** Write the row of h->host. */
enum err store_host_seen(struct db *db, const struct host *h,
    struct error *e) ATTR_MUST_CHECK;
enum err store_host_list(struct db *db, struct arena *a, struct host **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/**
 * Since when usage may be missing: some host has kept it for half a minute or
 * more, as of its last word, or has not been heard of for 150 s without having
 * left. Of a host that is gone for a day nothing is said.
 * @ret_ms  a full minute; 0: all is here
 */
enum err store_host_delayed_since(struct db *db, int64_t *ret_ms,
    struct error *e) ATTR_MUST_CHECK;

#endif
