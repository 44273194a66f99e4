/* SPDX-License-Identifier: MIT */
/* Options of fields that several forms have. */
#include "handler/web/budget_fields.h"
#include "handler/web/limit_fields.h"

const char *const web_budget_periods[] = { "month|calendar month",
	"week|week, from Monday on", "day|day", "total|once and for all",
	NULL };
const char *const web_budget_kinds[] = { "hard|refuse requests",
	"soft|only send notices", NULL };
const char *const web_limit_windows[] = { "|as it is further out",
	"0|fixed windows", "1|sliding windows", NULL };
