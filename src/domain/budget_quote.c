/* SPDX-License-Identifier: MIT */
#include "domain/budget_quote.h"

#include "base/money.h"
#include "store/price.h"

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

bool
budget_price_is_free(const struct price *p, uint64_t markup_ppm)
{
	int64_t top_pusd = p->request_pusd;

	for (int context = 0; context < TOK_CONTEXT__MAX; context++)
		for (int class = 0; class < TOK_CLASS__MAX; class ++)
			top_pusd = larger(top_pusd,
			    p->tok_pusd[context][class]);
	return top_pusd == 0 || markup_ppm == 0;
}

struct budget_quote
budget_quote_of(const struct price *p, uint64_t markup_ppm,
    int64_t threshold_tok, uint64_t prompt_tok, uint64_t n)
{
	bool may_be_long = threshold_tok >= 0 &&
			   prompt_tok > (uint64_t)threshold_tok;
	struct budget_quote q = {
		.request_pusd = p->request_pusd,
		.markup_ppm = markup_ppm,
		.prompt_tok = prompt_tok,
		.n = n,
	};

	for (int context = 0; context < (may_be_long ? TOK_CONTEXT__MAX : 1);
	     context++)
		for (int class = 0; class < TOK_CLASS__MAX; class ++) {
			int64_t *top = class < TOK_CLASS_FIRST_OUT
					   ? &q.in_pusd
					   : &q.out_pusd;

			*top = larger(*top, p->tok_pusd[context][class]);
		}
	return q;
}

int64_t
budget_quote_pusd(const struct budget_quote *q, uint64_t out_tok)
{
	int64_t in_pusd, out_pusd, sum_pusd;
	struct error ignored;
	enum err err = money_mul_tok(q->in_pusd, q->prompt_tok, &in_pusd,
	    &ignored);

	if (!err)
		err = money_mul_tok(q->out_pusd, out_tok, &out_pusd, &ignored);
	if (!err)
		err = money_add(in_pusd, out_pusd, &sum_pusd, &ignored);
	if (!err)
		err = money_mul_tok(sum_pusd, q->n, &sum_pusd, &ignored);
	if (!err)
		err = money_add(sum_pusd, q->request_pusd, &sum_pusd, &ignored);
	if (!err)
		err = money_mul_ppm(sum_pusd, q->markup_ppm, &sum_pusd,
		    &ignored);
	return err ? INT64_MAX : sum_pusd;
}

/* By halves, as rounding and bounds are then the same as everywhere. */
uint64_t
budget_quote_affords(const struct budget_quote *q, int64_t amount_pusd,
    uint64_t out_tok)
{
	uint64_t low = 0, high = out_tok;

	if (budget_quote_pusd(q, out_tok) <= amount_pusd)
		return out_tok;
	while (low + 1 < high) {
		uint64_t mid = low + (high - low) / 2;

		if (budget_quote_pusd(q, mid) <= amount_pusd)
			low = mid;
		else
			high = mid;
	}
	return low;
}
