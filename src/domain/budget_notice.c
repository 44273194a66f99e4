/* SPDX-License-Identifier: MIT */
#include "domain/budget_notice.h"

#include "base/money.h"

/* amount * percent / 100, rounded up by what doesn't matter. */
static bool
is_reached(int64_t amount_pusd, int64_t spent_pusd, uint64_t percent)
{
	struct error ignored;
	int64_t part_pusd;

	return money_mul_ppm(amount_pusd, percent * 10000, &part_pusd,
		   &ignored) == OK &&
	       spent_pusd >= part_pusd;
}

uint64_t
budget_notice_next(struct str list, int64_t amount_pusd, int64_t spent_pusd,
    uint64_t noticed)
{
	struct str item;
	uint64_t percent;

	while (list.n && str_split(&list, ',', &item))
		if (str_to_u64(item, 1, UINT16_MAX, &percent) &&
		    percent > noticed)
			return is_reached(amount_pusd, spent_pusd, percent)
				   ? percent
				   : 0;
	return 0;
}

enum err
budget_notice(struct db *db, const struct budget *b,
    const struct budget_span *span, struct arena *a, struct error *e)
{
	int64_t spent_pusd;
	uint64_t noticed, percent;
	enum err err;

	if (b->terms.notify.n == 0)
		return OK;
	err = store_budget_lock(db, span, a, &spent_pusd, &noticed, e);
	if (err)
		return err;
	percent = budget_notice_next(b->terms.notify, b->terms.amount_pusd,
	    spent_pusd, noticed);
	for (; percent && !err; noticed = percent,
				percent = budget_notice_next(b->terms.notify,
				    b->terms.amount_pusd, spent_pusd, noticed))
		err = store_budget_noticed(db, span, percent, e);
	return err;
}
