/* SPDX-License-Identifier: MIT */
#include "handler/web/usage_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "domain/usage_ids.h"
#include "domain/usage_report.h"
#include "handler/web/page.h"

#define CHOICES_MAX  40 /* of one kind: they are sent with each page */
#define DATE_CHARS   10
#define MODELS_SINCE 12 /* months */

/* Their places in WEB_USAGE_PARAMS and WEB_USAGE_ADMIN_PARAMS. */
enum {
	AT_RANGE,
	AT_FROM,
	AT_TO,
	AT_KEY,
	AT_USER,
	AT_PROJECT,
	AT_AGENT,
	AT_CONNECTOR,
	AT_MODEL,
	AT_PROVIDER,
	AT_STATUS,
	AT_CUSTOMER,
	AT__N
};
_Static_assert(AT_CUSTOMER == WEB_USAGE_N_PARAMS &&
		   AT__N == AT_CUSTOMER + WEB_USAGE_N_ADMIN_PARAMS,
    "a parameter has no place");

static const struct {
	const char *name;
	const char *label;
	enum name_kind kind;
} ids[AT__N] = {
	[AT_KEY] = { "api_key_id", "API key", NAME_KEY },
	[AT_USER] = { "user_id", "User", NAME_USER },
	[AT_PROJECT] = { "project_id", "Project", NAME_PROJECT },
	[AT_AGENT] = { "agent_id", "Agent", NAME_AGENT },
	[AT_CONNECTOR] = { "connector_id", "Connector", NAME_CONNECTOR },
	[AT_MODEL] = { "model_id", "Model", NAME_MODEL },
	[AT_PROVIDER] = { "provider_id", "Provider", NAME_PROVIDER },
	[AT_CUSTOMER] = { "customer_id", "Customer", NAME_CUSTOMER },
};

/* Behind the last parameter that the page has. */
static int
at_end(const struct web_usage_filter *f)
{
	return f->is_admin ? AT__N : AT_CUSTOMER;
}

const char *const web_range_options[] = { "24h|24 hours", "7d|7 days",
	"30d|30 days", "month|This month", "last-month|Last month",
	"12m|12 months", "custom|From … to …", NULL };
static const char *const status_options[] = { "|All", "ok|OK",
	"upstream_error|Upstream error", "timeout|Timed out",
	"client_closed|Client left", "interrupted|Interrupted", NULL };

struct str
web_usage_status_text(const char *status)
{
	size_t n = strlen(status);

	for (size_t i = 0; status_options[i]; i++)
		if (strncmp(status_options[i], status, n) == 0 &&
		    status_options[i][n] == '|')
			return str_from(status_options[i] + n + 1);
	return str_from(status);
}

/* ---- the time ---- */

/* The first of the month that lies so many months before. */
static int64_t
month_ms(int64_t now_ms, int back)
{
	int64_t t = rollup_start_ms(now_ms, ROLLUP_MONTH);

	while (back-- > 0)
		t = rollup_start_ms(t - 1, ROLLUP_MONTH);
	return t;
}

static enum err
read_custom(const struct param_value *v, int64_t end_ms, struct usage_filter *f,
    struct error *e)
{
	if (!v[AT_FROM].is_set)
		return error_public(e, ERR_BAD_PARAM, "from",
		    "from is missing: say when the time begins.");
	f->from_ms = v[AT_FROM].time_ms;
	/* A day that is named is part of the time. */
	if (v[AT_TO].is_set && v[AT_TO].time_ms < f->to_ms)
		f->to_ms = v[AT_TO].time_ms +
			   (v[AT_TO].text.n == DATE_CHARS ? DAY_MS : 0);
	if (f->to_ms > end_ms)
		f->to_ms = end_ms;
	if (f->from_ms < f->to_ms)
		return OK;
	return error_public(e, ERR_BAD_PARAM, "from",
	    "from must be before to, and not in the future.");
}

/* What is later than the hour that it is can't be there yet. */
static enum err
read_times(const struct param_value *v, enum web_range range, int64_t now_ms,
    struct usage_filter *f, struct error *e)
{
	int64_t today_ms = rollup_start_ms(now_ms, ROLLUP_DAY);

	f->to_ms = rollup_start_ms(now_ms, ROLLUP_HOUR) + HOUR_MS;
	switch (range) {
	case WEB_RANGE_24H:
		f->from_ms = f->to_ms - DAY_MS;
		break;
	case WEB_RANGE_7D:
		f->from_ms = today_ms - 6 * DAY_MS;
		break;
	case WEB_RANGE_30D:
		f->from_ms = today_ms - 29 * DAY_MS;
		break;
	case WEB_RANGE_MONTH:
		f->from_ms = month_ms(now_ms, 0);
		break;
	case WEB_RANGE_LAST_MONTH:
		f->from_ms = month_ms(now_ms, 1);
		f->to_ms = month_ms(now_ms, 0);
		break;
	case WEB_RANGE_12M:
		f->from_ms = month_ms(now_ms, 11);
		break;
	case WEB_RANGE_CUSTOM:
	case WEB_RANGE__N:
		return read_custom(v, f->to_ms, f, e);
	}
	return OK;
}

enum err
web_usage_filter_read(const struct param_value *v, enum web_range if_unsaid,
    uint64_t customer_id, int64_t now_ms, struct web_usage_filter *ret,
    struct error *e)
{
	bool is_admin = customer_id == 0;

	*ret = (struct web_usage_filter){
		.v = v,
		.is_admin = is_admin,
		.range = v[AT_RANGE].is_set  ? (enum web_range)v[AT_RANGE].u64
			 : v[AT_FROM].is_set ? WEB_RANGE_CUSTOM
					     : if_unsaid,
		.filter = { .customer_id = is_admin ? v[AT_CUSTOMER].u64
						    : customer_id,
		    .provider_id = v[AT_PROVIDER].u64,
		    .api_key_id = v[AT_KEY].u64,
		    .user_id = v[AT_USER].u64,
		    .project_id = v[AT_PROJECT].u64,
		    .agent_id = v[AT_AGENT].u64,
		    .connector_id = v[AT_CONNECTOR].u64,
		    .model_id = v[AT_MODEL].u64,
		    .status = v[AT_STATUS].text },
	};
	return read_times(v, ret->range, now_ms, &ret->filter, e);
}

/* ---- names ---- */

static int
compare_names(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = n ? memcmp(a->name.p, b->name.p, n) : 0;

	if (order)
		return order;
	if (a->name.n != b->name.n)
		return a->name.n < b->name.n ? -1 : 1;
	return a->id < b->id ? -1 : 1;
}

/* Models and providers are everybody's, but only what was used is of
 * interest. */
static enum err
load_used(struct web_usage_filter *f, const struct manager *m,
    enum name_kind kind, uint64_t chosen, struct arena *a, struct error *e)
{
	const enum usage_dimension by[USAGE_BY_MAX] = { kind == NAME_MODEL
							    ? USAGE_BY_MODEL
							    : USAGE_BY_PROVIDER,
		USAGE_BY_NOTHING };
	const struct usage_filter used = {
		.customer_id = f->filter.customer_id,
		.from_ms = month_ms(m->now_ms, MODELS_SINCE),
		.to_ms = rollup_start_ms(month_ms(m->now_ms, 0) + 31 * DAY_MS,
		    ROLLUP_MONTH),
	};
	struct usage_report r;
	uint64_t *some;
	enum err err = usage_report(m->db, by, &used, m->now_ms, a, &r, e);

	if (err)
		return err;
	some = arena_array(a, uint64_t, r.n + 1);
	if (!some)
		return error_arena(e, a);
	for (size_t i = 0; i < r.n; i++)
		some[i] = r.groups[i].by[0];
	/* Whoever asks for any number is not told what it is called. */
	some[r.n] = f->is_admin ? chosen : 0;
	return web_usage_names(f, m, kind, some, r.n + 1, a, e);
}

/* The newest of a customer; of customers, of all. What belongs to a customer
 * can be chosen once one is. */
static enum err
load_newest(struct web_usage_filter *f, const struct manager *m,
    enum name_kind kind, struct arena *a, struct error *e)
{
	uint64_t whose = kind == NAME_CUSTOMER ? 0 : f->filter.customer_id;
	struct name *list;
	size_t n;
	enum err err;

	if (!whose && kind != NAME_CUSTOMER)
		return OK;
	err = store_name_list(m->db, kind, whose, CHOICES_MAX + 1, a, &list, &n,
	    e);
	if (err)
		return err;
	f->has_more[kind] = n > CHOICES_MAX;
	n -= f->has_more[kind];
	return web_usage_names_add(f, kind, list, n, a, e);
}

static enum err
load_kind(struct web_usage_filter *f, const struct manager *m,
    enum name_kind kind, uint64_t chosen, struct arena *a, struct error *e)
{
	enum err err;

	if (kind == NAME_MODEL || kind == NAME_PROVIDER)
		return load_used(f, m, kind, chosen, a, e);
	err = load_newest(f, m, kind, a, e);
	return err ? err : web_usage_names(f, m, kind, &chosen, 1, a, e);
}

enum err
web_usage_filter_load(struct web_usage_filter *f, const struct manager *m,
    struct arena *a, struct error *e)
{
	enum err err = usage_ids_filter(m, &f->filter, a, e);

	for (int i = 0; i < at_end(f) && !err; i++) {
		enum name_kind kind = ids[i].kind;

		if (!ids[i].name)
			continue;
		err = load_kind(f, m, kind, f->v[i].u64, a, e);
		if (err)
			break;
		f->n_choices[kind] = f->n_names[kind];
		f->choices[kind] = arena_array(a, struct name,
		    f->n_names[kind]);
		if (!f->choices[kind])
			return error_arena(e, a);
		if (f->n_names[kind] == 0)
			continue;
		memcpy(f->choices[kind], f->names[kind],
		    f->n_names[kind] * sizeof(struct name));
		qsort(f->choices[kind], f->n_names[kind], sizeof(struct name),
		    compare_names);
	}
	return err;
}

/* ---- address and form ---- */

struct str
web_usage_range(const struct web_usage_filter *f)
{
	static const char *const words[WEB_RANGE__N] = { "24h", "7d", "30d",
		"month", "last-month", "12m", "custom" };

	return str_from(words[f->range]);
}

void
web_usage_filter_args(const struct web_usage_filter *f, struct url *u,
    const char *without)
{
	static const char *const names[AT__N] = { [AT_FROM] = "from",
		[AT_TO] = "to",
		[AT_STATUS] = "request_status" };

	url_arg(u, "range", web_usage_range(f));
	for (int i = AT_FROM; i < at_end(f); i++) {
		const char *name = ids[i].name ? ids[i].name : names[i];

		if (!f->v[i].is_set ||
		    (without && strcmp(name, without) == 0) ||
		    (i <= AT_TO && f->range != WEB_RANGE_CUSTOM))
			continue;
		url_arg(u, name, f->v[i].text);
	}
}

static struct tval *
begin_select(struct tval *list, const char *name, struct str label)
{
	struct tval *s = tval_push_object(list);

	tval_set_text(s, "name", str_from(name));
	tval_set_text(s, "label", label);
	return tval_set_list(s, "options");
}

static void
add_option(struct tval *options, struct str value, struct str text, bool is_on)
{
	struct tval *o = tval_push_object(options);

	tval_set_text(o, "value", value);
	tval_set_text(o, "text", text);
	tval_set_bool(o, "is_on", is_on);
}

void
web_usage_select(struct tval *list, const char *name, const char *label,
    const char *const *options, struct str chosen)
{
	struct tval *s = begin_select(list, name, str_from(label));

	for (; *options; options++) {
		struct str text = str_from(*options), word;

		(void)str_split(&text, '|', &word);
		add_option(s, word, text, str_eq(word, chosen));
	}
}

static void
add_kind(struct tval *list, const struct web_usage_filter *f, int at)
{
	enum name_kind kind = ids[at].kind;
	struct str label = str_from(ids[at].label);
	bool is_listed = f->v[at].u64 == 0;
	struct tval *s;

	if (!list || (is_listed && f->n_choices[kind] == 0))
		return;
	if (f->has_more[kind])
		label = arena_printf(list->a, "%s (the newest %d)",
		    ids[at].label, CHOICES_MAX);
	s = begin_select(list, ids[at].name, label);
	add_option(s, S(""), S("All"), false);
	for (size_t i = 0; i < f->n_choices[kind]; i++) {
		const struct name *n = &f->choices[kind][i];

		is_listed = is_listed || n->id == f->v[at].u64;
		add_option(s,
		    arena_printf(list->a, "%llu", (unsigned long long)n->id),
		    web_usage_name(f, kind, n->id, list->a),
		    n->id == f->v[at].u64);
	}
	if (!is_listed)
		add_option(s, f->v[at].text,
		    web_usage_name(f, kind, f->v[at].u64, list->a), true);
}

static struct str
date_text(const struct web_usage_filter *f, int at)
{
	return f->range == WEB_RANGE_CUSTOM && f->v[at].is_set &&
		       f->v[at].text.n >= DATE_CHARS
		   ? str_make(f->v[at].text.p, DATE_CHARS)
		   : S("");
}

void
web_usage_filter_add(struct tval *o, const struct web_usage_filter *f)
{
	struct tval *list = tval_set_list(o, "filters");
	bool has_filters = false;

	for (int i = AT_KEY; i < at_end(f); i++) {
		has_filters = has_filters || f->v[i].is_set;
		if (ids[i].name)
			add_kind(list, f, i);
	}
	web_usage_select(list, "request_status", "Status", status_options,
	    f->v[AT_STATUS].text);
	tval_set_text(o, "from", date_text(f, AT_FROM));
	tval_set_text(o, "to", date_text(f, AT_TO));
	tval_set_bool(o, "is_custom", f->range == WEB_RANGE_CUSTOM);
	tval_set_bool(o, "has_filters", has_filters);
}
