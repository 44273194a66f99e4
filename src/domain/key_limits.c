/* SPDX-License-Identifier: MIT */
/* A key's limits: who states them, in which order, and what they are called
 * to clients. */
#include "domain/key.h"

const char *
key_limit_member(enum limit_metric metric)
{
	if (metric == LIMIT_KEY_MODEL_REQUESTS_MINUTE)
		return "rate_limit";
	return metric == LIMIT_KEY_MODEL_REQUESTS_HOUR ? "rate_limit_per_hour"
						       : "rate_limits";
}

void
key_limits_resolve(const struct limit_set layers[KEY_LIMITS__N],
    const struct limit_set *defaults, struct limit_set *ret)
{
	*ret = layers[KEY_LIMITS_OWN];
	for (unsigned i = KEY_LIMITS_OWN + 1; i < KEY_LIMITS__N; i++)
		limit_set_inherit(ret, &layers[i]);
	if (defaults)
		limit_set_inherit(ret, defaults);
}
