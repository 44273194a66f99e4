/* SPDX-License-Identifier: MIT */
#include "handler/web/limit_view.h"

#include <stdlib.h>
#include <string.h>

#include "handler/web/view.h"

#define SHORT_MAX 3 /* limits in a row of a list */

static const char *const units[LIMIT__UNITS] = {
	[LIMIT_REQUESTS] = "requests",
	[LIMIT_TOKENS] = "tokens",
};
static const char *const windows[LIMIT__WINDOWS] = {
	[LIMIT_MINUTE] = "a minute",
	[LIMIT_HOUR] = "an hour",
	[LIMIT_DAY] = "a day",
};
static const char *const scopes[LIMIT__SCOPES] = {
	[LIMIT_KEY_MODEL] = "each model apart",
	[LIMIT_KEY] = "all models together",
	[LIMIT_CUSTOMER] = "all keys together",
	[LIMIT_MODEL] = "all users of a model together",
	[LIMIT_ADDRESS] = "from one address",
};

/* "requests a minute, each model apart" */
static struct str
words(struct arena *a, enum limit_metric m)
{
	const struct limit_metric_info *info = &limit_metrics[m];

	if (m == LIMIT_CONCURRENT)
		return S("requests at once");
	return arena_printf(a, "%s %s, %s", units[info->unit],
	    windows[info->window], scopes[info->scope]);
}

static struct str
capital(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n);

	for (size_t i = 0; p && i < s.n; i++)
		p[i] = s.p[i];
	if (p && s.n && p[0] >= 'a' && p[0] <= 'z')
		p[0] = (char)(p[0] - 'a' + 'A');
	return str_make(p, p ? s.n : 0);
}

static struct str
from(struct arena *a, unsigned layer, struct str tier_name)
{
	switch ((enum key_limit_layer)layer) {
	case KEY_LIMITS_OWN:
		return S("this key");
	case KEY_LIMITS_TIER:
		return tier_name.n ? arena_printf(a, "its tier %" PRI_STR,
					 STR_ARG(tier_name))
				   : S("its tier");
	case KEY_LIMITS_USER_TIER:
		return S("the tier of its member");
	case KEY_LIMITS_ROLE_TIER:
		return S("the tier of its member's role");
	case KEY_LIMITS_CUSTOMER:
		return S("the customer");
	case KEY_LIMITS__N:
		break;
	}
	return S("the service's default");
}

static void
add_row(struct tval *list, enum limit_metric m, int64_t max, struct str source)
{
	struct tval *row = tval_push_object(list);

	if (!row)
		return;
	if (m == LIMIT_SLIDING) {
		tval_set_text(row, "name", S("Windows"));
		tval_set_text(row, "value",
		    max > 0 ? S("sliding") : S("fixed"));
	} else {
		tval_set_text(row, "name", capital(row->a, words(row->a, m)));
		tval_set_text(row, "value",
		    max > 0 ? view_count_text(row->a, (uint64_t)max)
			    : S("no limit"));
	}
	tval_set_text(row, "from", source);
}

void
web_limits_view(struct tval *o, const struct limit_set layers[KEY_LIMITS__N],
    const struct limit_set *defaults, struct str tier_name)
{
	struct tval *list = tval_set_list(o, "limits");

	/* The shortest window first, which is what people look for. */
	for (unsigned i = 0; list && i < LIMIT__METRICS; i++) {
		enum limit_metric m = i < LIMIT__COUNTED
					  ? LIMIT__COUNTED - 1 - i
					  : i;
		unsigned k = KEY_LIMITS_OWN;
		int64_t max;

		while (k < KEY_LIMITS__N && !limit_set_states(&layers[k], m))
			k++;
		max = limit_set_get(k < KEY_LIMITS__N ? &layers[k] : defaults,
		    m);
		if (max > 0 || (k < KEY_LIMITS__N && max == 0))
			add_row(list, m, max, from(list->a, k, tier_name));
	}
	tval_set_bool(o, "has_limits", list && list->first);
}

void
web_limits_push(struct tval *list, const struct limit_set *set)
{
	unsigned n_in_force = 0;

	for (unsigned i = 0; list && i <= LIMIT_CONCURRENT; i++) {
		enum limit_metric m = i < LIMIT__COUNTED
					  ? LIMIT__COUNTED - 1 - i
					  : i;
		int64_t max = limit_set_get(set, m);
		struct str n;

		if (max <= 0 || ++n_in_force > SHORT_MAX)
			continue;
		n = view_count_text(list->a, (uint64_t)max);
		tval_push_text(list,
		    arena_printf(list->a, "%" PRI_STR " %" PRI_STR, STR_ARG(n),
			STR_ARG(words(list->a, m))));
	}
	if (n_in_force > SHORT_MAX)
		tval_push_text(list, arena_printf(list->a, "and %u more",
					 n_in_force - SHORT_MAX));
}

static const struct err_info *
info_of(struct str reason)
{
	for (unsigned c = OK + 1; c < ERR__MAX; c++) {
		const struct err_info *info = err_info((enum err)c);

		if (str_eq(reason, str_from(info->api_code)))
			return info;
	}
	return NULL;
}

const char *
web_refusal_text(struct str reason)
{
	const struct err_info *info = info_of(reason);

	return info ? info->public_text : "";
}

const char *
web_limit_refusal_text(struct str reason)
{
	const struct err_info *info = info_of(reason);

	return info && info->http_status == 429 ? info->public_text : NULL;
}

static int
is_rarer(const void *pa, const void *pb)
{
	const struct report_refusal *a = pa, *b = pb;
	size_t n = a->reason.n < b->reason.n ? a->reason.n : b->reason.n;
	int order = memcmp(a->reason.p, b->reason.p, n);

	if (a->refusals != b->refusals)
		return a->refusals < b->refusals ? 1 : -1;
	return order ? order : (a->reason.n > n) - (b->reason.n > n);
}

size_t
web_refusals_sum_up(struct report_refusal *rows, size_t n)
{
	size_t n_reasons = 0, k;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < n_reasons; k++)
			if (str_eq(rows[k].reason, rows[i].reason))
				break;
		if (k < n_reasons)
			rows[k].refusals += rows[i].refusals;
		else
			rows[n_reasons++] = rows[i];
	}
	if (n_reasons)
		qsort(rows, n_reasons, sizeof(*rows), is_rarer);
	return n_reasons;
}
