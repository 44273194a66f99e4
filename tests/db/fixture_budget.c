/* SPDX-License-Identifier: MIT */
#include "db/fixture_budget.h"

#include "base/clock.h"
#include "domain/budget_lease.h"
#include "domain/budget_period.h"
#include "store/reconcile.h"

struct setting {
	struct flush_test *x;
	enum budget_scope scope;
	struct budget_terms terms;
};

static enum err
set_txn(struct db *db, void *arg, struct error *e)
{
	const struct setting *s = arg;
	const struct budget_holder h = { .scope = s->scope,
		.customer_id = s->x->customer_id };

	return budget_set(db, &h, &s->terms, clock_now_ms(), &s->x->a, e);
}

uint64_t
set_budget(struct flush_test *x, enum budget_scope scope,
    enum budget_period period, int64_t amount_pusd)
{
	struct setting s = { x, scope,
		{ amount_pusd, BUDGET_HARD, period, S("50,100") } };
	struct budget b;

	assert_ok(db_txn(x->db, set_txn, &s, &x->e));
	assert_ok(store_budget_of_scope(x->db, x->customer_id, scope,
	    x->customer_id, &x->a, &b, &x->e));
	return b.budget_id;
}

int64_t
spent_in(struct flush_test *x, uint64_t budget_id, enum budget_period period,
    int64_t at_ms)
{
	struct budget_span span = budget_span_of(budget_id, period, at_ms);
	int64_t pusd = -1;
	uint64_t noticed;
	enum err err = store_budget_lock(x->db, &span, &x->a, &pusd, &noticed,
	    &x->e);

	return err ? -1 : pusd;
}

int64_t
leased(struct flush_test *x, uint64_t budget_id)
{
	struct budget_span span = budget_span_of(budget_id, BUDGET_TOTAL,
	    clock_now_ms());
	int64_t amount_pusd, pusd;

	assert_ok(store_budget_leased(x->db, &span, &x->a, &amount_pusd, &pusd,
	    &x->e));
	return pusd;
}

int64_t
lease(struct flush_test *x, uint64_t budget_id, const uint8_t series[16],
    int64_t pusd)
{
	struct budget_lease l = {
		.budget_id = budget_id,
		.customer_id = x->customer_id,
		.span = budget_span_of(budget_id, BUDGET_TOTAL, clock_now_ms()),
		.min_pusd = pusd,
		.want_pusd = pusd,
		.need_pusd = pusd,
	};

	assert_ok(budget_lease_take(x->db, series, &l, &x->a, &x->e));
	return l.granted_pusd;
}

void
request(struct flush_test *x, uint64_t n, uint64_t budget_id, int64_t cost_pusd)
{
	struct journal_open o = open_of(x, n);
	struct journal_settle s = settle_of(x, n);
	uint32_t slot;

	o.hold_pusd = s.hold_pusd = HOLD;
	o.n_budgets = 1;
	o.budget_id[0] = (uint32_t)budget_id;
	s.cost_pusd = cost_pusd;
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	if (cost_pusd >= 0)
		assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
}

size_t
n_differences(struct flush_test *x)
{
	struct reconcile_result r;
	size_t n = 0;

	assert_ok(store_reconcile(x->db, &x->a, &r, &x->e));
	for (size_t i = 0; i < r.n_diffs; i++)
		n += r.diffs[i].check != RECONCILE_ORPHAN;
	return n;
}
