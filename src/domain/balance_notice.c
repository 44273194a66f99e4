/* SPDX-License-Identifier: MIT */
#include "domain/balance_notice.h"

#include "base/json_out.h"
#include "base/money.h"
#include "domain/notice.h"

static enum err
write_payload(const struct balance_mark *m, int64_t left_pusd, struct arena *a,
    struct str *ret, struct error *e)
{
	struct json_out j;
	struct buf buf;

	buf_init(&buf, a, KIB(1));
	json_out_init(&j, &buf);
	json_out_object(&j);
	json_out_member_usd(&j, "balance_usd", left_pusd);
	json_out_member_usd(&j, "low_balance_usd", m->mark_pusd);
	json_out_object_end(&j);
	return buf_finish(&buf, ret, e);
}

/* The cause is what was credited and spent when it fell. So whoever takes back
 * what he has just credited tells nobody twice. */
static enum err
tell(struct db *db, uint64_t customer_id, const struct balance_mark *m,
    int64_t left_pusd, struct arena *a, struct error *e)
{
	struct notice n = { .customer_id = customer_id,
		.kind = NOTICE_BALANCE_LOW };
	char amount[MONEY_TEXT_BYTES], spent[MONEY_TEXT_BYTES];
	enum err err = write_payload(m, left_pusd, a, &n.payload, e);

	if (err)
		return err;
	money_to_text(m->amount_pusd, amount);
	money_to_text(m->spent_pusd, spent);
	n.cause = arena_printf(a, "%llu:%s:%s",
	    (unsigned long long)m->budget_id, amount, spent);
	return n.cause.p ? notice_add(db, &n, NULL, e) : error_arena(e, a);
}

enum err
balance_notice(struct db *db, uint64_t customer_id, struct arena *a,
    struct error *e)
{
	struct balance_mark m;
	struct error none;
	int64_t left_pusd;
	bool is_low;
	enum err err = store_balance_mark(db, customer_id, a, &m, &none);

	if (err == ERR_NOT_FOUND)
		return OK;
	if (err) {
		*e = none;
		return err;
	}
	err = money_sub(m.amount_pusd, m.spent_pusd, &left_pusd, e);
	if (err)
		return err;
	is_low = m.mark_pusd > 0 && left_pusd < m.mark_pusd;
	if (is_low == m.is_low)
		return OK;
	if (is_low)
		err = tell(db, customer_id, &m, left_pusd, a, e);
	return err ? err : store_balance_low(db, m.budget_id, is_low, e);
}
