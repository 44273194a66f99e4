/* SPDX-License-Identifier: MIT */
#include "base/limit_set.h"

const struct limit_metric_info limit_metrics[LIMIT__METRICS] = {
#define LIMIT_METRIC(scope, unit, window, name, space) \
 [LIMIT_##scope##_##unit##_##                          \
     window] = { LIMIT_##scope, LIMIT_##unit, LIMIT_##window, name, space },
#include "base/limit_metrics.def"
#undef LIMIT_METRIC
	[LIMIT_CONCURRENT] = { LIMIT_KEY, LIMIT_REQUESTS, LIMIT_MINUTE,
	    "key.concurrent", NULL },
	[LIMIT_SLIDING] = { LIMIT_KEY, LIMIT_REQUESTS, LIMIT_MINUTE, "sliding",
	    NULL },
};

const char *const limit_metric_names[LIMIT__METRICS] = {
#define LIMIT_METRIC(scope, unit, window, name, space) \
 [LIMIT_##scope##_##unit##_##window] = name,
#include "base/limit_metrics.def"
#undef LIMIT_METRIC
	[LIMIT_CONCURRENT] = "key.concurrent",
	[LIMIT_SLIDING] = "sliding",
};

void
limit_set_put(struct limit_set *set, enum limit_metric metric, int64_t max)
{
	set->stated &= ~(UINT32_C(1) << metric);
	set->max[metric] = max;
	if (max >= 0)
		set->stated |= UINT32_C(1) << metric;
}

int64_t
limit_set_get(const struct limit_set *set, enum limit_metric metric)
{
	return limit_set_states(set, metric) ? set->max[metric]
					     : LIMIT_UNSTATED;
}

void
limit_set_inherit(struct limit_set *set, const struct limit_set *farther)
{
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (!limit_set_states(set, m) && limit_set_states(farther, m))
			limit_set_put(set, m, farther->max[m]);
}

bool
limit_metric_parse(struct str name, enum limit_metric *ret)
{
	for (unsigned m = 0; m < LIMIT__METRICS; m++) {
		if (!str_eq(name, str_from(limit_metric_names[m])))
			continue;
		*ret = m;
		return true;
	}
	return false;
}

int64_t
limit_metric_max(enum limit_metric metric)
{
	if (metric == LIMIT_SLIDING)
		return 1;
	return metric == LIMIT_KEY_MODEL_REQUESTS_MINUTE ||
		       metric == LIMIT_KEY_MODEL_REQUESTS_HOUR
		   ? LIMIT_RATE_MAX
		   : LIMIT_AMOUNT_MAX;
}

static enum err
item_parse(struct str item, limit_item_fn *fn, void *ctx, struct error *e)
{
	size_t eq = str_find(item, '=');
	struct str name = str_trim(str_make(item.p, eq));
	struct str number = str_trim(
	    eq < item.n ? str_skip(item, eq + 1) : S(""));
	enum limit_metric metric;
	int64_t max = LIMIT_UNSTATED;

	if (!limit_metric_parse(name, &metric))
		return error_set(e, ERR_BAD_PARAM,
		    "there is no limit \"%.*s\"; they are called like "
		    "key.tokens.minute, customer.requests.day, key.concurrent",
		    name.n > 40 ? 40 : (int)name.n, name.p);
	if (!str_eq(number, S("none")) &&
	    !str_to_i64(number, 0, limit_metric_max(metric), &max))
		return error_set(e, ERR_BAD_PARAM,
		    "%s must be a whole number up to %lld, or none",
		    limit_metric_names[metric],
		    (long long)limit_metric_max(metric));
	return fn(ctx, metric, max, e);
}

enum err
limit_list_parse(struct str list, limit_item_fn *fn, void *ctx, struct error *e)
{
	struct str item;
	enum err err = OK;

	if (str_trim(list).n == 0)
		return OK;
	while (!err && str_split(&list, ',', &item))
		err = item_parse(str_trim(item), fn, ctx, e);
	return err;
}

static enum err
put_item(void *ctx, enum limit_metric metric, int64_t max, struct error *e)
{
	(void)e;
	limit_set_put(ctx, metric, max);
	return OK;
}

enum err
limit_set_parse(struct str list, struct limit_set *set, struct error *e)
{
	return limit_list_parse(list, put_item, set, e);
}
