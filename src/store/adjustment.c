/* SPDX-License-Identifier: MIT */
#include "store/adjustment.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "store/fields.h"
#include "store/ledger.h"
#include "store/rollup.h"
#include "store/usage.h"
#include "store/usage_ranks.h"

static const struct db_field rated_fields[] = {
	DB_FIELD(struct rated_usage, usage_id, U64),
	DB_FIELD(struct rated_usage, request_timestamp_ms, TIME),
	DB_FIELD(struct rated_usage, customer_id, U64),
	DB_FIELD(struct rated_usage, project_id, ID),
	DB_FIELD(struct rated_usage, user_id, U64),
	DB_FIELD(struct rated_usage, api_key_id, U64),
	DB_FIELD(struct rated_usage, model_id, U64),
	DB_FIELD(struct rated_usage, provider_id, ID),
	DB_FIELD(struct rated_usage, agent_id, ID),
	DB_FIELD(struct rated_usage, connector_id, ID),
	DB_FIELD_ENUM(struct rated_usage, status, usage_status_names),
	DB_FIELD_ENUM(struct rated_usage, usage_source, usage_source_names),
	DB_FIELD_ENUM(struct rated_usage, origin, usage_origin_names),
	DB_FIELDS_TOK(struct rated_usage, tok, U64),
	DB_FIELD(struct rated_usage, latency_ms, U64),
	DB_FIELD(struct rated_usage, time_to_first_token_ms, OPT),
	DB_FIELD(struct rated_usage, markup_ppm, PPM),
	DB_FIELD(struct rated_usage, cost_pusd, MONEY),
	DB_FIELD(struct rated_usage, provider_cost_pusd, MONEY),
	DB_FIELD(struct rated_usage, price_version_id, ID),
	DB_FIELD(struct rated_usage, n_adjustments, U64),
};
static const struct db_map rated_map = DB_MAP(struct rated_usage, rated_fields);

enum err
store_rated_list(struct db *db, const struct rated_filter *f, uint64_t after,
    uint64_t limit, struct arena *a, struct rated_usage **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_USAGE_RATED_LIST,
	    DB_IN(db_u64(after), db_time(f->from_ms), db_time(f->to_ms),
		db_u64(f->model_id), db_u64(f->model_id), db_u64(limit)),
	    a, &rated_map, ret, ret_n, e);
}

/* A row of the table. */
struct adjustment_row {
	struct rated_usage usage;
	uint64_t ordinal;
	uint64_t price_version_id;
	int64_t cost_pusd, provider_cost_pusd;
	int64_t change_pusd, change_provider_pusd;
	bool was_unpriced;
};
static const struct db_field row_fields[] = {
	DB_FIELD(struct adjustment_row, usage.usage_id, U64),
	DB_FIELD(struct adjustment_row, ordinal, U64),
	DB_FIELD(struct adjustment_row, usage.request_timestamp_ms, TIME),
	DB_FIELD(struct adjustment_row, usage.customer_id, U64),
	DB_FIELD(struct adjustment_row, usage.project_id, ID),
	DB_FIELD(struct adjustment_row, usage.user_id, U64),
	DB_FIELD(struct adjustment_row, usage.api_key_id, U64),
	DB_FIELD(struct adjustment_row, usage.model_id, U64),
	DB_FIELD(struct adjustment_row, usage.provider_id, ID),
	DB_FIELD(struct adjustment_row, usage.agent_id, ID),
	DB_FIELD(struct adjustment_row, usage.connector_id, ID),
	DB_FIELD_ENUM(struct adjustment_row, usage.status, usage_status_names),
	DB_FIELD(struct adjustment_row, cost_pusd, MONEY),
	DB_FIELD(struct adjustment_row, provider_cost_pusd, MONEY),
	DB_FIELD(struct adjustment_row, change_pusd, MONEY),
	DB_FIELD(struct adjustment_row, change_provider_pusd, MONEY),
	DB_FIELD(struct adjustment_row, was_unpriced, BOOL),
	DB_FIELD(struct adjustment_row, price_version_id, U64),
};
static const struct db_map row_map = DB_MAP(struct adjustment_row, row_fields);

/* What one transaction writes: made before it, so it can run again. */
struct booking {
	struct arena *a;
	struct adjustment_row *rows;
	struct ledger_change *posts;
	size_t n, n_posts;
};

/* What is unknown is nothing to be taken back. */
static int64_t
known(int64_t pusd)
{
	return pusd == DB_MONEY_NULL ? 0 : pusd;
}

static enum err
make_row(const struct adjustment *from, struct adjustment_row *ret,
    struct error *e)
{
	const struct rated_usage *u = from->usage;
	enum err err;

	*ret = (struct adjustment_row){ .usage = *u,
		.ordinal = u->n_adjustments + 1,
		.price_version_id = from->price_version_id,
		.cost_pusd = from->cost_pusd,
		.provider_cost_pusd = from->provider_cost_pusd,
		.was_unpriced = u->cost_pusd == DB_MONEY_NULL };
	err = money_sub(from->cost_pusd, known(u->cost_pusd), &ret->change_pusd,
	    e);
	return err ? err
		   : money_sub(from->provider_cost_pusd,
			 known(u->provider_cost_pusd),
			 &ret->change_provider_pusd, e);
}

/* The row's changes as sums of a rollup. */
static struct rollup_sums
sums_of(const struct adjustment_row *r)
{
	return (struct rollup_sums){ .unpriced_requests = r->was_unpriced,
		.cost_pusd = r->change_pusd,
		.provider_cost_pusd = r->change_provider_pusd };
}

static enum err
sums_add(struct rollup_sums *to, const struct rollup_sums *s, struct error *e)
{
	enum err err = money_add(to->cost_pusd, s->cost_pusd, &to->cost_pusd,
	    e);

	to->unpriced_requests += s->unpriced_requests;
	return err ? err
		   : money_add(to->provider_cost_pusd, s->provider_cost_pusd,
			 &to->provider_cost_pusd, e);
}

/* The members that rollups are keyed by. */
static struct usage_row
usage_of(const struct rated_usage *u)
{
	return (struct usage_row){
		.request_timestamp_ms = u->request_timestamp_ms,
		.customer_id = u->customer_id,
		.project_id = u->project_id,
		.user_id = u->user_id,
		.api_key_id = u->api_key_id,
		.model_id = u->model_id,
		.provider_id = u->provider_id,
		.agent_id = u->agent_id,
		.connector_id = u->connector_id,
		.status = u->status,
	};
}

/* The changes of one rollup: sorted by key, equal keys added up. */
static enum err
make_changes(const struct booking *b, enum rollup_scope scope,
    enum rollup_period period, struct rollup *ret, size_t *ret_n,
    struct error *e)
{
	enum err err = OK;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct usage_row u = usage_of(&b->rows[i].usage);

		rollup_of(&u, scope, period, &ret[i]);
		ret[i].sums = sums_of(&b->rows[i]);
	}
	qsort(ret, b->n, sizeof(*ret), rollup_compare);
	for (size_t i = 0; i < b->n && !err; i++) {
		if (n > 0 && rollup_compare(&ret[n - 1], &ret[i]) == 0)
			err = sums_add(&ret[n - 1].sums, &ret[i].sums, e);
		else
			ret[n++] = ret[i];
	}
	*ret_n = n;
	return err;
}

/* customer, usage_id and ordinal of the first of the customer's adjustments:
 * two transfers can't have the same, for two adjustments can't. */
#define CAUSE_BYTES 24

static struct str
cause_of(const struct adjustment_row *r, struct arena *a)
{
	uint64_t parts[CAUSE_BYTES / 8] = { r->usage.customer_id,
		r->usage.usage_id, r->ordinal };
	uint8_t *p = arena_alloc(a, CAUSE_BYTES);

	for (size_t i = 0; p && i < CAUSE_BYTES; i++)
		p[i] = (uint8_t)(parts[i / 8] >> (56 - 8 * (i % 8)));
	return str_make((const char *)p, p ? CAUSE_BYTES : 0);
}

static int
row_compare(const void *pa, const void *pb)
{
	const struct adjustment_row *a = pa, *b = pb;

	if (a->usage.customer_id != b->usage.customer_id)
		return a->usage.customer_id < b->usage.customer_id ? -1 : 1;
	return (a->usage.usage_id > b->usage.usage_id) -
	       (a->usage.usage_id < b->usage.usage_id);
}

/* Rows are sorted by customer. */
static enum err
make_posts(struct booking *b, struct error *e)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct adjustment_row *r = &b->rows[i];
		struct ledger_change *last = n ? &b->posts[n - 1] : NULL;
		enum err err;

		if (!last || last->customer_id != r->usage.customer_id) {
			b->posts[n++] = (struct ledger_change){
				.customer_id = r->usage.customer_id,
				.amount_pusd = r->change_pusd,
				.cause = cause_of(r, b->a),
			};
			continue;
		}
		err = money_add(last->amount_pusd, r->change_pusd,
		    &last->amount_pusd, e);
		if (err)
			return err;
	}
	b->n_posts = n;
	return b->a->sticky ? error_arena(e, b->a) : OK;
}

static enum err
update_one(struct db *db, enum rollup_scope scope, const struct rollup *r,
    struct error *e)
{
	static const enum stmt full[ROLLUP_PERIOD__N] = { STMT_ADJUSTMENT_HOUR,
		STMT_ADJUSTMENT_DAY, STMT_ADJUSTMENT_MONTH };
	struct db_val status = db_str(str_from(usage_status_names[r->status]));
	uint64_t n_met = 0;
	enum err err;

	if (scope == ROLLUP_FULL)
		err = db_exec(db, full[r->period],
		    DB_IN(db_money(r->sums.cost_pusd),
			db_money(r->sums.provider_cost_pusd),
			db_u64(r->sums.unpriced_requests),
			db_u64(r->customer_id),
			r->period == ROLLUP_HOUR ? db_time(r->start_ms)
						 : db_day(r->start_ms),
			db_u64(r->project_id), db_u64(r->user_id),
			db_u64(r->api_key_id), db_u64(r->model_id),
			db_u64(r->provider_id), db_u64(r->agent_id),
			db_u64(r->connector_id), status),
		    &n_met, e);
	else if (scope == ROLLUP_OF_CALLER)
		err = db_exec(db, STMT_ADJUSTMENT_CALLER,
		    DB_IN(db_money(r->sums.cost_pusd),
			db_money(r->sums.provider_cost_pusd),
			db_u64(r->sums.unpriced_requests),
			db_str(str_from(rollup_period_names[r->period])),
			db_day(r->start_ms), db_u64(r->customer_id),
			db_u64(r->project_id), db_u64(r->user_id),
			db_u64(r->api_key_id), db_u64(r->agent_id),
			db_u64(r->connector_id)),
		    &n_met, e);
	else if (scope == ROLLUP_ALL_OF_CUSTOMER ||
		 scope == ROLLUP_ALL_OF_EVERYBODY)
		err = db_exec(db, STMT_ADJUSTMENT_ALL,
		    DB_IN(db_money(r->sums.cost_pusd),
			db_money(r->sums.provider_cost_pusd),
			db_u64(r->sums.unpriced_requests),
			db_u64(r->customer_id),
			db_str(str_from(rollup_period_names[r->period])),
			db_time(r->start_ms)),
		    &n_met, e);
	else
		err = db_exec(db, STMT_ADJUSTMENT_TOTAL,
		    DB_IN(db_money(r->sums.cost_pusd),
			db_money(r->sums.provider_cost_pusd),
			db_u64(r->sums.unpriced_requests),
			db_u64(r->customer_id),
			db_str(str_from(rollup_period_names[r->period])),
			db_time(r->start_ms), db_u64(r->model_id),
			db_u64(r->provider_id), status),
		    &n_met, e);
	if (!err && n_met != 1)
		err = error_set(e, ERR_CORRUPT,
		    "usage of customer %llu is in no sum of its %s",
		    (unsigned long long)r->customer_id,
		    rollup_period_names[r->period]);
	return err;
}

static enum err
update_ranks(struct db *db, const struct booking *b, struct error *e)
{
	struct usage_row *rows = arena_array(b->a, struct usage_row, b->n);

	if (!rows)
		return error_arena(e, b->a);
	for (size_t i = 0; i < b->n; i++) {
		rows[i] = usage_of(&b->rows[i].usage);
		rows[i].cost_pusd = b->rows[i].change_pusd;
	}
	return store_usage_ranks_adjust(db, rows, b->n, b->a, e);
}

static enum err
update_rollups(struct db *db, const struct booking *b, struct error *e)
{
	struct rollup *changes = arena_array(b->a, struct rollup, b->n);
	enum err err = OK;
	size_t n;

	if (!changes)
		return error_arena(e, b->a);
	for (int scope = 0; scope < ROLLUP_SCOPE__N; scope++) {
		if (scope == ROLLUP_OF_CUSTOMER)
			err = update_ranks(db, b, e);
		if (err)
			return err;
		for (int period = 0; period < ROLLUP_PERIOD__N; period++) {
			if (!rollup_has((enum rollup_scope)scope,
				(enum rollup_period)period))
				continue;
			err = make_changes(b, (enum rollup_scope)scope,
			    (enum rollup_period)period, changes, &n, e);
			for (size_t i = 0; i < n && !err; i++)
				err = update_one(db, (enum rollup_scope)scope,
				    &changes[i], e);
			if (err)
				return err;
		}
	}
	return OK;
}

/* Tables in the flusher's order, so that neither waits for the other. */
static enum err
book_txn(struct db *db, void *arg, struct error *e)
{
	struct booking *b = arg;
	struct arena_mark mark = arena_mark(b->a);
	enum err err = db_bulk(db, STMT_ADJUSTMENT_INSERT, &row_map, b->rows,
	    b->n, e);

	if (!err)
		err = update_rollups(db, b, e);
	if (!err)
		err = store_ledger_adjust(db, b->posts, b->n_posts, b->a, e);
	arena_rewind(b->a, mark);
	return err;
}

enum err
store_adjust(struct db *db, const struct adjustment *rows, size_t n,
    struct arena *a, struct error *e)
{
	struct booking b = {
		.a = a,
		.rows = arena_array(a, struct adjustment_row, n),
		.posts = arena_array(a, struct ledger_change, n),
		.n = n,
	};
	enum err err = OK;

	if (a->sticky)
		return error_arena(e, a);
	for (size_t i = 0; i < n && !err; i++)
		err = make_row(&rows[i], &b.rows[i], e);
	if (err)
		return err;
	qsort(b.rows, n, sizeof(*b.rows), row_compare);
	err = make_posts(&b, e);
	return err ? err : db_atomic(db, book_txn, &b, e);
}
