/* SPDX-License-Identifier: MIT */
#include "handler/web/budget_view.h"

#include "base/money.h"
#include "domain/budget_period.h"
#include "handler/web/view.h"

#define PERCENT_MAX 999

static const char *const periods[BUDGET_PERIOD__N] = {
	[BUDGET_DAY] = "a day",
	[BUDGET_WEEK] = "a week",
	[BUDGET_MONTH] = "a month",
	[BUDGET_TOTAL] = "in all",
};

unsigned
web_budget_percent(int64_t spent_pusd, int64_t amount_pusd)
{
	int64_t percent_pusd = amount_pusd / 100;

	if (spent_pusd <= 0)
		return 0;
	if (percent_pusd <= 0)
		return spent_pusd >= amount_pusd ? 100 : 0;
	if (spent_pusd / percent_pusd > PERCENT_MAX)
		return PERCENT_MAX;
	/* Rounded down: nothing is called used up that isn't. */
	return (unsigned)(spent_pusd / percent_pusd);
}

static int64_t
left_of(const struct budget *b)
{
	struct error ignored;
	int64_t left_pusd;

	if (money_sub(b->terms.amount_pusd, b->spent_pusd, &left_pusd,
		&ignored) ||
	    left_pusd < 0)
		return 0;
	return left_pusd;
}

void
web_budget_view(struct tval *o, struct str name, const struct budget *b,
    int64_t now_ms)
{
	static const struct budget none = { 0 };
	bool is_balance, is_set = b != NULL;
	unsigned percent;

	b = b ? b : &none;
	is_balance = b->scope == BUDGET_BALANCE;
	percent = web_budget_percent(b->spent_pusd, b->terms.amount_pusd);
	tval_set_text(o, "name", name);
	tval_set_bool(o, "is_set", is_set);
	tval_set_text(o, "terms",
	    is_balance ? S("credited") : str_from(periods[b->terms.period]));
	tval_set_text(o, "effect",
	    b->terms.kind == BUDGET_HARD ? S("then requests are refused")
					 : S("notices only"));
	if (percent == 0 && b->spent_pusd > 0)
		tval_set_text(o, "percent", S("less than 1 %"));
	else
		tval_set_textf(o, "percent", "%u %%", percent);
	tval_set_textf(o, "bar_width", "%u%%", percent < 100 ? percent : 100);
	tval_set_bool(o, "is_used_up",
	    is_set && b->spent_pusd >= b->terms.amount_pusd);
	view_money(o, "amount", b->terms.amount_pusd);
	view_money(o, "spent", b->spent_pusd);
	view_money(o, "left", left_of(b));
	view_time(o, "resets",
	    is_set ? budget_resets_ms(b->terms.period, now_ms) : 0);
}
