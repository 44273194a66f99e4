/* SPDX-License-Identifier: MIT */
#include "domain/principal.h"

bool
principal_may_come_from(const struct principal *p, const struct cidr_addr *addr)
{
	return p->allowed_ips.n == 0 ||
	       (addr && cidr_list_contains(&p->allowed_ips, addr));
}

bool
principal_may_use_model(const struct principal *p, uint64_t model_id)
{
	size_t from = 0, to = p->n_models;

	if (p->all_models)
		return true;
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (p->model_ids[middle] == model_id)
			return true;
		if (p->model_ids[middle] < model_id)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

unsigned
principal_hard_budgets(const struct principal *p, uint32_t ret[BUDGET_PER_KEY])
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_budgets; i++)
		if (p->budgets[i].kind == BUDGET_HARD)
			ret[n++] = (uint32_t)p->budgets[i].budget_id;
	return n;
}
