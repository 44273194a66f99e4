/* SPDX-License-Identifier: MIT */
/*
 * Notices: what a customer is told by e-mail and webhook. Whoever finds out
 * writes the notice in the transaction of what it tells of, and nothing is
 * sent from there; deliveries are notice_deliver.h's. doc/notices.md.
 */
#ifndef TG_DOMAIN_NOTICE_H
#define TG_DOMAIN_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct db;

enum notice_kind {
#define NOTICE(id, ...) NOTICE_##id,
#include "domain/notices.def"
#undef NOTICE
	NOTICE__N
};

/* One row of notices.def. */
struct notice_info {
	const char *kind; /* of the database, webhooks, the command line */
	const char *subject;
	const char *text;
};
const struct notice_info *notice_info(enum notice_kind kind);
/** Errors: ERR_NOT_FOUND no kind is called so. */
enum err notice_kind_find(struct str name, enum notice_kind *ret,
    struct error *e) ATTR_MUST_CHECK;

struct notice {
	uint64_t customer_id;
	enum notice_kind kind;
	/* What of that kind it tells of, so that it is told of once, such as
	 * "12:2026-11:80" of a budget's id, period and percentage. 1 to
	 * NOTICE_CAUSE_BYTES of visible ASCII. */
	struct str cause;
	/* A JSON object of 2 to NOTICE_PAYLOAD_BYTES, which the customer gets
	 * to read: ids and names, numbers and times; no secret. */
	struct str payload;
};

/**
 * Write a notice, in the caller's transaction if one is open: it is told
 * of if that commits. Once for each customer, kind and cause, whoever else
 * writes it at the same time; this one then waits until the other has ended.
 * @ret_is_new  false: there was one already, and nothing was written; or NULL
 *
 * Errors: ERR_BAD_PARAM the cause or the payload is none, or there is no such
 *         customer; the database's, ERR_DB_RETRY among them.
 */
enum err notice_add(struct db *db, const struct notice *n, bool *ret_is_new,
    struct error *e) ATTR_MUST_CHECK;

#endif
