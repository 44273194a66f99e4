/* SPDX-License-Identifier: MIT */
#include "store/budget.h"

#include "store/store_priv.h"

const char *const budget_scope_names[BUDGET_SCOPE__N] = { "customer", "project",
	"key", "balance" };
const char *const budget_kind_names[BUDGET_KIND__N] = { "hard", "soft" };
const char *const budget_period_names[BUDGET_PERIOD__N] = { "day", "week",
	"month", "total" };

#define BUDGET_FIELDS                                                 \
 DB_FIELD(struct budget, budget_id, U64),                             \
     DB_FIELD(struct budget, customer_id, U64),                       \
     DB_FIELD_ENUM(struct budget, scope, budget_scope_names),         \
     DB_FIELD(struct budget, scope_id, U64),                          \
     DB_FIELD(struct budget, project_id, ID),                         \
     DB_FIELD(struct budget, api_key_id, ID),                         \
     DB_FIELD_ENUM(struct budget, terms.kind, budget_kind_names),     \
     DB_FIELD_ENUM(struct budget, terms.period, budget_period_names), \
     DB_FIELD(struct budget, terms.amount_pusd, MONEY),               \
     DB_FIELD(struct budget, terms.notify, STR)

static const struct db_field budget_fields[] = { BUDGET_FIELDS };
static const struct db_map budget_map = DB_MAP(struct budget, budget_fields);

static const struct db_field spent_fields[] = {
	BUDGET_FIELDS,
	DB_FIELD(struct budget, spent_pusd, MONEY),
};
static const struct db_map spent_map = DB_MAP(struct budget, spent_fields);

static struct db_val
name(const char *text)
{
	return db_str(str_from(text));
}

enum err
store_budget_insert(struct db *db, const struct budget *b, uint64_t *ret_id,
    struct error *e)
{
	return db_insert(db, STMT_BUDGET_INSERT,
	    DB_IN(db_u64(b->customer_id), name(budget_scope_names[b->scope]),
		db_u64(b->scope_id), db_id(b->project_id), db_id(b->api_key_id),
		name(budget_kind_names[b->terms.kind]),
		name(budget_period_names[b->terms.period]),
		db_money(b->terms.amount_pusd), db_str(b->terms.notify)),
	    ret_id, e);
}

enum err
store_budget_update(struct db *db, const struct budget *b, struct error *e)
{
	return db_exec(db, STMT_BUDGET_UPDATE,
	    DB_IN(name(budget_kind_names[b->terms.kind]),
		db_money(b->terms.amount_pusd), db_str(b->terms.notify),
		db_u64(b->budget_id)),
	    NULL, e);
}

enum err
store_budget_delete(struct db *db, enum budget_scope scope, uint64_t scope_id,
    struct error *e)
{
	return db_exec(db, STMT_BUDGET_DELETE,
	    DB_IN(name(budget_scope_names[scope]), db_u64(scope_id)), NULL, e);
}

enum err
store_budget_credit(struct db *db, uint64_t customer_id, int64_t amount_pusd,
    struct error *e)
{
	return db_exec(db, STMT_BUDGET_ADD_CREDIT,
	    DB_IN(db_money(amount_pusd), db_u64(customer_id)), NULL, e);
}

enum err
store_budget_by_id(struct db *db, uint64_t customer_id, uint64_t budget_id,
    struct arena *a, struct budget *ret, struct error *e)
{
	return db_one(db, STMT_BUDGET_BY_ID,
	    DB_IN(db_u64(budget_id), db_u64(customer_id)), a, &budget_map, ret,
	    e);
}

enum err
store_budget_of_scope(struct db *db, uint64_t customer_id,
    enum budget_scope scope, uint64_t scope_id, struct arena *a,
    struct budget *ret, struct error *e)
{
	return db_one(db, STMT_BUDGET_OF_SCOPE,
	    DB_IN(name(budget_scope_names[scope]), db_u64(scope_id),
		db_u64(customer_id)),
	    a, &budget_map, ret, e);
}

/* The statement has a fixed number of parameters, and nothing has the id 0. */
static void
put_ids(struct db_val *to, size_t n_to, const uint64_t *ids, size_t n)
{
	ASSERT(n <= n_to);
	for (size_t i = 0; i < n_to; i++)
		to[i] = db_u64(i < n ? ids[i] : 0);
}

enum err
store_budget_for_usage(struct db *db, const struct budget_usage *u,
    struct arena *a, struct budget **ret, size_t *ret_n, struct error *e)
{
	struct db_val v[3 + BUDGET_USAGE_PROJECTS + BUDGET_USAGE_KEYS];
	struct db_val *keys = v + 3 + BUDGET_USAGE_PROJECTS;

	v[0] = db_u64(u->is_whole ? u->customer_id : 0);
	v[1] = db_u64(u->customer_id);
	put_ids(v + 2, BUDGET_USAGE_PROJECTS, u->project_ids, u->n_projects);
	keys[-1] = db_u64(u->customer_id);
	put_ids(keys, BUDGET_USAGE_KEYS, u->key_ids, u->n_keys);
	return db_all(db, STMT_BUDGET_FOR_USAGE,
	    (struct db_in){ v, ARRAY_LEN(v) }, a, &budget_map, ret, ret_n, e);
}

#define STARTS(s)                                                       \
 db_day((s)->start_ms[BUDGET_DAY]), db_day((s)->start_ms[BUDGET_WEEK]), \
     db_day((s)->start_ms[BUDGET_MONTH]), db_day((s)->start_ms[BUDGET_TOTAL])

enum err
store_budget_page(struct db *db, enum budget_scope scope, uint64_t tenant,
    uint64_t from, uint64_t to, const struct budget_starts *starts,
    struct arena *a, struct budget **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_BUDGET_PAGE,
	    DB_IN(STARTS(starts), name(budget_scope_names[scope]), db_u64(from),
		db_u64(to), DB_TWICE(db_id(tenant))),
	    a, &spent_map, ret, ret_n, e);
}

enum err
store_budget_for_key(struct db *db, uint64_t customer_id, uint64_t project_id,
    uint64_t api_key_id, const struct budget_starts *starts, struct arena *a,
    struct budget **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_BUDGET_FOR_KEY,
	    DB_IN(STARTS(starts), db_u64(customer_id), db_id(project_id),
		db_u64(api_key_id)),
	    a, &spent_map, ret, ret_n, e);
}

/* ---- periods ---- */

struct amount_row {
	int64_t pusd, more_pusd;
	uint64_t n; /* a percentage, a number */
};

enum err
store_budget_begin(struct db *db, const struct budget *b,
    const struct budget_span *span, struct arena *a, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct amount_row, pusd, MONEY),
	};
	static const struct db_map map = DB_MAP(struct amount_row, fields);
	static const enum stmt usage[BUDGET_PERIOD__N] = {
		[BUDGET_DAY] = STMT_BUDGET_USAGE_DAYS,
		[BUDGET_WEEK] = STMT_BUDGET_USAGE_DAYS,
		[BUDGET_MONTH] = STMT_BUDGET_USAGE_MONTHS,
		[BUDGET_TOTAL] = STMT_BUDGET_USAGE_MONTHS,
	};
	struct amount_row sum;
	enum err err = db_one(db, usage[b->terms.period],
	    DB_IN(db_u64(b->customer_id), db_day(span->start_ms),
		db_day(span->end_ms), DB_TWICE(db_id(b->project_id)),
		DB_TWICE(db_id(b->api_key_id))),
	    a, &map, &sum, e);

	return err ? err
		   : db_exec(db, STMT_BUDGET_PERIOD_INSERT,
			 DB_IN(db_u64(span->budget_id), db_day(span->start_ms),
			     db_money(sum.pusd)),
			 NULL, e);
}

enum err
store_budget_spend(struct db *db, const struct budget_span *span,
    int64_t change_pusd, bool *ret_is_there, struct error *e)
{
	uint64_t n = 0;
	enum err err = db_exec(db, STMT_BUDGET_PERIOD_ADD,
	    DB_IN(db_money(change_pusd), db_u64(span->budget_id),
		db_day(span->start_ms)),
	    &n, e);

	*ret_is_there = n > 0;
	return err;
}

enum err
store_budget_lock(struct db *db, const struct budget_span *span,
    struct arena *a, int64_t *ret_spent_pusd, uint64_t *ret_noticed_percent,
    struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct amount_row, pusd, MONEY),
		DB_FIELD(struct amount_row, n, U64),
	};
	static const struct db_map map = DB_MAP(struct amount_row, fields);
	struct amount_row row;
	enum err err = db_one(db, STMT_BUDGET_PERIOD_LOCK,
	    DB_IN(db_u64(span->budget_id), db_day(span->start_ms)), a, &map,
	    &row, e);

	if (err)
		return err;
	*ret_spent_pusd = row.pusd;
	*ret_noticed_percent = row.n;
	return OK;
}

enum err
store_budget_noticed(struct db *db, const struct budget_span *span,
    uint64_t percent, struct error *e)
{
	return db_exec(db, STMT_BUDGET_PERIOD_NOTICED,
	    DB_IN(db_u64(percent), db_u64(span->budget_id),
		db_day(span->start_ms)),
	    NULL, e);
}

enum err
store_budget_forget(struct db *db, int64_t before_ms, uint64_t limit,
    uint64_t *ret_n, struct error *e)
{
	return db_exec(db, STMT_BUDGET_PERIOD_FORGET,
	    DB_IN(db_day(before_ms), db_u64(limit)), ret_n, e);
}

/* ---- balances ---- */

enum err
store_balance_mark(struct db *db, uint64_t customer_id, struct arena *a,
    struct balance_mark *ret, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct balance_mark, budget_id, U64),
		DB_FIELD(struct balance_mark, amount_pusd, MONEY),
		DB_FIELD(struct balance_mark, spent_pusd, MONEY),
		DB_FIELD(struct balance_mark, mark_pusd, MONEY),
		DB_FIELD(struct balance_mark, is_low, BOOL),
	};
	static const struct db_map map = DB_MAP(struct balance_mark, fields);

	return db_one(db, STMT_BALANCE_MARK, DB_IN(db_u64(customer_id)), a,
	    &map, ret, e);
}

enum err
store_balance_low(struct db *db, uint64_t budget_id, bool is_low,
    struct error *e)
{
	return db_exec(db, STMT_BALANCE_LOW,
	    DB_IN(db_bool(is_low), db_u64(budget_id)), NULL, e);
}

/* ---- leases ---- */

enum err
store_budget_leased(struct db *db, const struct budget_span *span,
    struct arena *a, int64_t *ret_amount_pusd, int64_t *ret_leased_pusd,
    struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct amount_row, pusd, MONEY),
		DB_FIELD(struct amount_row, more_pusd, MONEY),
	};
	static const struct db_map map = DB_MAP(struct amount_row, fields);
	struct amount_row row;
	enum err err = db_one(db, STMT_BUDGET_LEASED,
	    DB_IN(db_day(span->start_ms), db_u64(span->budget_id)), a, &map,
	    &row, e);

	if (err)
		return err;
	*ret_amount_pusd = row.pusd;
	*ret_leased_pusd = row.more_pusd;
	return OK;
}

enum err
store_budget_left(struct db *db, const uint8_t series[16], struct arena *a,
    struct budget_left **ret, size_t *ret_n, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct budget_left, budget_id, U64),
		DB_FIELD(struct budget_left, start_ms, DAY),
		DB_FIELD(struct budget_left, left_pusd, MONEY),
	};
	static const struct db_map map = DB_MAP(struct budget_left, fields);

	return db_all(db, STMT_BUDGET_LEFT, DB_IN(db_b16(series)), a, &map, ret,
	    ret_n, e);
}

enum err
store_budget_lease(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *e)
{
	return db_exec(db, STMT_BUDGET_LEASE_ADD,
	    DB_IN(db_u64(span->budget_id), db_day(span->start_ms),
		db_b16(series), db_money(by_pusd), db_u64(change_no)),
	    NULL, e);
}

enum err
store_budget_return(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *e)
{
	return db_exec(db, STMT_BUDGET_LEASE_RETURN,
	    DB_IN(db_money(by_pusd), db_u64(change_no), db_u64(span->budget_id),
		db_day(span->start_ms), db_b16(series)),
	    NULL, e);
}

enum err
store_budget_last_change(struct db *db, const struct budget_span *span,
    const uint8_t series[16], struct arena *a, uint64_t *ret_no,
    struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct amount_row, n, U64),
	};
	static const struct db_map map = DB_MAP(struct amount_row, fields);
	struct amount_row row;
	enum err err = db_one(db, STMT_BUDGET_LEASE_LAST,
	    DB_IN(db_u64(span->budget_id), db_day(span->start_ms),
		db_b16(series)),
	    a, &map, &row, e);

	if (!err)
		*ret_no = row.n;
	return err;
}

enum err
store_budget_unlease(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, struct error *e)
{
	return db_exec(db, STMT_BUDGET_LEASE_SUB,
	    DB_IN(db_money(by_pusd), db_u64(span->budget_id),
		db_day(span->start_ms), db_b16(series)),
	    NULL, e);
}

enum err
store_budget_end_series(struct db *db, const uint8_t series[16],
    uint64_t *ret_n, struct error *e)
{
	return db_exec(db, STMT_BUDGET_LEASE_END, DB_IN(db_b16(series)), ret_n,
	    e);
}
