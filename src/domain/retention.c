/* SPDX-License-Identifier: MIT */
#include "domain/retention.h"

#include "store/budget.h"
#include "store/notice.h"

#define ROWS_AT_ONCE 500           /* of one statement, which locks them */
#define TIMES_MAX    20            /* the rest in the next round */
#define LONGEST_MS   (31 * DAY_MS) /* period: a month */

typedef enum err forget_fn(struct db *db, uint64_t keep_s, uint64_t *ret_n,
    struct error *e);

static enum err
repeat(forget_fn *forget, struct db *db, uint64_t keep_s, uint64_t *ret_n,
    struct error *e)
{
	uint64_t n = ROWS_AT_ONCE;
	enum err err = OK;

	*ret_n = 0;
	for (int i = 0; i < TIMES_MAX && n == ROWS_AT_ONCE && !err; i++) {
		err = forget(db, keep_s, &n, e);
		if (!err)
			*ret_n += n;
	}
	return err;
}

static enum err
forget_notices(struct db *db, uint64_t keep_s, uint64_t *ret_n, struct error *e)
{
	return store_notice_forget(db, keep_s, ROWS_AT_ONCE, ret_n, e);
}

static enum err
forget_periods(struct db *db, uint64_t keep_s, uint64_t *ret_n, struct error *e)
{
	int64_t before_ms = clock_now_ms() - (int64_t)keep_s * 1000 -
			    LONGEST_MS;

	return store_budget_forget(db, before_ms, ROWS_AT_ONCE, ret_n, e);
}

enum err
retention_notices(struct db *db, uint64_t keep_s, uint64_t *ret_n,
    struct error *e)
{
	return repeat(forget_notices, db, keep_s, ret_n, e);
}

enum err
retention_budgets(struct db *db, uint64_t keep_s, uint64_t *ret_n,
    struct error *e)
{
	return repeat(forget_periods, db, keep_s, ret_n, e);
}
