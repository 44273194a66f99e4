/* SPDX-License-Identifier: MIT */
/* A budget on a page: what may be spent, what was, and how much of it. */
#ifndef TG_HANDLER_WEB_BUDGET_VIEW_H
#define TG_HANDLER_WEB_BUDGET_VIEW_H

#include "http/tval.h"
#include "store/budget.h"

/** Fill o with what BUDGET_KEYS lists; b NULL: there is none.
 * @name  whose it is */
void web_budget_view(struct tval *o, struct str name, const struct budget *b,
    int64_t now_ms);

/** How much of the amount is spent, in whole per cent, at most 999. */
unsigned web_budget_percent(int64_t spent_pusd, int64_t amount_pusd);

#define BUDGET_KEYS(path)                                                 \
 { path, TVAL_OBJECT }, { path ".name", TVAL_TEXT },                      \
     { path ".is_set", TVAL_BOOL }, { path ".terms", TVAL_TEXT },         \
     { path ".effect", TVAL_TEXT }, { path ".percent", TVAL_TEXT },       \
     { path ".bar_width", TVAL_TEXT }, { path ".is_used_up", TVAL_BOOL }, \
     VIEW_MONEY_KEYS(path ".amount"), VIEW_MONEY_KEYS(path ".spent"),     \
     VIEW_MONEY_KEYS(path ".left"), VIEW_TIME_KEYS(path ".resets")

#endif
