/* SPDX-License-Identifier: MIT */
#include "domain/budget_lease.h"

#include "base/money.h"
#include "domain/budget_notice.h"
#include "store/ledger.h"

/* A slab is at most this part of what is left, so that many processes find
 * some, and at most so many requests' worth. */
#define SHARE_OF_LEFT 16
#define SHARE_OF_NEED 64

static int64_t
part_of(int64_t left_pusd, int64_t need_pusd)
{
	int64_t share = left_pusd / SHARE_OF_LEFT;

	if (share < 0)
		return 0;
	return need_pusd < INT64_MAX / SHARE_OF_NEED &&
		       need_pusd * SHARE_OF_NEED < share
		   ? need_pusd * SHARE_OF_NEED
		   : share;
}

struct budget_share
budget_share_of(int64_t left_pusd, int64_t need_pusd)
{
	int64_t part = part_of(left_pusd, need_pusd);

	return (struct budget_share){ part, part / SHARE_OF_NEED < need_pusd };
}

int64_t
budget_lease_size(const struct budget_lease *l, int64_t left_pusd)
{
	int64_t size = part_of(left_pusd, l->need_pusd);

	if (left_pusd <= 0 || left_pusd < l->min_pusd)
		return 0;
	if (size < l->want_pusd)
		size = l->want_pusd;
	return size < left_pusd ? size : left_pusd;
}

/* The first of its period makes the row. */
static enum err
begin(struct db *db, const struct budget_lease *l, struct arena *a,
    struct error *e)
{
	struct budget b;
	int64_t spent_pusd;
	uint64_t noticed;
	enum err err = store_ledger_lock(db, l->customer_id, e);

	if (!err)
		err = store_budget_lock(db, &l->span, a, &spent_pusd, &noticed,
		    e);
	if (err != ERR_NOT_FOUND)
		return err; /* another one did meanwhile */
	err = store_budget_by_id(db, l->customer_id, l->budget_id, a, &b, e);
	return err ? err : store_budget_begin(db, &b, &l->span, a, e);
}

struct lease_arg {
	struct budget_lease *l;
	const uint8_t *series;
	struct arena *a;
};

#define END_PARTS 20 /* less than 1 of so many left is the end of a budget */

/* The request is refused, and so will be its likes until the period ends. */
static enum err
tell_end(struct db *db, struct budget_lease *l, uint64_t noticed,
    struct arena *a, struct error *e)
{
	struct budget b;
	enum err err = store_budget_by_id(db, l->customer_id, l->budget_id, a,
	    &b, e);

	if (!err)
		err = budget_notice_end(db, &b, &l->span, l->spent_pusd,
		    noticed, a, e);
	l->was_told = err == OK;
	return err;
}

static enum err
take_txn(struct db *db, void *arg, struct error *e)
{
	struct lease_arg *x = arg;
	struct budget_lease *l = x->l;
	int64_t leased_pusd, unspent_pusd = 0;
	uint64_t noticed;
	enum err err = store_budget_lock(db, &l->span, x->a, &l->spent_pusd,
	    &noticed, e);

	l->granted_pusd = l->left_pusd = 0;
	l->was_told = false;
	if (err == ERR_NOT_FOUND) {
		err = begin(db, l, x->a, e);
		if (!err)
			err = store_budget_lock(db, &l->span, x->a,
			    &l->spent_pusd, &noticed, e);
	}
	if (!err)
		err = store_budget_leased(db, &l->span, x->a, &l->amount_pusd,
		    &leased_pusd, e);
	if (!err)
		err = money_sub(l->amount_pusd, l->spent_pusd, &unspent_pusd,
		    e);
	if (!err)
		err = money_sub(unspent_pusd, leased_pusd, &l->left_pusd, e);
	if (err)
		return err;
	l->granted_pusd = budget_lease_size(l, l->left_pusd);
	if (l->granted_pusd)
		return store_budget_lease(db, &l->span, x->series,
		    l->granted_pusd, l->change_no, e);
	/* Of a budget that is hardly used a huge request is no end. */
	return unspent_pusd < l->least_pusd && !l->is_told &&
		       unspent_pusd <= l->amount_pusd / END_PARTS
		   ? tell_end(db, l, noticed, x->a, e)
		   : OK;
}

enum err
budget_lease_take(struct db *db, const uint8_t series[16],
    struct budget_lease *l, struct arena *a, struct error *e)
{
	struct lease_arg arg = { l, series, a };
	enum err err = db_txn(db, take_txn, &arg, e);

	/* The budget was taken away, and the key's entry is not new yet: there
	 * is nothing to hold it to. */
	if (err == ERR_NOT_FOUND) {
		l->granted_pusd = l->want_pusd;
		return OK;
	}
	return err;
}

/* ---- what was leased ---- */

struct change_arg {
	const struct budget_span *span;
	const uint8_t *series;
	int64_t pusd;
	uint64_t change_no;
	struct arena *a;
};

static enum err
return_txn(struct db *db, void *arg, struct error *e)
{
	const struct change_arg *x = arg;

	return store_budget_return(db, x->span, x->series, x->pusd,
	    x->change_no, e);
}

/* Not a single statement: one that the server has not even read when its
 * connection breaks holds no lock that tells of it. */
enum err
budget_lease_return(struct db *db, const uint8_t series[16],
    const struct budget_span *span, int64_t pusd, uint64_t change_no,
    struct error *e)
{
	struct change_arg arg = { .span = span,
		.series = series,
		.pusd = pusd,
		.change_no = change_no };

	return db_txn(db, return_txn, &arg, e);
}

/* The period's row first, which whoever leases holds. */
static enum err
last_change_txn(struct db *db, void *arg, struct error *e)
{
	struct change_arg *x = arg;
	int64_t spent_pusd;
	uint64_t noticed;
	enum err err = store_budget_lock(db, x->span, x->a, &spent_pusd,
	    &noticed, e);

	x->change_no = 0;
	return err ? err
		   : store_budget_last_change(db, x->span, x->series, x->a,
			 &x->change_no, e);
}

enum err
budget_lease_last_change(struct db *db, const uint8_t series[16],
    const struct budget_span *span, struct arena *a, uint64_t *ret_no,
    struct error *e)
{
	struct change_arg arg = { .span = span, .series = series, .a = a };
	enum err err = db_txn(db, last_change_txn, &arg, e);

	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_no = err ? 0 : arg.change_no;
	return OK;
}
