/* SPDX-License-Identifier: MIT */
#include "store/closing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/money.h"
#include "store/fields.h"
#include "store/rollup.h"
#include "store/store_priv.h"

static const struct db_field closing_fields[] = {
	DB_FIELD(struct closing, month_ms, DAY),
	DB_FIELD(struct closing, customer_id, U64),
	DB_FIELD(struct closing, project_id, U64),
	DB_FIELD(struct closing, user_id, U64),
	DB_FIELD(struct closing, api_key_id, U64),
	DB_FIELD(struct closing, model_id, U64),
	DB_FIELD(struct closing, provider_id, U64),
	DB_FIELD(struct closing, agent_id, U64),
	DB_FIELD(struct closing, connector_id, U64),
	DB_FIELD_ENUM(struct closing, status, usage_status_names),
	DB_FIELD(struct closing, requests, U64),
	DB_FIELD(struct closing, unpriced_requests, U64),
	DB_FIELD(struct closing, estimated_requests, U64),
	DB_FIELD(struct closing, started_requests, U64),
	DB_FIELDS_TOK(struct closing, tok, U64),
	DB_FIELD(struct closing, cost_pusd, MONEY),
	DB_FIELD(struct closing, provider_cost_pusd, MONEY),
	DB_FIELD(struct closing, latency_ms, U64),
	DB_FIELD(struct closing, time_to_first_token_ms, U64),
};
static const struct db_map closing_map = DB_MAP(struct closing, closing_fields);

struct end_row {
	int64_t end_ms;
};
static const struct db_field end_fields[] = {
	DB_FIELD(struct end_row, end_ms, TIME),
};
static const struct db_map end_map = DB_MAP(struct end_row, end_fields);

enum err
store_closing_end(struct db *db, struct arena *a, int64_t *ret_ms,
    struct error *e)
{
	struct end_row row;
	enum err err = db_one(db, STMT_CLOSING_END, DB_IN_NONE, a, &end_map,
	    &row, e);

	if (!err)
		*ret_ms = row.end_ms;
	return err;
}

static const struct db_field count_fields[] = {
	DB_FIELD(struct prune_count, rows, U64),
	DB_FIELD(struct prune_count, cost_pusd, MONEY),
	DB_FIELD(struct prune_count, unpriced_rows, U64),
};
static const struct db_map count_map = DB_MAP(struct prune_count, count_fields);

enum err
store_prune_count(struct db *db, int64_t before_ms, struct arena *a,
    struct prune_count *ret, struct error *e)
{
	return db_one(db, STMT_PRUNE_COUNT, DB_IN(db_time(before_ms)), a,
	    &count_map, ret, e);
}

/* A closing of one row. */
static struct closing
closing_of(const struct rated_usage *u)
{
	struct closing c = {
		.month_ms = rollup_start_ms(u->request_timestamp_ms,
		    ROLLUP_MONTH),
		.customer_id = u->customer_id,
		.project_id = u->project_id,
		.user_id = u->user_id,
		.api_key_id = u->api_key_id,
		.model_id = u->model_id,
		.provider_id = u->provider_id,
		.agent_id = u->agent_id,
		.connector_id = u->connector_id,
		.status = u->status,
		.requests = 1,
		.unpriced_requests = u->cost_pusd == DB_MONEY_NULL,
		.estimated_requests = u->usage_source == USAGE_FROM_ESTIMATE,
		.started_requests = u->time_to_first_token_ms >= 0,
		.latency_ms = u->latency_ms,
	};

	memcpy(c.tok, u->tok, sizeof(c.tok));
	if (u->cost_pusd != DB_MONEY_NULL)
		c.cost_pusd = u->cost_pusd;
	if (u->provider_cost_pusd != DB_MONEY_NULL)
		c.provider_cost_pusd = u->provider_cost_pusd;
	if (u->time_to_first_token_ms >= 0)
		c.time_to_first_token_ms = (uint64_t)u->time_to_first_token_ms;
	return c;
}

static enum err
closing_add(struct closing *to, const struct closing *c, struct error *e)
{
	enum err err = money_add(to->cost_pusd, c->cost_pusd, &to->cost_pusd,
	    e);

	to->requests += c->requests;
	to->unpriced_requests += c->unpriced_requests;
	to->estimated_requests += c->estimated_requests;
	to->started_requests += c->started_requests;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			to->tok[x][i] += c->tok[x][i];
	to->latency_ms += c->latency_ms;
	to->time_to_first_token_ms += c->time_to_first_token_ms;
	return err ? err
		   : money_add(to->provider_cost_pusd, c->provider_cost_pusd,
			 &to->provider_cost_pusd, e);
}

static int
closing_compare(const void *pa, const void *pb)
{
	const struct closing *a = pa, *b = pb;
	const uint64_t ka[] = { a->customer_id, (uint64_t)a->month_ms,
		a->project_id, a->user_id, a->api_key_id, a->model_id,
		a->provider_id, a->agent_id, a->connector_id, a->status };
	const uint64_t kb[] = { b->customer_id, (uint64_t)b->month_ms,
		b->project_id, b->user_id, b->api_key_id, b->model_id,
		b->provider_id, b->agent_id, b->connector_id, b->status };

	for (size_t i = 0; i < ARRAY_LEN(ka); i++)
		if (ka[i] != kb[i])
			return ka[i] < kb[i] ? -1 : 1;
	return 0;
}

struct step {
	struct arena *a;
	int64_t before_ms;
	uint64_t after;
	/* out */
	size_t n;
	uint64_t last;
};

static enum err
close_rows(struct db *db, struct step *s, const struct rated_usage *rows,
    struct error *e)
{
	struct closing *all = arena_array(s->a, struct closing, s->n);
	size_t n = 0;
	enum err err = OK;

	if (!all)
		return error_arena(e, s->a);
	for (size_t i = 0; i < s->n; i++)
		all[i] = closing_of(&rows[i]);
	qsort(all, s->n, sizeof(*all), closing_compare);
	for (size_t i = 0; i < s->n && !err; i++) {
		if (n > 0 && closing_compare(&all[n - 1], &all[i]) == 0)
			err = closing_add(&all[n - 1], &all[i], e);
		else
			all[n++] = all[i];
	}
	return err ? err
		   : db_bulk(db, STMT_CLOSING_ADD, &closing_map, all, n, e);
}

/*
 * Rows and adjustments are never changed, only added: so what is deleted is
 * what was read if it is as many. Else another one was committed in between,
 * and everything is rolled back.
 */
static enum err
delete_rows(struct db *db, const struct step *s, const struct rated_usage *rows,
    struct error *e)
{
	struct db_in in = DB_IN(db_u64(rows[0].usage_id), db_u64(s->last),
	    db_time(s->before_ms));
	uint64_t n_adjustments = 0, n_gone = 0, n_rows = 0;
	enum err err = db_exec(db, STMT_PRUNE_ADJUSTMENTS, in, &n_gone, e);

	for (size_t i = 0; i < s->n; i++)
		n_adjustments += rows[i].n_adjustments;
	if (!err)
		err = db_exec(db, STMT_PRUNE_ROWS, in, &n_rows, e);
	if (!err && (n_rows != s->n || n_gone != n_adjustments))
		return error_set(e, ERR_DB_RETRY,
		    "usage was added while it was pruned");
	return err;
}

static enum err
step_txn(struct db *db, void *arg, struct error *e)
{
	struct step *s = arg;
	struct rated_filter f = { .from_ms = 1, .to_ms = s->before_ms };
	struct arena_mark mark = arena_mark(s->a);
	struct rated_usage *rows;
	enum err err = store_rated_list(db, &f, s->after, CLOSING_ROWS_MAX,
	    s->a, &rows, &s->n, e);

	if (!err && s->n > 0) {
		s->last = rows[s->n - 1].usage_id;
		err = close_rows(db, s, rows, e);
		if (!err)
			err = delete_rows(db, s, rows, e);
	}
	arena_rewind(s->a, mark);
	return err;
}

enum err
store_prune_step(struct db *db, int64_t before_ms, uint64_t *after,
    struct arena *a, size_t *ret_n, struct error *e)
{
	struct step s = { .a = a, .before_ms = before_ms, .after = *after };
	enum err err = db_txn(db, step_txn, &s, e);

	if (err)
		return err;
	if (s.n > 0)
		*after = s.last;
	*ret_n = s.n;
	return OK;
}

enum err
store_closing_page(struct db *db, uint64_t customer_id,
    const struct closing *after, uint64_t limit, struct arena *a,
    struct closing **ret, size_t *ret_n, struct error *e)
{
	/* 0 would be NULL, and no month is as early as this one. */
	static const struct closing first = { .month_ms = DAY_MS };
	const struct closing *c = after ? after : &first;
	uint64_t status = after ? (uint64_t)c->status + 1 : 0;

	return db_all(db, STMT_CLOSING_PAGE,
	    DB_IN(db_u64(customer_id), DB_TWICE(db_day(c->month_ms)),
		DB_TWICE(db_u64(c->project_id)), DB_TWICE(db_u64(c->user_id)),
		DB_TWICE(db_u64(c->api_key_id)), DB_TWICE(db_u64(c->model_id)),
		DB_TWICE(db_u64(c->provider_id)), DB_TWICE(db_u64(c->agent_id)),
		DB_TWICE(db_u64(c->connector_id)), db_u64(status),
		db_u64(limit)),
	    a, &closing_map, ret, ret_n, e);
}
