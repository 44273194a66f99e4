/* SPDX-License-Identifier: MIT */
#include "store/ledger.h"

#include <stdlib.h>

#include "base/money.h"

const char *const ledger_kind_names[LEDGER__N] = { "receivable", "revenue" };

static const struct db_field account_fields[] = {
	DB_FIELD(struct ledger_account, account_id, U64),
	DB_FIELD(struct ledger_account, customer_id, U64),
	DB_FIELD_ENUM(struct ledger_account, kind, ledger_kind_names),
	DB_FIELD(struct ledger_account, balance_pusd, MONEY),
};
static const struct db_map account_map = DB_MAP(struct ledger_account,
    account_fields);

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
	    DB_IN(db_u64(customer_id), db_u64(customer_id)), NULL, e);
}

enum err
store_ledger_accounts(struct db *db, uint64_t customer_id, struct arena *a,
    struct ledger_account **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LEDGER_ACCOUNTS, DB_IN(db_u64(customer_id)), a,
	    &account_map, ret, ret_n, e);
}

/* Ids of a customer's accounts by kind. */
static enum err
account_ids(struct db *db, uint64_t customer_id, struct arena *a,
    uint64_t ret[LEDGER__N], struct error *e)
{
	struct arena_mark mark = arena_mark(a);
	struct ledger_account *accounts;
	size_t n;
	enum err err = store_ledger_accounts(db, customer_id, a, &accounts, &n,
	    e);

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

/* One customer's transfer and its two movements. */
static enum err
plan(struct db *db, const struct ledger_change *post, const char *kind,
    struct arena *a, struct transfer *t, struct movement m[2], struct error *e)
{
	bool is_credit = post->amount_pusd < 0;
	int64_t amount_pusd = post->amount_pusd;
	uint64_t ids[LEDGER__N];
	enum err err = account_ids(db, post->customer_id, a, ids, e);

	if (!err && is_credit)
		err = money_sub(0, amount_pusd, &amount_pusd, e);
	if (err != OK)
		return err;
	*t = (struct transfer){
		.debit_account_id =
		    ids[is_credit ? LEDGER_REVENUE : LEDGER_RECEIVABLE],
		.credit_account_id =
		    ids[is_credit ? LEDGER_RECEIVABLE : LEDGER_REVENUE],
		.amount_pusd = amount_pusd,
		.kind = str_from(kind),
		.cause = post->cause,
	};
	for (int k = 0; k < LEDGER__N; k++)
		m[k] = (struct movement){ ids[k], post->customer_id,
			str_from(ledger_kind_names[k]),
			(k == LEDGER_RECEIVABLE) != is_credit ? amount_pusd
							      : -amount_pusd };
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
    const char *kind, struct arena *a, struct error *e)
{
	struct transfer *transfers = arena_array(a, struct transfer, n);
	struct movement *movements = arena_array(a, struct movement,
	    n * LEDGER__N);
	size_t used = 0;
	enum err err;

	if (!transfers || !movements)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		if (posts[i].amount_pusd == 0)
			continue;
		err = plan(db, &posts[i], kind, a, &transfers[used],
		    &movements[used * LEDGER__N], e);
		if (err != OK)
			return err;
		used++;
	}
	/* Accounts in id order, so that two writers cannot wait for each
	 * other. */
	qsort(movements, used * LEDGER__N, sizeof(movements[0]),
	    movement_compare);
	err = db_bulk(db, STMT_LEDGER_TRANSFER, &transfer_map, transfers, used,
	    e);
	if (err != OK)
		return err;
	return db_bulk(db, STMT_LEDGER_BALANCE, &movement_map, movements,
	    used * LEDGER__N, e);
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
	return transfer_all(db, changes, n, "usage", a, e);
}

enum err
store_ledger_adjust(struct db *db, const struct ledger_change *posts, size_t n,
    struct arena *a, struct error *e)
{
	return transfer_all(db, posts, n, "adjustment", a, e);
}

static const struct db_field page_fields[] = {
	DB_FIELD(struct ledger_transfer, transfer_id, U64),
	DB_FIELD(struct ledger_transfer, debit_account_id, U64),
	DB_FIELD(struct ledger_transfer, credit_account_id, U64),
	DB_FIELD(struct ledger_transfer, amount_pusd, MONEY),
	DB_FIELD(struct ledger_transfer, kind, STR),
	DB_FIELD(struct ledger_transfer, created_at_ms, TIME),
};
static const struct db_map page_map = DB_MAP(struct ledger_transfer,
    page_fields);

enum err
store_ledger_page(struct db *db, uint64_t debit_account_id, uint64_t after_id,
    uint64_t limit, struct arena *a, struct ledger_transfer **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LEDGER_PAGE,
	    DB_IN(db_u64(debit_account_id), db_u64(after_id), db_u64(limit)), a,
	    &page_map, ret, ret_n, e);
}
