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
	struct rollup_hour *hours; /* with the changes as their sums */
	struct rollup_day *days;
	struct ledger_change *posts;
	size_t n, n_hours, n_days, n_posts;
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

/* Sorted by key, equal keys added up. */
static enum err
make_hours(struct booking *b, struct error *e)
{
	enum err err = OK;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct usage_row u = usage_of(&b->rows[i].usage);

		rollup_hour_of(&u, &b->hours[i]);
		b->hours[i].sums = sums_of(&b->rows[i]);
	}
	qsort(b->hours, b->n, sizeof(*b->hours), rollup_hour_compare);
	for (size_t i = 0; i < b->n && !err; i++) {
		struct rollup_hour *last = n ? &b->hours[n - 1] : NULL;

		if (last && rollup_hour_compare(last, &b->hours[i]) == 0)
			err = sums_add(&last->sums, &b->hours[i].sums, e);
		else
			b->hours[n++] = b->hours[i];
	}
	b->n_hours = n;
	return err;
}

static enum err
make_days(struct booking *b, struct error *e)
{
	enum err err = OK;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct usage_row u = usage_of(&b->rows[i].usage);

		rollup_day_of(&u, &b->days[i]);
		b->days[i].sums = sums_of(&b->rows[i]);
	}
	qsort(b->days, b->n, sizeof(*b->days), rollup_day_compare);
	for (size_t i = 0; i < b->n && !err; i++) {
		struct rollup_day *last = n ? &b->days[n - 1] : NULL;

		if (last && rollup_day_compare(last, &b->days[i]) == 0)
			err = sums_add(&last->sums, &b->days[i].sums, e);
		else
			b->days[n++] = b->days[i];
	}
	b->n_days = n;
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
update_hours(struct db *db, const struct booking *b, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < b->n_hours && !err; i++) {
		const struct rollup_hour *h = &b->hours[i];
		uint64_t n_met;

		err = db_exec(db, STMT_ADJUSTMENT_HOUR,
		    DB_IN(db_money(h->sums.cost_pusd),
			db_money(h->sums.provider_cost_pusd),
			db_u64(h->sums.unpriced_requests),
			db_u64(h->customer_id), db_time(h->hour_ms),
			db_u64(h->project_id), db_u64(h->user_id),
			db_u64(h->api_key_id), db_u64(h->model_id),
			db_u64(h->provider_id), db_u64(h->agent_id),
			db_u64(h->connector_id),
			db_str(str_from(usage_status_names[h->status]))),
		    &n_met, e);
		if (!err && n_met != 1)
			err = error_set(e, ERR_CORRUPT,
			    "usage of customer %llu is not in usage_hourly",
			    (unsigned long long)h->customer_id);
	}
	return err;
}

static enum err
update_days(struct db *db, const struct booking *b, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < b->n_days && !err; i++) {
		const struct rollup_day *d = &b->days[i];
		uint64_t n_met;

		err = db_exec(db, STMT_ADJUSTMENT_DAY,
		    DB_IN(db_money(d->sums.cost_pusd),
			db_money(d->sums.provider_cost_pusd),
			db_u64(d->sums.unpriced_requests),
			db_u64(d->customer_id), db_day(d->day_ms),
			db_u64(d->api_key_id), db_u64(d->model_id)),
		    &n_met, e);
		if (!err && n_met != 1)
			err = error_set(e, ERR_CORRUPT,
			    "usage of customer %llu is not in usage_daily",
			    (unsigned long long)d->customer_id);
	}
	return err;
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
		err = update_hours(db, b, e);
	if (!err)
		err = update_days(db, b, e);
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
		.hours = arena_array(a, struct rollup_hour, n),
		.days = arena_array(a, struct rollup_day, n),
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
	err = make_hours(&b, e);
	if (!err)
		err = make_days(&b, e);
	if (!err)
		err = make_posts(&b, e);
	return err ? err : db_atomic(db, book_txn, &b, e);
}
