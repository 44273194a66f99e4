/* SPDX-License-Identifier: MIT */
/*
 * Tables notices and notice_deliveries: what customers are told, once a
 * cause, and how far the telling has come on each way.
 */
#ifndef TG_STORE_NOTICE_H
#define TG_STORE_NOTICE_H

#include "base/uuid7.h"
#include "store/newest.h"

#define NOTICE_CAUSE_BYTES   160
#define NOTICE_PAYLOAD_BYTES 4096
#define NOTICE_ERROR_BYTES   250 /* of last_error; longer ones are cut */

struct notice_row {
	uint64_t notice_id; /* read only */
	uint8_t uid[UUID7_BYTES];
	uint64_t customer_id; /* 0: of an operator */
	uint64_t user_id;     /* whom alone it is for; 0: the customer */
	struct str kind;
	struct str cause;
	struct str payload;     /* a JSON object */
	struct str link;        /* of a user's: sealed; p == NULL: none */
	int64_t created_at_ms;  /* read only */
	struct str webhook_url; /* of the customer, as it is now; read only */
};

/**
 * Of a user's, customer_id is the user's, whatever the row says; where there is
 * no such user who may sign in, nothing is written.
 * Errors: ERR_CONFLICT that customer has a notice of that kind and cause; an
 * open transaction may go on. It waits for one that is just writing it.
 */
enum err store_notice_insert(struct db *db, const struct notice_row *n,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. Memory: texts in a. */
enum err store_notice_by_id(struct db *db, uint64_t notice_id, struct arena *a,
    struct notice_row *ret, struct error *e) ATTR_MUST_CHECK;

struct notice_recipient {
	struct str email;
};
/** To whom a customer's e-mail goes: its own address and its owners', each
 * once, at most 16; with user_id that user's alone. */
enum err store_notice_recipients(struct db *db, uint64_t customer_id,
    uint64_t user_id, struct arena *a, struct notice_recipient **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

enum notice_channel {
	NOTICE_EMAIL,
	NOTICE_WEBHOOK,
	NOTICE_CHANNEL__N
};
extern const char *const notice_channel_names[NOTICE_CHANNEL__N];

enum notice_state {
	NOTICE_PENDING,
	NOTICE_SENT,
	NOTICE_DEAD,
	NOTICE_STATE__N
};
extern const char *const notice_state_names[NOTICE_STATE__N];

/**
 * Make the deliveries of notices that have none: by webhook where the customer
 * has one and a secret, by e-mail if has_email.
 * @ret_n  how many notices, at most 100
 */
enum err store_notice_route(struct db *db, bool has_email, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

/* One delivery as whoever tries it sees it. */
struct notice_delivery {
	uint64_t notice_id;
	enum notice_channel channel;
	uint64_t attempts; /* this one included */
};
/**
 * Take the delivery that is due for longest: nobody else gets it for lease_s.
 * Errors: ERR_NOT_FOUND nothing is due.
 */
enum err store_notice_claim(struct db *db, bool has_email, uint64_t lease_s,
    struct notice_delivery *ret, struct error *e) ATTR_MUST_CHECK;
/* How it went; without effect if somebody else has tried it since. */
enum err store_notice_sent(struct db *db, const struct notice_delivery *d,
    struct error *e) ATTR_MUST_CHECK;
/** @state  NOTICE_PENDING: again in again_s; or NOTICE_DEAD */
enum err store_notice_failed(struct db *db, const struct notice_delivery *d,
    enum notice_state state, uint64_t again_s, struct str why,
    struct error *e) ATTR_MUST_CHECK;
/* As many of a receiver's stay in turn, and for so long the others don't: no
 * more can be tried meanwhile, as each takes a second or longer. */
#define NOTICE_TURN_MAX    300
#define NOTICE_TURN_S      300
/* Rows of one transaction. */
#define NOTICE_PUT_OFF_MAX 1000
/**
 * What is due of a customer's on that way comes behind all others' that is:
 * the oldest NOTICE_TURN_MAX; the rest is due again in NOTICE_TURN_S, so that
 * it isn't written at each try.
 */
enum err store_notice_behind(struct db *db, uint64_t customer_id,
    enum notice_channel channel, struct error *e) ATTR_MUST_CHECK;
/** What was not sent of a notice is due now, with all its tries.
 * @ret_n  deliveries */
enum err store_notice_revive(struct db *db, uint64_t notice_id, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

/* Zeros say nothing. */
struct notice_filter {
	uint64_t customer_id;
	struct str kind;
	struct str state;
	int64_t from_ms, to_ms; /* to: exclusive */
};
/* How far a notice has come on one way; state.p == NULL: it does not go it. */
struct notice_way {
	struct str state;
	uint64_t attempts;
	int64_t next_attempt_at_ms; /* 0: none */
	int64_t sent_at_ms;         /* 0: it was not */
	struct str last_error;
};
struct notice_view {
	uint64_t notice_id;
	uint8_t uid[UUID7_BYTES];
	uint64_t customer_id;
	struct str kind;
	struct str payload;
	int64_t created_at_ms;
	struct notice_way email, webhook;
};
/* As many as a page looks at, where a kind or state is asked for. */
#define NOTICE_SEARCH_MAX 50000
/**
 * Up to limit behind a notice (0: from the newest on; one that is gone by now:
 * none), the newest first by their time.
 * @f        state: on either way
 * @ret_end  fewer than limit, even none, are not the end
 * Memory: in a.
 */
enum err store_notice_page(struct db *db, const struct notice_filter *f,
    uint64_t before_id, uint64_t limit, struct arena *a,
    struct notice_view **ret, size_t *ret_n, struct newest_end *ret_end,
    struct error *e) ATTR_MUST_CHECK;
/** Delete up to limit that are older than keep_s and wait for nothing.
 * @ret_n  how many */
enum err store_notice_forget(struct db *db, uint64_t keep_s, uint64_t limit,
    uint64_t *ret_n, struct error *e) ATTR_MUST_CHECK;

struct notice_counts {
	uint64_t n_dead;
	uint64_t n_late; /* pending for more than an hour */
};
enum err store_notice_counts(struct db *db, struct notice_counts *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
