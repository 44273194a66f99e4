/* SPDX-License-Identifier: MIT */
/*
 * Notices on their way: routed, tried, tried again, given up. Each worker of
 * each host may do it, as a try is claimed in the database; whoever claims one
 * and dies leaves it to the next, so a notice may come twice and never gets
 * lost before it is dead. Blocks for as long as a receiver may take; so never
 * in a request. doc/notices.md.
 */
#ifndef TG_DOMAIN_NOTICE_DELIVER_H
#define TG_DOMAIN_NOTICE_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct conf;
struct crypto_key;
struct db_pool;
struct notice_sender;

struct notice_sender_params {
	const struct conf *conf; /* outlives it */
	struct db_pool *db;
	const struct crypto_key *seal;
};

/**
 * Errors: ERR_CONFIG a setting of mail.* or webhooks.* can't be meant so;
 *         ERR_NO_MEMORY.
 * Memory: malloc; notice_sender_free().
 */
enum err notice_sender_new(const struct notice_sender_params *p,
    struct notice_sender **ret, struct error *e) ATTR_MUST_CHECK;
void notice_sender_free(struct notice_sender *s);

/** How many deliveries came to what. */
struct notice_tally {
	uint64_t n_sent;
	uint64_t n_failed; /* to be tried again */
	uint64_t n_dead;
};

/**
 * Route what is new and try all that is due now; failures are logged and kept
 * with the delivery.
 * @ret_tally  filled on errors too
 * Errors: the database's; ERR_SHUTTING_DOWN.
 */
enum err notice_deliver_due(struct notice_sender *s,
    struct notice_tally *ret_tally, struct error *e) ATTR_MUST_CHECK;

/** Any thread: a try that is running ends at once, and no other begins. */
void notice_sender_stop(struct notice_sender *s);

/** Whether e-mail is on and its command can be run.
 * @ret_is_on  false: it is off. Errors: ERR_CONFIG. */
enum err notice_mail_check(const struct conf *c, bool *ret_is_on,
    struct error *e) ATTR_MUST_CHECK;

/** Seconds until the next try after n of them (1...): from half of
 * retry_s * 2^(n-1), at most max_s, to all of it, at random. */
uint64_t notice_backoff_s(uint64_t n, uint64_t retry_s, uint64_t max_s);

#endif
