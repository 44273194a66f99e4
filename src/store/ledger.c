/* SPDX-License-Identifier: MIT */
#include "store/ledger.h"

#include <stdlib.h>

#include "base/money.h"
#include "store/store_priv.h"

const char *const ledger_kind_names[LEDGER__N] = { "receivable", "revenue",
	"funds" };

static const struct db_field account_fields[] = {
	DB_FIELD(struct ledger_account, account_id, U64),
	DB_FIELD(struct ledger_account, customer_id, U64),
	DB_FIELD_ENUM(struct ledger_account, kind, ledger_kind_names),
	DB_FIELD(struct ledger_account, balance_pusd, MONEY),
};
static const struct db_map account_map = DB_MAP(struct ledger_account,
    account_fields);

/* Without the balance, which may be more than an amount can be in C. */
static const struct db_field account_id_fields[] = {
	DB_FIELD(struct ledger_account, account_id, U64),
	DB_FIELD_ENUM(struct ledger_account, kind, ledger_kind_names),
};
static const struct db_map account_id_map = DB_MAP(struct ledger_account,
    account_id_fields);

/* What an upsert adds to an account's balance: the name is sent as text. */
struct movement {
	uint64_t account_id;
	uint64_t customer_id;
	struct str kind;
	int64_t amount_pusd;
};
static const struct db_field movement_fields[] = {
	DB_FIELD(struct movement, account_id, U64),
	DB_FIELD(struct movement, customer_id, U64),
	DB_FIELD(struct movement, kind, STR),
	DB_FIELD(struct movement, amount_pusd, MONEY),
};
static const struct db_map movement_map = DB_MAP(struct movement,
    movement_fields);

struct transfer {
	uint64_t debit_account_id;
	uint64_t credit_account_id;
	int64_t amount_pusd;
	struct str kind;
	struct str cause;
};
static const struct db_field transfer_fields[] = {
	DB_FIELD(struct transfer, debit_account_id, U64),
	DB_FIELD(struct transfer, credit_account_id, U64),
	DB_FIELD(struct transfer, amount_pusd, MONEY),
	DB_FIELD(struct transfer, kind, STR),
	DB_FIELD(struct transfer, cause, BYTES),
};
static const struct db_map transfer_map = DB_MAP(struct transfer,
    transfer_fields);

enum err
store_ledger_open(struct db *db, uint64_t customer_id, struct error *e)
{
	return db_exec(db, STMT_LEDGER_OPEN,
	    DB_IN(db_u64(customer_id), DB_TWICE(db_u64(customer_id))), NULL, e);
}

enum err
store_ledger_accounts(struct db *db, uint64_t customer_id, struct arena *a,
    struct ledger_account **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LEDGER_ACCOUNTS, DB_IN(db_u64(customer_id)), a,
	    &account_map, ret, ret_n, e);
}

enum err
store_ledger_receivables(struct db *db, uint64_t from, uint64_t to,
    struct arena *a, struct ledger_account **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_LEDGER_RECEIVABLES,
	    DB_IN(db_u64(from), db_u64(to)), a, &account_map, ret, ret_n, e);
}

/* Ids of a customer's accounts by kind. */
static enum err
account_ids(struct db *db, uint64_t customer_id, struct arena *a,
    uint64_t ret[LEDGER__N], struct error *e)
{
	struct arena_mark mark = arena_mark(a);
	struct ledger_account *accounts;
	size_t n;
	enum err err = db_all(db, STMT_LEDGER_ACCOUNT_IDS,
	    DB_IN(db_u64(customer_id)), a, &account_id_map, &accounts, &n, e);

	if (err != OK)
		return err;
	for (int k = 0; k < LEDGER__N; k++)
		ret[k] = 0;
	for (size_t i = 0; i < n; i++)
		ret[accounts[i].kind] = accounts[i].account_id;
	arena_rewind(a, mark);
	for (int k = 0; k < LEDGER__N; k++)
		if (ret[k] == 0)
			return error_set(e, ERR_CORRUPT,
			    "customer %llu has no %s account",
			    (unsigned long long)customer_id,
			    ledger_kind_names[k]);
	return OK;
}

/* Between which accounts a kind of transfer moves: the receivable is debited
 * by usage, and credited by what is paid. Negative amounts go the other way. */
struct route {
	const char *kind;
	enum ledger_kind debit, credit;
};
static const struct route usage_route = { "usage", LEDGER_RECEIVABLE,
	LEDGER_REVENUE };
static const struct route adjustment_route = { "adjustment", LEDGER_RECEIVABLE,
	LEDGER_REVENUE };
static const struct route credit_route = { "credit", LEDGER_FUNDS,
	LEDGER_RECEIVABLE };

#define MOVEMENTS 2 /* a transfer */

/* One customer's transfer and its movements. */
static enum err
plan(struct db *db, const struct ledger_change *post, const struct route *r,
    struct arena *a, struct transfer *t, struct movement m[MOVEMENTS],
    struct error *e)
{
	bool is_back = post->amount_pusd < 0;
	enum ledger_kind kinds[MOVEMENTS] = { is_back ? r->credit : r->debit,
		is_back ? r->debit : r->credit };
	int64_t amount_pusd = post->amount_pusd;
	uint64_t ids[LEDGER__N];
	enum err err = account_ids(db, post->customer_id, a, ids, e);

	if (!err && is_back)
		err = money_sub(0, amount_pusd, &amount_pusd, e);
	if (err != OK)
		return err;
	*t = (struct transfer){
		.debit_account_id = ids[kinds[0]],
		.credit_account_id = ids[kinds[1]],
		.amount_pusd = amount_pusd,
		.kind = str_from(r->kind),
		.cause = post->cause,
	};
	for (int i = 0; i < MOVEMENTS; i++)
		m[i] = (struct movement){ ids[kinds[i]], post->customer_id,
			str_from(ledger_kind_names[kinds[i]]),
			i == 0 ? amount_pusd : -amount_pusd };
	return OK;
}

static int
movement_compare(const void *pa, const void *pb)
{
	const struct movement *a = pa, *b = pb;

	return (a->account_id > b->account_id) -
	       (a->account_id < b->account_id);
}

static enum err
transfer_all(struct db *db, const struct ledger_change *posts, size_t n,
    const struct route *r, struct arena *a, struct error *e)
{
	struct transfer *transfers = arena_array(a, struct transfer, n);
	struct movement *movements = arena_array(a, struct movement,
	    n * MOVEMENTS);
	size_t used = 0;
	enum err err;

	if (!transfers || !movements)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		if (posts[i].amount_pusd == 0)
			continue;
		err = plan(db, &posts[i], r, a, &transfers[used],
		    &movements[used * MOVEMENTS], e);
		if (err != OK)
			return err;
		used++;
	}
	/* Accounts in id order, so that two writers cannot wait for each
	 * other. */
	qsort(movements, used * MOVEMENTS, sizeof(movements[0]),
	    movement_compare);
	err = db_bulk(db, STMT_LEDGER_TRANSFER, &transfer_map, transfers, used,
	    e);
	if (err != OK)
		return err;
	return db_bulk(db, STMT_LEDGER_BALANCE, &movement_map, movements,
	    used * MOVEMENTS, e);
}

enum err
store_ledger_usage(struct db *db, const struct ledger_usage *posts, size_t n,
    struct arena *a, struct error *e)
{
	struct ledger_change *changes = arena_array(a, struct ledger_change, n);

	if (!changes)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		if (posts[i].amount_pusd < 0)
			return error_set(e, ERR_BAD_PARAM,
			    "ledger: negative amount");
		changes[i] = (struct ledger_change){ posts[i].customer_id,
			posts[i].amount_pusd, posts[i].cause };
	}
	return transfer_all(db, changes, n, &usage_route, a, e);
}

enum err
store_ledger_adjust(struct db *db, const struct ledger_change *posts, size_t n,
    struct arena *a, struct error *e)
{
	return transfer_all(db, posts, n, &adjustment_route, a, e);
}

enum err
store_ledger_credit(struct db *db, const struct ledger_change *post,
    struct arena *a, struct error *e)
{
	return transfer_all(db, post, 1, &credit_route, a, e);
}

static const struct db_field entry_fields[] = {
	DB_FIELD(struct ledger_transfer, transfer_id, U64),
	DB_FIELD(struct ledger_transfer, debit_account_id, U64),
	DB_FIELD(struct ledger_transfer, credit_account_id, U64),
	DB_FIELD(struct ledger_transfer, amount_pusd, MONEY),
	DB_FIELD(struct ledger_transfer, kind, STR),
	DB_FIELD(struct ledger_transfer, cause, BYTES),
	DB_FIELD(struct ledger_transfer, created_at_ms, TIME),
};
static const struct db_map entry_map = DB_MAP(struct ledger_transfer,
    entry_fields);

enum err
store_ledger_by_cause(struct db *db, struct str cause, struct arena *a,
    struct ledger_transfer *ret, struct error *e)
{
	return db_one(db, STMT_LEDGER_BY_CAUSE, DB_IN(db_bytes(cause)), a,
	    &entry_map, ret, e);
}

enum err
store_ledger_lock(struct db *db, uint64_t customer_id, struct error *e)
{
	return store_lock(db, STMT_LEDGER_LOCK, DB_IN(db_u64(customer_id)), e);
}

enum err
store_ledger_balance(struct db *db, uint64_t customer_id, struct arena *a,
    int64_t *ret_pusd, struct error *e)
{
	struct ledger_account *accounts;
	size_t n;
	enum err err = store_ledger_accounts(db, customer_id, a, &accounts, &n,
	    e);

	for (size_t i = 0; i < n && !err; i++)
		if (accounts[i].kind == LEDGER_RECEIVABLE)
			return money_sub(0, accounts[i].balance_pusd, ret_pusd,
			    e);
	return err ? err
		   : error_set(e, ERR_CORRUPT, "customer %llu has no accounts",
			 (unsigned long long)customer_id);
}

enum err
store_ledger_page(struct db *db, uint64_t debit_account_id, uint64_t after_id,
    uint64_t limit, struct arena *a, struct ledger_transfer **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LEDGER_PAGE,
	    DB_IN(db_u64(debit_account_id), db_u64(after_id), db_u64(limit)), a,
	    &entry_map, ret, ret_n, e);
}

static const struct db_field credit_fields[] = {
	DB_FIELD(struct ledger_credit, transfer_id, U64),
	DB_FIELD(struct ledger_credit, amount_pusd, MONEY),
	DB_FIELD(struct ledger_credit, cause, BYTES),
	DB_FIELD(struct ledger_credit, created_at_ms, TIME),
};
static const struct db_map credit_map = DB_MAP(struct ledger_credit,
    credit_fields);

enum err
store_ledger_credits(struct db *db, uint64_t customer_id, uint64_t before_id,
    uint64_t limit, struct arena *a, struct ledger_credit **ret, size_t *ret_n,
    struct error *e)
{
	struct db_val customer = db_u64(customer_id), n = db_u64(limit);
	struct db_val before = db_u64(before_id ? before_id : INT64_MAX);

	return db_all(db, STMT_LEDGER_CREDITS,
	    DB_IN(customer, before, n, customer, before, n, n), a, &credit_map,
	    ret, ret_n, e);
}

enum err
store_ledger_credits_during(struct db *db, uint64_t customer_id,
    int64_t from_ms, int64_t to_ms, uint64_t limit, struct arena *a,
    struct ledger_credit **ret, size_t *ret_n, struct error *e)
{
	struct db_val customer = db_u64(customer_id), n = db_u64(limit);
	struct db_val from = db_time(from_ms), to = db_time(to_ms);

	return db_all(db, STMT_LEDGER_CREDITS_DURING,
	    DB_IN(customer, from, to, n, customer, from, to, n, n), a,
	    &credit_map, ret, ret_n, e);
}

enum err
store_ledger_credited_before(struct db *db, uint64_t customer_id,
    int64_t before_ms, struct arena *a, int64_t *ret_pusd, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct ledger_credit, amount_pusd, MONEY),
	};
	static const struct db_map map = DB_MAP(struct ledger_credit, fields);
	struct db_val customer = db_u64(customer_id);
	struct db_val before = db_time(before_ms);
	struct ledger_credit sum;
	enum err err = db_one(db, STMT_LEDGER_CREDITED_BEFORE,
	    DB_IN(customer, before, customer, before), a, &map, &sum, e);

	if (!err)
		*ret_pusd = sum.amount_pusd;
	return err;
}
