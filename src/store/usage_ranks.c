/* SPDX-License-Identifier: MIT */
#include "store/usage_ranks.h"

#include <stdlib.h>

#include "base/money.h"
#include "store/fields.h"
#include "store/usage.h"

const char *const rank_status_names[RANK_STATUS__N] = { "all",
	USAGE_STATUS_NAMES };

/* Which of the three a row is of; each subset has rows. */
enum {
	OF_MODEL = 1,
	OF_PROVIDER = 2,
	OF_STATUS = 4,
	SUBSETS_N = 8
};

static const struct db_field rank_fields[] = {
	DB_FIELD(struct usage_rank_sums, model_id, U64),
	DB_FIELD(struct usage_rank_sums, provider_id, U64),
	DB_FIELD_ENUM(struct usage_rank_sums, status, rank_status_names),
	DB_FIELD_ENUM(struct usage_rank_sums, period, rollup_period_names),
	DB_FIELD(struct usage_rank_sums, start_ms, TIME),
	DB_FIELD(struct usage_rank_sums, customer_id, U64),
	DB_FIELD(struct usage_rank_sums, requests, U64),
	DB_FIELD(struct usage_rank_sums, failed_requests, U64),
	DB_FIELD(struct usage_rank_sums, cost_pusd, MONEY),
	DB_FIELDS_TOK_CONTEXT(struct usage_rank_sums, tok, U64),
};
static const struct db_map rank_map = DB_MAP(struct usage_rank_sums,
    rank_fields);

/* What one row of usage adds to those of its model, provider and status. */
static struct usage_rank_sums
sums_of(const struct usage_row *u, enum rollup_period period)
{
	struct usage_rank_sums s = {
		.model_id = u->model_id,
		.provider_id = u->provider_id,
		.status = RANK_STATUS_OF + (enum rank_status)u->status,
		.period = period,
		.start_ms = rollup_start_ms(u->request_timestamp_ms, period),
		.customer_id = u->customer_id,
		.requests = 1,
		.failed_requests = usage_is_failed(u->status),
		.cost_pusd = u->cost_pusd == DB_MONEY_NULL ? 0 : u->cost_pusd,
	};

	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			s.tok[i] += u->tok[x][i];
	return s;
}

static enum err
sums_add(struct usage_rank_sums *to, const struct usage_rank_sums *s,
    struct error *e)
{
	to->requests += s->requests;
	to->failed_requests += s->failed_requests;
	for (int i = 0; i < TOK_CLASS__MAX; i++)
		to->tok[i] += s->tok[i];
	return money_add(to->cost_pusd, s->cost_pusd, &to->cost_pusd, e);
}

/* Order of the primary key. */
static int
compare(const void *pa, const void *pb)
{
	const struct usage_rank_sums *a = pa, *b = pb;

	if (a->model_id != b->model_id)
		return a->model_id < b->model_id ? -1 : 1;
	if (a->provider_id != b->provider_id)
		return a->provider_id < b->provider_id ? -1 : 1;
	if (a->status != b->status)
		return a->status < b->status ? -1 : 1;
	if (a->period != b->period)
		return a->period < b->period ? -1 : 1;
	if (a->start_ms != b->start_ms)
		return a->start_ms < b->start_ms ? -1 : 1;
	return (a->customer_id > b->customer_id) -
	       (a->customer_id < b->customer_id);
}

/* Into the order of the key, those of one key together. */
static enum err
merge(struct usage_rank_sums *sums, size_t *n, struct error *e)
{
	size_t n_all = *n;
	enum err err = OK;

	*n = 0;
	if (n_all)
		qsort(sums, n_all, sizeof(*sums), compare);
	for (size_t i = 0; i < n_all && !err; i++) {
		if (*n > 0 && compare(&sums[*n - 1], &sums[i]) == 0)
			err = sums_add(&sums[*n - 1], &sums[i], e);
		else
			sums[(*n)++] = sums[i];
	}
	return err;
}

/* @ret  room for as many as there are */
static void
add_subset(const struct usage_rank_sums *each, size_t n_each, int subset,
    struct usage_rank_sums *ret, size_t *ret_n)
{
	for (size_t i = 0; i < n_each; i++) {
		struct usage_rank_sums s = each[i];

		/* It would be of all of them. */
		if (subset & OF_PROVIDER && !s.provider_id)
			continue;
		s.model_id = subset & OF_MODEL ? s.model_id : 0;
		s.provider_id = subset & OF_PROVIDER ? s.provider_id : 0;
		s.status = subset & OF_STATUS ? s.status : RANK_STATUS_ALL;
		ret[(*ret_n)++] = s;
	}
}

/* All that rows add. Those of a batch have few models, providers and statuses:
 * what they come to of each is found first. Memory: a. */
static enum err
sum_up(const struct usage_row *rows, size_t n, struct arena *a,
    struct usage_rank_sums **ret, size_t *ret_n, struct error *e)
{
	struct usage_rank_sums *each = arena_array(a, struct usage_rank_sums,
	    ROLLUP_PERIOD__N * n);
	size_t n_each = 0;
	enum err err;

	if (!each)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++)
		for (int p = 0; p < ROLLUP_PERIOD__N; p++)
			each[n_each++] = sums_of(&rows[i],
			    (enum rollup_period)p);
	err = merge(each, &n_each, e);
	if (err)
		return err;
	*ret = arena_array(a, struct usage_rank_sums, SUBSETS_N * n_each);
	if (!*ret)
		return error_arena(e, a);
	*ret_n = 0;
	for (int subset = 0; subset < SUBSETS_N; subset++)
		add_subset(each, n_each, subset, *ret, ret_n);
	return merge(*ret, ret_n, e);
}

static enum err
add_sums(struct db *db, const struct usage_rank_sums *sums, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_RANK_ADD, &rank_map, sums, n, e);
}

static enum err
adjust_sums(struct db *db, const struct usage_rank_sums *sums, size_t n,
    struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < n && !err; i++) {
		const struct usage_rank_sums *s = &sums[i];
		uint64_t n_met = 0;

		err = db_exec(db, STMT_RANK_ADJUST,
		    DB_IN(db_money(s->cost_pusd), db_u64(s->model_id),
			db_u64(s->provider_id),
			db_str(str_from(rank_status_names[s->status])),
			db_str(str_from(rollup_period_names[s->period])),
			db_time(s->start_ms), db_u64(s->customer_id)),
		    &n_met, e);
		if (!err && n_met != 1)
			err = error_set(e, ERR_CORRUPT,
			    "usage of customer %llu is in no rank of its %s, of model %llu, provider %llu, status %s",
			    (unsigned long long)s->customer_id,
			    rollup_period_names[s->period],
			    (unsigned long long)s->model_id,
			    (unsigned long long)s->provider_id,
			    rank_status_names[s->status]);
	}
	return err;
}

typedef enum err write_fn(struct db *db, const struct usage_rank_sums *sums,
    size_t n, struct error *e);

static enum err
write_all(struct db *db, write_fn *write, const struct usage_row *rows,
    size_t n, struct arena *a, struct error *e)
{
	struct arena_mark mark = arena_mark(a);
	struct usage_rank_sums *sums;
	size_t n_sums;
	enum err err = sum_up(rows, n, a, &sums, &n_sums, e);

	if (!err)
		err = write(db, sums, n_sums, e);
	arena_rewind(a, mark);
	return err;
}

enum err
store_usage_ranks_add(struct db *db, const struct usage_row *rows, size_t n,
    struct arena *a, struct error *e)
{
	return write_all(db, add_sums, rows, n, a, e);
}

enum err
store_usage_ranks_adjust(struct db *db, const struct usage_row *rows, size_t n,
    struct arena *a, struct error *e)
{
	return write_all(db, adjust_sums, rows, n, a, e);
}
