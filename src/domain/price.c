/* SPDX-License-Identifier: MIT */
#include "domain/price.h"

#include "base/money.h"
#include "store/price.h"

/* *sum += price * n_tok */
static enum err
add_class(int64_t *sum_pusd, int64_t price_pusd, uint64_t n_tok,
    struct error *e)
{
	int64_t part_pusd;
	enum err rc = money_mul_tok(price_pusd, n_tok, &part_pusd, e);

	return rc ? rc : money_add(*sum_pusd, part_pusd, sum_pusd, e);
}

enum err
price_cost(const struct price *p, const struct tokens *t, uint64_t markup_ppm,
    struct cost *ret, struct error *e)
{
	struct cost cost = { .provider_pusd = p->request_pusd };
	enum err rc = OK;

	for (int context = 0; !rc && context < TOK_CONTEXT__MAX; context++)
		for (int class = 0; !rc && class < TOK_CLASS__MAX; class ++)
			rc = add_class(&cost.provider_pusd,
			    p->tok_pusd[context][class], t->tok[context][class],
			    e);
	if (!rc)
		rc = money_mul_ppm(cost.provider_pusd, markup_ppm,
		    &cost.charged_pusd, e);
	if (!rc)
		*ret = cost;
	return rc;
}

enum err
price_charge(const struct price *p, const struct tokens *t, uint64_t markup_ppm,
    struct cost *ret, struct error *e)
{
	if (tokens_in(t) + tokens_out(t) == 0) {
		*ret = (struct cost){ 0, 0 };
		return OK;
	}
	return price_cost(p, t, markup_ppm, ret, e);
}

enum err
price_reported(const struct price *p, const struct tokens *t,
    enum usage_status status, uint64_t markup_ppm, struct cost *ret,
    struct error *e)
{
	return status == USAGE_OK ? price_cost(p, t, markup_ppm, ret, e)
				  : price_charge(p, t, markup_ppm, ret, e);
}

size_t
price_same_model(const struct price *versions, size_t n)
{
	size_t i = 0;

	while (i < n && versions[i].model_id == versions[0].model_id)
		i++;
	return i;
}

const struct price *
price_at(const struct price *versions, size_t n, int64_t at_ms)
{
	const struct price *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (versions[i].effective_from_ms <= at_ms &&
		    (!found || found->effective_from_ms <
				   versions[i].effective_from_ms))
			found = &versions[i];
	return found;
}

static uint64_t
sum_classes(const struct tokens *t, int first, int end)
{
	uint64_t sum = 0;

	for (int context = 0; context < TOK_CONTEXT__MAX; context++)
		for (int class = first; class < end; class ++)
			sum += t->tok[context][class];
	return sum;
}

uint64_t
tokens_in(const struct tokens *t)
{
	return sum_classes(t, 0, TOK_CLASS_FIRST_OUT);
}

uint64_t
tokens_out(const struct tokens *t)
{
	return sum_classes(t, TOK_CLASS_FIRST_OUT, TOK_CLASS__MAX);
}

void
tokens_apply_threshold(struct tokens *t, int64_t threshold_tok)
{
	if (threshold_tok < 0 || tokens_in(t) <= (uint64_t)threshold_tok)
		return;
	for (int class = 0; class < TOK_CLASS__MAX; class ++) {
		t->tok[TOK_LONG][class] += t->tok[TOK_NORMAL][class];
		t->tok[TOK_NORMAL][class] = 0;
	}
}
