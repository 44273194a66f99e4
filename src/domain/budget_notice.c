/* SPDX-License-Identifier: MIT */
#include "domain/budget_notice.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "base/money.h"
#include "domain/notice.h"

#define END_PERCENT 100

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

static bool
is_listed(struct str list, uint64_t percent)
{
	struct str item;
	uint64_t n;

	while (list.n && str_split(&list, ',', &item))
		if (str_to_u64(item, 1, UINT16_MAX, &n) && n == percent)
			return true;
	return false;
}

static enum err
write_payload(const struct budget *b, const struct budget_span *span,
    int64_t spent_pusd, uint64_t percent, struct arena *a, struct str *ret,
    struct error *e)
{
	struct json_out j;
	struct buf buf;

	buf_init(&buf, a, KIB(1));
	json_out_init(&j, &buf);
	json_out_object(&j);
	json_out_member_str(&j, "scope",
	    str_from(budget_scope_names[b->scope]));
	json_out_member_u64(&j, "id", b->scope_id);
	json_out_member_str(&j, "period",
	    str_from(budget_period_names[b->terms.period]));
	if (b->terms.period != BUDGET_TOTAL) {
		json_out_member_time(&j, "period_start", span->start_ms);
		json_out_member_time(&j, "resets_at", span->end_ms);
	}
	json_out_member_str(&j, "kind",
	    str_from(budget_kind_names[b->terms.kind]));
	json_out_member_u64(&j, "percent", percent);
	json_out_member_usd(&j, "amount_usd", b->terms.amount_pusd);
	json_out_member_usd(&j, "spent_usd", spent_pusd);
	json_out_object_end(&j);
	return buf_finish(&buf, ret, e);
}

static enum err
tell(struct db *db, const struct budget *b, const struct budget_span *span,
    int64_t spent_pusd, uint64_t percent, struct arena *a, struct error *e)
{
	struct notice n = { .customer_id = b->customer_id,
		.kind = NOTICE_BUDGET_REACHED };
	char day[CLOCK_TEXT_BYTES];
	enum err err = write_payload(b, span, spent_pusd, percent, a,
	    &n.payload, e);

	if (err)
		return err;
	clock_format(span->start_ms, day);
	n.cause = arena_printf(a, "%llu:%.10s:%llu",
	    (unsigned long long)b->budget_id, day, (unsigned long long)percent);
	return n.cause.p ? notice_add(db, &n, NULL, e) : error_arena(e, a);
}

enum err
budget_notice(struct db *db, const struct budget *b,
    const struct budget_span *span, struct arena *a, struct error *e)
{
	int64_t spent_pusd, amount_pusd = b->terms.amount_pusd;
	struct str list = b->terms.notify;
	uint64_t noticed, percent;
	enum err err;

	if (list.n == 0)
		return OK;
	err = store_budget_lock(db, span, a, &spent_pusd, &noticed, e);
	while (!err) {
		percent = budget_notice_next(list, amount_pusd, spent_pusd,
		    noticed);
		if (percent == 0)
			return OK;
		noticed = percent;
		err = tell(db, b, span, spent_pusd, percent, a, e);
		if (!err)
			err = store_budget_noticed(db, span, percent, e);
	}
	return err;
}

enum err
budget_notice_end(struct db *db, const struct budget *b,
    const struct budget_span *span, int64_t spent_pusd, uint64_t noticed,
    struct arena *a, struct error *e)
{
	int64_t amount_pusd = b->terms.amount_pusd;
	enum err err;

	if (noticed >= END_PERCENT || !is_listed(b->terms.notify, END_PERCENT))
		return OK;
	err = tell(db, b, span, spent_pusd, END_PERCENT, a, e);
	/* A percentage in between may still be reached; then the notice's cause
	 * keeps this one from being told again. */
	if (err || budget_notice_next(b->terms.notify, amount_pusd, amount_pusd,
		       noticed) != END_PERCENT)
		return err;
	return store_budget_noticed(db, span, END_PERCENT, e);
}
