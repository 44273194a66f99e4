/* SPDX-License-Identifier: MIT */
/*
 * Whether an inference request may go ahead: the model is there, allowed and
 * priced, the journal has its `open`, no limit is passed. What a refused
 * request took is given back before this returns, and the refusal is counted.
 */
#ifndef TG_DOMAIN_ADMISSION_H
#define TG_DOMAIN_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/uuid7.h"
#include "domain/limit.h"
#include "domain/meter.h"
#include "domain/principal.h"

struct app;
struct catalogue_model;

/**
 * The model that a key names, if it may use it and it can be served.
 * Exactly one of name and id is looked at: id when name.p is NULL.
 * Errors: ERR_MODEL_NOT_FOUND; ERR_MODEL_FORBIDDEN; ERR_MODEL_DOWN switched
 *         off or without a deployment. Those of a known model are counted.
 */
enum err admission_model(struct app *app, struct str name, uint64_t model_id,
    const struct catalogue_model **ret, struct error *e) ATTR_MUST_CHECK;

struct admission_params {
	struct uuid7 request_id;
	int64_t start_ms; /* wall clock */
	int64_t start_us; /* monotonic */
	const struct catalogue_model *model;
	struct str model_requested; /* as the client wrote it */
	uint64_t prompt_tok;        /* estimate, or counted */
	uint64_t user_id;           /* 0: the key's own */
	uint64_t agent_id;          /* 0: none */
	uint64_t connector_id;      /* 0: none */
	uint64_t hold_tok; /* the most it may use, of prompt and output */
	/* The same for what it may cost: */
	bool may_cost; /* else no budget is asked */
	uint64_t prompt_max_tok;
	uint64_t out_tok; /* of each of: */
	uint64_t n;       /* answers, >= 1 */
	struct limit_client client;
	bool is_stream;
};

/**
 * Open app->meter and take from the limits: app->take says what they say,
 * on ERR_RATE_LIMITED too. Then hold what it may cost in the key's budgets.
 * Whoever ends the request calls admission_leave().
 * @ret_out_tok  output of each answer that its budgets afford, p->out_tok at
 *               most; where nothing is held, that
 * Errors: ERR_NOT_PRICED; ERR_JOURNAL_FULL, ERR_JOURNAL_FAILED;
 *         limit_take()'s, budget_hold_take()'s. Nothing is held afterwards.
 */
enum err admission_enter(struct app *app, const struct admission_params *p,
    uint64_t *ret_out_tok, struct error *e) ATTR_MUST_CHECK;
/** An admitted request that is not forwarded after all: nothing is held
 * afterwards, and the refusal is counted. Gives code back. */
enum err admission_refuse(struct app *app, enum err code);
/** Count a refusal of a request whose model is known that came before it was
 * admitted. Gives code back. */
enum err admission_refused(struct app *app, uint64_t model_id, enum err code);
/** Whether some hard budget or balance holds for that key. */
bool admission_has_budget(const struct principal *who);
/**
 * The request is over: what it took beyond what it used is given back, all
 * of it when it was refused after all. Harmless where nothing was taken.
 * @code     how it ended
 * @metered  its settled meter
 */
void admission_leave(struct app *app, enum err code,
    const struct meter *metered);

#endif
