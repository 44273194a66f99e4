/* SPDX-License-Identifier: MIT */
#include "domain/rerate.h"

#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/budget_move.h"
#include "domain/price.h"
#include "store/closing.h"
#include "store/ledger.h"
#include "store/price.h"

#define BATCH_ROWS    1000
#define BATCH_BYTES   MIB(16)
#define MODELS_MAX    4096
#define CONFLICTS_MAX 10 /* of one batch */

/* A model and all versions of its price. */
struct model_prices {
	uint64_t model_id;
	struct price *versions;
	size_t n;
};

struct run {
	struct db *db;
	const struct rerate_options *opt;
	struct arena *a;     /* prices and result */
	struct arena *batch; /* of one batch */
	struct model_prices *prices;
	struct rerate_model *models; /* in step with prices */
	struct rerate_model *saved;
	size_t n_models;
	uint64_t after;
};

/* Index of a model; its prices are read when it first appears. */
static enum err
model_index(struct run *r, uint64_t model_id, size_t *ret, struct error *e)
{
	struct model_prices *m;

	for (size_t i = 0; i < r->n_models; i++) {
		if (r->models[i].model_id == model_id) {
			*ret = i;
			return OK;
		}
	}
	if (r->n_models == MODELS_MAX)
		return error_set(e, ERR_TOO_LARGE,
		    "usage of more than %d models: name one", MODELS_MAX);
	m = &r->prices[r->n_models];
	m->model_id = model_id;
	r->models[r->n_models] = (struct rerate_model){ .model_id = model_id };
	*ret = r->n_models++;
	return store_price_list(r->db, model_id, r->a, &m->versions, &m->n, e);
}

/* The cost by the version in force; false: it is the one that is valid. */
static enum err
rate(const struct rated_usage *u, const struct price *p, struct adjustment *ret,
    bool *ret_differs, struct error *e)
{
	struct tokens t;
	struct cost cost;
	enum err err;

	*ret_differs = false;
	if (u->cost_pusd != DB_MONEY_NULL &&
	    u->price_version_id == p->price_version_id)
		return OK;
	memcpy(t.tok, u->tok, sizeof(t.tok));
	err = u->origin == USAGE_API
		  ? price_reported(p, &t, u->status, u->markup_ppm, &cost, e)
		  : price_charge(p, &t, u->markup_ppm, &cost, e);
	if (err)
		return error_prefix(e, "usage %llu",
		    (unsigned long long)u->usage_id);
	*ret = (struct adjustment){ u, p->price_version_id, cost.charged_pusd,
		cost.provider_pusd };
	*ret_differs = u->cost_pusd != cost.charged_pusd ||
		       u->provider_cost_pusd != cost.provider_pusd;
	return OK;
}

static enum err
tally(struct rerate_model *m, const struct adjustment *x, struct error *e)
{
	const struct rated_usage *u = x->usage;
	int64_t was = u->cost_pusd, was_provider = u->provider_cost_pusd;
	int64_t change;
	enum err err;

	m->changed++;
	m->priced += was == DB_MONEY_NULL;
	err = money_sub(x->cost_pusd, was == DB_MONEY_NULL ? 0 : was, &change,
	    e);
	if (!err)
		err = money_add(m->change_pusd, change, &m->change_pusd, e);
	if (!err)
		err = money_sub(x->provider_cost_pusd,
		    was_provider == DB_MONEY_NULL ? 0 : was_provider, &change,
		    e);
	return err ? err
		   : money_add(m->change_provider_pusd, change,
			 &m->change_provider_pusd, e);
}

static enum err
rate_rows(struct run *r, const struct rated_usage *rows, size_t n,
    struct adjustment *out, size_t *ret_n, struct error *e)
{
	size_t n_out = 0;

	for (size_t i = 0; i < n; i++) {
		const struct price *p;
		bool differs = false;
		size_t m = 0;
		enum err err = model_index(r, rows[i].model_id, &m, e);

		if (err)
			return err;
		r->models[m].requests++;
		p = price_at(r->prices[m].versions, r->prices[m].n,
		    rows[i].request_timestamp_ms);
		if (!p) {
			r->models[m].unpriced += rows[i].cost_pusd ==
						 DB_MONEY_NULL;
			continue;
		}
		err = rate(&rows[i], p, &out[n_out], &differs, e);
		if (!err && differs)
			err = tally(&r->models[m], &out[n_out++], e);
		if (err)
			return err;
	}
	*ret_n = n_out;
	return OK;
}

/* What one transaction books. */
struct booking {
	const struct adjustment *changes;
	size_t n;
	struct arena *a;
};

static enum err
make_events(const struct booking *b, struct budget_event *v, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < b->n && !err; i++) {
		const struct rated_usage *u = b->changes[i].usage;
		int64_t was = u->cost_pusd == DB_MONEY_NULL ? 0 : u->cost_pusd;

		v[i] = (struct budget_event){
			.customer_id = u->customer_id,
			.project_id = u->project_id,
			.api_key_id = u->api_key_id,
			.time_ms = u->request_timestamp_ms,
		};
		err = money_sub(b->changes[i].cost_pusd, was, &v[i].change_pusd,
		    e);
	}
	return err;
}

/* db_txn_fn. Changes that add up to nothing book no transfer, so customers are
 * locked here. */
static enum err
book(struct db *db, void *arg, struct error *e)
{
	const struct booking *b = arg;
	struct budget_event *v = arena_array(b->a, struct budget_event, b->n);
	uint64_t locked = 0;
	enum err err = store_adjust(db, b->changes, b->n, b->a, e);

	if (!err && !v)
		return error_arena(e, b->a);
	if (!err)
		err = make_events(b, v, e);
	for (size_t i = 0; i < b->n && !err; i++)
		if (v[i].customer_id != locked) {
			locked = v[i].customer_id;
			err = store_ledger_lock(db, locked, e);
		}
	return err ? err : budget_move(db, v, b->n, b->a, e);
}

static enum err
run_batch(struct run *r, size_t *ret_n, struct error *e)
{
	struct rated_usage *rows;
	struct adjustment *changes;
	size_t n = 0, n_changes = 0;
	enum err err = store_rated_list(r->db, &r->opt->filter, r->after,
	    BATCH_ROWS, r->batch, &rows, &n, e);

	*ret_n = n;
	if (err || n == 0)
		return err;
	changes = arena_array(r->batch, struct adjustment, n);
	if (!changes)
		return error_arena(e, r->batch);
	err = rate_rows(r, rows, n, changes, &n_changes, e);
	if (!err && n_changes > 0 && !r->opt->is_dry)
		err = db_txn(r->db, book,
		    &(struct booking){ changes, n_changes, r->batch }, e);
	if (!err)
		r->after = rows[n - 1].usage_id;
	return err;
}

/* Somebody else may rate the same rows: then look at them again. */
static enum err
run_all(struct run *r, struct error *e)
{
	unsigned conflicts = 0;
	size_t n = 1;
	enum err err = OK;

	while (!err && n > 0) {
		size_t n_saved = r->n_models;

		memcpy(r->saved, r->models, n_saved * sizeof(*r->saved));
		err = run_batch(r, &n, e);
		arena_reset(r->batch);
		if (err == ERR_CONFLICT && conflicts++ < CONFLICTS_MAX) {
			memcpy(r->models, r->saved,
			    n_saved * sizeof(*r->saved));
			r->n_models = n_saved;
			err = OK;
		} else {
			conflicts = 0;
		}
	}
	return err;
}

static enum err
check_open(struct run *r, struct error *e)
{
	char text[CLOCK_TEXT_BYTES];
	int64_t end_ms;
	enum err err = store_closing_end(r->db, r->a, &end_ms, e);

	if (err || r->opt->filter.from_ms >= end_ms)
		return err;
	clock_format(end_ms, text);
	return error_set(e, ERR_BAD_PARAM,
	    "usage before %s is closed: its rows are pruned", text);
}

enum err
rerate_run(struct db *db, const struct rerate_options *opt, struct arena *a,
    struct rerate_result *ret, struct error *e)
{
	struct arena batch;
	struct run r = {
		.db = db,
		.opt = opt,
		.a = a,
		.batch = &batch,
		.prices = arena_array(a, struct model_prices, MODELS_MAX),
		.models = arena_array(a, struct rerate_model, MODELS_MAX),
		.saved = arena_array(a, struct rerate_model, MODELS_MAX),
	};
	enum err err;

	if (!r.prices || !r.models || !r.saved)
		return error_arena(e, a);
	err = check_open(&r, e);
	if (err)
		return err;
	arena_init(&batch, BATCH_BYTES);
	err = run_all(&r, e);
	arena_fini(&batch);
	*ret = (struct rerate_result){ r.models, r.n_models };
	return err;
}
