/* SPDX-License-Identifier: MIT */
/* The fields of the member `budget`, wherever a thing has one. */
#ifndef TG_HANDLER_WEB_BUDGET_FIELDS_H
#define TG_HANDLER_WEB_BUDGET_FIELDS_H

#include "handler/web/form.h"

extern const char *const web_budget_periods[];
extern const char *const web_budget_kinds[];

/* clang-format off */
#define BUDGET_FIELDS \
	{ .name = "budget/amount_usd", .legend = "Budget", .label = "Amount in USD", .control = FORM_NUMBER, .flags = FORM_GROUP, \
	  .hint = "Empty: no budget." }, \
	{ .name = "budget/period", .label = "Each", .control = FORM_SELECT, .options = web_budget_periods }, \
	{ .name = "budget/kind", .label = "When it is used up", .control = FORM_SELECT, .options = web_budget_kinds }, \
	{ .name = "budget/notify_at_percent", .label = "Notices at per cent", .control = FORM_COMMAS, \
	  .hint = "Sent by e-mail and webhook, such as 50, 80, 100." }
/* clang-format on */

#endif
