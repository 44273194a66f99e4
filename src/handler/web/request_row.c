/* SPDX-License-Identifier: MIT */
/* A request as lists show it. */
#include "handler/web/request.h"

#include "handler/web/view.h"
#include "store/usage.h"

void
request_row_add(struct tval *o, struct str base, const struct usage_view *v)
{
	bool has_cost = v->cost_pusd != DB_MONEY_NULL;
	char text[UUID7_TEXT_BYTES];
	struct str id;

	if (!o)
		return;
	uuid7_format(&v->row.request_id, text);
	id = arena_strdup(o->a, str_from(text));
	tval_set_text(o, "id", id);
	/* The id is of digits and hyphens. */
	tval_set_textf(o, "show_href", "%" PRI_STR "/%" PRI_STR, STR_ARG(base),
	    STR_ARG(id));
	view_second(o, "time", v->row.request_timestamp_ms);
	tval_set_text(o, "model", v->row.model_requested);
	tval_set_text(o, "provider",
	    v->row.provider_used.p ? v->row.provider_used : S("none"));
	tval_set_text(o, "status", str_from(usage_status_names[v->row.status]));
	tval_set_bool(o, "is_ok", v->row.status == USAGE_OK);
	tval_set_bool(o, "has_cost", has_cost);
	view_money(o, "cost", has_cost ? v->cost_pusd : 0);
	view_duration(o, "ttft", v->row.time_to_first_token_ms);
	view_duration(o, "duration", (int64_t)v->row.latency_ms);
}
