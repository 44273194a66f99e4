/* SPDX-License-Identifier: MIT */
#include "admin/limits.h"

#define TEXT_BYTES 2048

static bool
has_member(enum limit_metric metric)
{
	return metric == LIMIT_KEY_MODEL_REQUESTS_MINUTE ||
	       metric == LIMIT_KEY_MODEL_REQUESTS_HOUR;
}

static enum err
put(void *ctx, enum limit_metric metric, int64_t max, struct error *e)
{
	if (has_member(metric))
		return error_set(e, ERR_BAD_PARAM, "%s is --per-%s",
		    limit_metric_names[metric],
		    metric == LIMIT_KEY_MODEL_REQUESTS_HOUR ? "hour"
							    : "minute");
	limit_set_put(ctx, metric, max);
	return OK;
}

static enum err
read_count(struct admin *ad, const char *option, enum limit_metric metric,
    struct limit_set *set, struct error *e)
{
	int64_t max = limit_set_get(set, metric);
	enum err err = admin_opt_count(ad, option, &max, e);

	if (!err)
		limit_set_put(set, metric, max);
	return err;
}

enum err
limits_read(struct admin *ad, struct limit_set *set, struct error *e)
{
	struct str list = admin_opt(ad, "limit");
	struct error why;
	enum err err = read_count(ad, "per-minute",
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, set, e);

	if (!err)
		err = read_count(ad, "per-hour", LIMIT_KEY_MODEL_REQUESTS_HOUR,
		    set, e);
	if (!err && list.p && limit_list_parse(list, put, set, &why))
		return admin_usage(e, "--limit: %s", why.internal);
	return err;
}

struct str
limits_text(struct admin *ad, const struct limit_set *set)
{
	struct buf b;
	struct str text = { NULL, 0 };
	struct error ignored; /* a full arena shows where it is used */

	buf_init(&b, admin_arena(ad), TEXT_BYTES);
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (limit_set_states(set, m))
			buf_addf(&b, "%s%s=%lld", b.n ? "," : "",
			    limit_metric_names[m], (long long)set->max[m]);
	if (buf_finish(&b, &text, &ignored))
		return S("");
	return text;
}

struct str
limits_others_text(struct admin *ad, const struct limit_set *set)
{
	struct limit_set others = *set;

	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (has_member(m))
			limit_set_put(&others, m, LIMIT_UNSTATED);
	return limits_text(ad, &others);
}

void
limits_show(struct admin *ad, const struct limit_set *set)
{
	admin_count(ad, "rate_limit_per_minute",
	    limit_set_get(set, LIMIT_KEY_MODEL_REQUESTS_MINUTE));
	admin_count(ad, "rate_limit_per_hour",
	    limit_set_get(set, LIMIT_KEY_MODEL_REQUESTS_HOUR));
	admin_str(ad, "limits", limits_others_text(ad, set));
}
