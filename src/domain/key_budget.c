/* SPDX-License-Identifier: MIT */
/* What may be said about the budgets of keys: never more than who asks has. */
#include "domain/key_manage.h"

/* The hard budget of the key that asks; NULL: it has none. */
static const struct budget_ref *
own_budget(const struct principal *who)
{
	for (unsigned i = 0; i < who->n_budgets; i++)
		if (who->budgets[i].scope == BUDGET_KEY &&
		    who->budgets[i].kind == BUDGET_HARD)
			return &who->budgets[i];
	return NULL;
}

static enum err
refuse(const struct principal *who, struct error *e)
{
	return error_public(e, ERR_FORBIDDEN, "budget",
	    who->kind == PRINCIPAL_KEY
		? "A key cannot grant more than it has."
		: "Only an owner may loosen a key's hard budget.");
}

enum err
key_budget_check(const struct principal *who, uint64_t api_key_id,
    const struct budget_terms *has_own, const struct budget_terms *terms,
    struct error *e)
{
	const struct budget_ref *own;
	bool is_itself = api_key_id && api_key_id == who->api_key_id;

	if (principal_is_operator(who))
		return OK;
	own = own_budget(who);
	if (own && !budget_is_within(terms, own->period, own->amount_pusd))
		return refuse(who, e);
	if (has_own && has_own->kind == BUDGET_HARD &&
	    (is_itself || !principal_is_owner(who)) &&
	    !budget_is_within(terms, has_own->period, has_own->amount_pusd))
		return refuse(who, e);
	return OK;
}

void
key_budget_default(const struct principal *who, struct budget_member *m)
{
	const struct budget_ref *own = who->kind == PRINCIPAL_KEY
					   ? own_budget(who)
					   : NULL;

	if (!own)
		return;
	m->is_given = m->has_terms = true;
	m->terms = (struct budget_terms){ own->amount_pusd, own->kind,
		own->period, S(BUDGET_NOTIFY_DEFAULT) };
}
