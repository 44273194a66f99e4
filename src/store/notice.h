/* SPDX-License-Identifier: MIT */
/*
 * Tables notices and notice_deliveries: what customers are told, once a
 * cause, and how far the telling has come on each way.
 */
#ifndef TG_STORE_NOTICE_H
#define TG_STORE_NOTICE_H

#include "base/uuid7.h"
#include "store/db.h"

#define NOTICE_CAUSE_BYTES   160
#define NOTICE_PAYLOAD_BYTES 4096

struct notice_row {
	uint64_t notice_id; /* read only */
	uint8_t uid[UUID7_BYTES];
	uint64_t customer_id;
	struct str kind;
	struct str cause;
	struct str payload;    /* a JSON object */
	int64_t created_at_ms; /* read only */
};

/**
 * Errors: ERR_CONFLICT that customer has a notice of that kind and cause; an
 * open transaction may go on. It waits for one that is just writing it.
 */
enum err store_notice_insert(struct db *db, const struct notice_row *n,
    struct error *e) ATTR_MUST_CHECK;

#endif
