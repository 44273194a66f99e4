/* SPDX-License-Identifier: MIT */
#include "domain/principal.h"

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
