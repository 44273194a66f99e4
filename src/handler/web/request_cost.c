/* SPDX-License-Identifier: MIT */
#include "handler/web/request.h"

#include <string.h>

#include "base/money.h"
#include "domain/price.h"
#include "handler/web/view.h"

#define NONE_PPM UINT64_C(1000000) /* the price itself */

const char *const request_class_names[TOK_CLASS__MAX] = {
	[TOK_IN] = "Input",
	[TOK_IN_CACHED] = "Cached input",
	[TOK_CACHE_WRITE] = "Cache write",
	[TOK_IN_AUDIO] = "Audio input",
	[TOK_OUT] = "Output",
	[TOK_OUT_REASONING] = "Reasoning",
	[TOK_OUT_AUDIO] = "Audio output",
	[TOK_OUT_IMAGE] = "Image output",
};

static void
set_amount(struct tval *o, const char *key, int64_t amount_pusd, uint64_t ppm)
{
	char text[MONEY_EXACT_BYTES];

	if (!o)
		return;
	money_ppm_to_text(amount_pusd, ppm, text);
	tval_set_textf(o, key, "$%s", text);
}

/* One line. price_pusd: of `number`, per million if it is of tokens. */
static void
add_line(struct tval *list, struct str name, uint64_t number,
    int64_t price_pusd, int64_t amount_pusd, uint64_t ppm)
{
	struct tval *o = tval_push_object(list);

	tval_set_text(o, "name", name);
	view_count(o, "number", number);
	set_amount(o, "price", price_pusd, ppm);
	set_amount(o, "amount", amount_pusd, ppm);
}

static void
add_class(struct tval *list, const struct usage_view *v, const struct price *p,
    int context, int class, uint64_t ppm)
{
	uint64_t n = v->row.tok[context][class];
	int64_t per_tok_pusd = p->tok_pusd[context][class];
	int64_t per_million_pusd, amount_pusd;
	struct error e = { 0 };

	if (!list || n == 0)
		return;
	/* It was priced, so it fits. */
	if (money_mul_tok(per_tok_pusd, n, &amount_pusd, &e) != OK ||
	    money_mul_tok(per_tok_pusd, 1000000, &per_million_pusd, &e) != OK) {
		error_clear(&e);
		return;
	}
	add_line(list,
	    arena_printf(list->a, "%s%s", request_class_names[class],
		context == TOK_LONG ? ", long context" : ""),
	    n, per_million_pusd, amount_pusd, ppm);
}

void
request_cost_add(struct tval *o, const struct usage_view *v,
    const struct price *p, bool is_operator)
{
	uint64_t ppm = is_operator ? NONE_PPM : v->row.markup_ppm;
	struct tval *list = tval_set_list(o, "cost_lines");
	struct cost cost = { 0, 0 };
	struct error e = { 0 };
	struct tokens tokens;
	bool is_priced, is_unowed;

	memcpy(tokens.tok, v->row.tok, sizeof(tokens.tok));
	is_priced = p && v->cost_pusd != DB_MONEY_NULL &&
		    price_cost(p, &tokens, v->row.markup_ppm, &cost, &e) == OK;
	if (e.code)
		error_clear(&e);
	/* Without tokens a price per request isn't owed, either. */
	is_unowed = v->cost_pusd == 0 &&
		    tokens_in(&tokens) + tokens_out(&tokens) == 0;
	for (int x = 0; x < TOK_CONTEXT__MAX && is_priced; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			add_class(list, v, p, x, i, ppm);
	if (is_priced && p->request_pusd > 0 && !is_unowed)
		add_line(list, S("Request"), 1, p->request_pusd,
		    p->request_pusd, ppm);
	set_amount(o, "cost_sum", is_unowed ? 0 : cost.provider_pusd, ppm);
	tval_set_bool(o, "has_markup", is_operator);
	if (o) {
		char markup[MONEY_TEXT_BYTES];

		/* As an amount: 1 USD stands for 1. */
		money_to_text((int64_t)v->row.markup_ppm * 1000000, markup);
		tval_set_text(o, "markup",
		    is_operator ? arena_strdup(o->a, str_from(markup)) : S(""));
	}
	set_amount(o, "cost_exact",
	    v->cost_pusd == DB_MONEY_NULL ? 0 : v->cost_pusd, NONE_PPM);
	tval_set_bool(o, "is_unowed", is_unowed);
	tval_set_bool(o, "is_explained",
	    is_priced && !is_unowed && cost.charged_pusd == v->cost_pusd);
}
