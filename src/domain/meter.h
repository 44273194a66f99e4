/* SPDX-License-Identifier: MIT */
/*
 * The metering of one request, from `open` to `settle`. A meter is opened
 * before the request is admitted and settled exactly once, before the last
 * byte of the answer goes out; meter_finish() runs on every path and makes
 * sure of it. The journal holds every step; nothing here touches SQL.
 */
#ifndef TG_DOMAIN_METER_H
#define TG_DOMAIN_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/tok_class.h"
#include "base/uuid7.h"
#include "domain/price.h"

struct catalogue_deployment;
struct catalogue_model;
struct journal;
struct price;
struct principal;

/* The states of a meter; each request passes them in this order. */
enum meter_state {
	METER_IDLE,    /* nothing is journaled */
	METER_OPEN,    /* `open` is written, the request may cost something */
	METER_SETTLED, /* `settle` is written; figures below are final */
};

/* Tokens of a stream so far. */
struct meter_delivered {
	uint64_t prompt_tok;
	uint64_t out_tok; /* the bytes included that are about to go out */
	bool is_counted;  /* both with the model's tokenizer, else estimated */
};

struct meter {
	enum meter_state state;
	struct journal *journal;
	uint32_t slot; /* of the open record */
	struct uuid7 request_id;
	int64_t start_us;    /* monotonic */
	int64_t first_us;    /* monotonic time of the first output; 0 = none */
	int64_t progress_us; /* of the last progress record */
	const struct catalogue_model *model;
	const struct catalogue_deployment *deployment;
	const struct price *price;
	uint64_t markup_ppm;
	uint64_t prompt_tok; /* estimate on entry */
	/* What the last progress record says. */
	struct meter_delivered delivered;
	bool has_output; /* any byte of the answer went out */
	uint32_t attempts;
	/* What it holds in budgets; its cost may turn out to be more. */
	bool is_held;
	int64_t hold_pusd;

	/* For headers and the access log; final once settled. */
	struct tokens used;
	struct cost cost;
	int64_t latency_ms; /* of the settle record */
	enum usage_status status;
	enum usage_source source;
};

/* What a request will be charged by. */
struct meter_params {
	struct journal *journal;
	const struct principal *who;
	struct uuid7 request_id;
	int64_t start_ms; /* wall clock */
	int64_t start_us; /* monotonic */
	const struct catalogue_model *model;
	const struct catalogue_deployment *deployment; /* the first to try */
	const struct price *price;
	struct str model_requested;
	uint64_t prompt_tok;   /* estimate */
	uint64_t user_id;      /* 0: whom the key meters to */
	uint64_t agent_id;     /* 0: none */
	uint64_t connector_id; /* 0: none */
	bool is_stream;
	int64_t hold_pusd; /* to be asked for; 0: it costs nothing, or no budget
			      holds for it */
};

/**
 * Write `open`.
 * Errors: ERR_JOURNAL_FULL, ERR_JOURNAL_FAILED: the request is not admitted.
 */
enum err meter_open(struct meter *m, const struct meter_params *p,
    struct error *e) ATTR_MUST_CHECK;

/** Close an open request that a limit refused: counted, never charged. */
enum err meter_refuse(struct meter *m, enum err reason,
    struct error *e) ATTR_MUST_CHECK;

/** Count a refusal of a known key that came before any open. Best effort:
 * a journal without room refuses the request anyway. */
void meter_count_refusal(struct journal *j, const struct principal *who,
    uint64_t model_id, enum err reason);

/** The same for one that limits.shadow let pass: reason "limit_shadow". */
void meter_count_shadow(struct journal *j, const struct principal *who,
    uint64_t model_id);

/**
 * Output is about to go to the client: whether that is to be noted in the
 * journal now, which is so at first and then about once a second.
 */
bool meter_is_progress_due(const struct meter *m);
/** Time to the first output; -1: there was none, or not by events. */
int64_t meter_first_ms(const struct meter *m);
/**
 * Note it.
 * Errors: ERR_JOURNAL_FULL, ERR_JOURNAL_FAILED: the stream must end now.
 */
enum err meter_progress(struct meter *m, const struct meter_delivered *d,
    struct error *e) ATTR_MUST_CHECK;

/* How a request ended. */
struct meter_result {
	enum usage_status status;
	enum usage_source source;
	struct tokens used;
	struct str error_code; /* empty: none */
};

/**
 * Fill in what a settle with this result would charge, without charging it:
 * for an answer that must stand whole before it may cost anything.
 * Errors: ERR_MONEY_RANGE.
 */
enum err meter_price(struct meter *m, const struct meter_result *r,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Price what was used and write `settle`.
 * Errors: ERR_MONEY_RANGE; ERR_JOURNAL_FAILED (the flusher will make an
 * `interrupted` row of it).
 */
enum err meter_settle(struct meter *m, const struct meter_result *r,
    struct error *e) ATTR_MUST_CHECK;

/**
 * End of the request on every path: a meter that is still open is settled
 * with what is known, and that is logged as a fault of ours. Resets m.
 */
void meter_finish(struct meter *m);

#endif
