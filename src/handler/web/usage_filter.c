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
	AT_KEY_CALLED,
	AT_USER_CALLED,
	AT_PROJECT_CALLED,
	AT_AGENT_CALLED,
	AT_CONNECTOR_CALLED,
	AT_SHOWN_FROM,
	AT_SHOWN_TO,
	AT_CUSTOMER,
	AT_CUSTOMER_CALLED,
	AT__N
};
_Static_assert(AT_CUSTOMER == WEB_USAGE_N_PARAMS &&
		   AT__N == AT_CUSTOMER + WEB_USAGE_N_ADMIN_PARAMS,
    "a parameter has no place");

/* clang-format off */
static const struct {
	const char *name;
	const char *label;
	enum name_kind kind;
	int called_at; /* where something typed is; 0: it can't be */
	const char *called, *or_label;
} ids[AT__N] = {
	[AT_KEY] = { "api_key_id", "API key", NAME_KEY, AT_KEY_CALLED, "api_key", "Or another API key" },
	[AT_USER] = { "user_id", "User", NAME_USER, AT_USER_CALLED, "user", "Or another user" },
	[AT_PROJECT] = { "project_id", "Project", NAME_PROJECT, AT_PROJECT_CALLED, "project", "Or another project" },
	[AT_AGENT] = { "agent_id", "Agent", NAME_AGENT, AT_AGENT_CALLED, "agent", "Or another agent" },
	[AT_CONNECTOR] = { "connector_id", "Connector", NAME_CONNECTOR, AT_CONNECTOR_CALLED, "connector", "Or another connector" },
	[AT_MODEL] = { "model_id", "Model", NAME_MODEL, 0, NULL, NULL },
	[AT_PROVIDER] = { "provider_id", "Provider", NAME_PROVIDER, 0, NULL, NULL },
	[AT_CUSTOMER] = { "customer_id", "Customer", NAME_CUSTOMER, AT_CUSTOMER_CALLED, "customer", "Or another customer" },
};
/* clang-format on */

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

/* A date that nobody touched is the time that it was filled in for. */
static void
take_shown(struct param_value *date, const struct param_value *shown)
{
	if (date->is_set && shown->is_set && shown->text.n > DATE_CHARS &&
	    str_eq(date->text, str_make(shown->text.p, DATE_CHARS)))
		*date = *shown;
}

static bool
is_typed(const struct param_value *date, const struct param_value *shown)
{
	return date->is_set && !str_eq(date->text, shown->text);
}

/* Without script nothing sets the range to that of dates that are typed. */
static enum web_range
range_of(const struct param_value *v, enum web_range if_unsaid)
{
	bool has_dates = v[AT_FROM].is_set || v[AT_TO].is_set;

	if (is_typed(&v[AT_FROM], &v[AT_SHOWN_FROM]) ||
	    is_typed(&v[AT_TO], &v[AT_SHOWN_TO]))
		return WEB_RANGE_CUSTOM;
	if (v[AT_RANGE].is_set)
		return (enum web_range)v[AT_RANGE].u64;
	return has_dates ? WEB_RANGE_CUSTOM : if_unsaid;
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

/* What is chosen. A customer's page is always of that one. */
static void
read_ids(struct web_usage_filter *f)
{
	const struct param_value *v = f->v;

	if (f->is_admin)
		f->filter.customer_id = v[AT_CUSTOMER].u64;
	f->filter.provider_id = v[AT_PROVIDER].u64;
	f->filter.api_key_id = v[AT_KEY].u64;
	f->filter.user_id = v[AT_USER].u64;
	f->filter.project_id = v[AT_PROJECT].u64;
	f->filter.agent_id = v[AT_AGENT].u64;
	f->filter.connector_id = v[AT_CONNECTOR].u64;
	f->filter.model_id = v[AT_MODEL].u64;
	f->filter.status = v[AT_STATUS].text;
}

enum err
web_usage_filter_read(struct param_value *v, enum web_range if_unsaid,
    uint64_t customer_id, int64_t now_ms, struct web_usage_filter *ret,
    struct error *e)
{
	take_shown(&v[AT_FROM], &v[AT_SHOWN_FROM]);
	take_shown(&v[AT_TO], &v[AT_SHOWN_TO]);
	*ret = (struct web_usage_filter){
		.v = v,
		.is_admin = customer_id == 0,
		.range = range_of(v, if_unsaid),
		.filter = { .customer_id = customer_id },
	};
	read_ids(ret);
	return read_times(v, ret->range, now_ms, &ret->filter, e);
}

/* ---- what is typed ---- */

/* What is typed is meant, whatever is chosen beside it. */
static enum err
find_called(struct web_usage_filter *f, const struct manager *m, int at,
    struct arena *a, struct error *e)
{
	struct str typed = f->v[ids[at].called_at].text;
	struct str *why_not = &f->why_not[ids[at].kind];
	uint64_t whose = at == AT_CUSTOMER ? 0 : f->filter.customer_id;
	uint64_t id;
	enum err err = web_called_find(m, ids[at].kind, whose, typed, a, &id,
	    why_not, e);

	if (err)
		return err;
	f->is_unclear = f->is_unclear || why_not->n;
	f->v[at] = (struct param_value){ .is_set = id != 0,
		.u64 = id,
		.text = id ? arena_printf(a, "%llu", (unsigned long long)id)
			   : S("") };
	read_ids(f);
	return OK;
}

static bool
is_called(const struct web_usage_filter *f, int at)
{
	return ids[at].called_at && f->v[ids[at].called_at].is_set;
}

static enum err
find_all_called(struct web_usage_filter *f, const struct manager *m,
    struct arena *a, struct error *e)
{
	enum err err = OK;

	/* Whose the others are comes first. */
	if (f->is_admin && is_called(f, AT_CUSTOMER))
		err = find_called(f, m, AT_CUSTOMER, a, e);
	for (int i = 0; i < AT_CUSTOMER && !err; i++)
		if (is_called(f, i))
			err = find_called(f, m, i, a, e);
	return err;
}

int
web_usage_filter_status(const struct web_usage_filter *f)
{
	return f->is_unclear ? err_info(ERR_BAD_PARAM)->http_status : 200;
}

enum err
web_usage_filter_clear(const struct web_usage_filter *f, struct error *e)
{
	for (int i = 0; i < at_end(f); i++)
		if (is_called(f, i) && f->why_not[ids[i].kind].n)
			return error_public(e, ERR_BAD_PARAM, ids[i].called,
			    "%s: %" PRI_STR, ids[i].called,
			    STR_ARG(f->why_not[ids[i].kind]));
	return OK;
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
	const struct usage_wish used = {
		.by = { USAGE_BY_NOTHING,
		    kind == NAME_MODEL ? USAGE_BY_MODEL : USAGE_BY_PROVIDER },
		.filter = { .customer_id = f->filter.customer_id,
		    .from_ms = month_ms(m->now_ms, MODELS_SINCE),
		    .to_ms = rollup_next_ms(m->now_ms, ROLLUP_MONTH) },
		.rank = USAGE_RANK_REQUESTS, /* that there are some */
	};
	struct usage_report r;
	uint64_t *some;
	enum err err = usage_report_wish(m->db, &used, m->now_ms, a, &r, e);

	if (err)
		return err;
	some = arena_array(a, uint64_t, r.n + 1);
	if (!some)
		return error_arena(e, a);
	for (size_t i = 0; i < r.n; i++)
		some[i] = r.groups[i].by[1];
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
	uint64_t whose;
	enum err err = find_all_called(f, m, a, e);

	if (!err)
		err = usage_ids_filter(m, &f->filter, a, &whose, e);
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
	/* What is read is that one's alone; what can be chosen depends on who
	 * was chosen. */
	if (!err)
		f->filter.customer_id = whose;
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

static void
add_ids(const struct web_usage_filter *f, struct url *u, const char *without)
{
	for (int i = AT_KEY; i < at_end(f); i++) {
		const char *name = i == AT_STATUS ? "request_status"
						  : ids[i].name;

		if (name && f->v[i].is_set &&
		    !(without && strcmp(name, without) == 0))
			url_arg(u, name, f->v[i].text);
	}
}

void
web_usage_filter_args(const struct web_usage_filter *f, struct url *u,
    const char *without)
{
	bool is_custom = f->range == WEB_RANGE_CUSTOM;

	url_arg(u, "range", web_usage_range(f));
	if (is_custom && f->v[AT_FROM].is_set)
		url_arg(u, "from", f->v[AT_FROM].text);
	if (is_custom && f->v[AT_TO].is_set)
		url_arg(u, "to", f->v[AT_TO].text);
	add_ids(f, u, without);
}

/* A day that is named as the end is part of the time. */
static void
add_time(struct url *u, const char *name, int64_t time_ms, bool is_end)
{
	bool is_day = time_ms % DAY_MS == 0;
	char text[CLOCK_TEXT_BYTES];

	clock_format(is_day && is_end ? time_ms - DAY_MS : time_ms, text);
	url_arg(u, name, str_make(text, is_day ? DATE_CHARS : strlen(text)));
}

void
web_usage_filter_args_at(const struct web_usage_filter *f, struct url *u,
    int64_t from_ms, int64_t to_ms)
{
	url_arg(u, "range", S("custom"));
	add_time(u, "from", from_ms, false);
	add_time(u, "to", to_ms, true);
	add_ids(f, u, NULL);
}

static struct tval *
begin_select(struct tval *list, const char *name, struct str label)
{
	struct tval *s = tval_push_object(list);

	tval_set_text(s, "name", str_from(name));
	tval_set_text(s, "label", label);
	return s;
}

static void
add_option(struct tval *options, struct str value, struct str text, bool is_on)
{
	struct tval *o = tval_push_object(options);

	tval_set_text(o, "value", value);
	tval_set_text(o, "text", text);
	tval_set_bool(o, "is_on", is_on);
}

static struct tval *
add_select(struct tval *list, const char *name, const char *label,
    const char *const *options, struct str chosen)
{
	struct tval *s = begin_select(list, name, str_from(label));
	struct tval *all = tval_set_list(s, "options");

	for (; *options; options++) {
		struct str text = str_from(*options), word;

		(void)str_split(&text, '|', &word);
		add_option(all, word, text, str_eq(word, chosen));
	}
	return s;
}

void
web_usage_select(struct tval *list, const char *name, const char *label,
    const char *const *options, struct str chosen)
{
	(void)add_select(list, name, label, options, chosen);
}

static void
set_or(struct tval *s, const char *name, struct str label, struct str text,
    struct str message)
{
	tval_set_text(s, "or_name", str_from(name));
	tval_set_text(s, "or_label", label);
	tval_set_text(s, "or_text", text);
	tval_set_text(s, "or_message", message);
}

/* Beside a select that lacks some: a field for whatever else there is. What
 * was typed and found is chosen in the select by now. */
static void
set_called(struct tval *s, const struct web_usage_filter *f, int at)
{
	struct str why_not = f->why_not[ids[at].kind];

	if (s && (f->has_more[ids[at].kind] || why_not.n))
		set_or(s, ids[at].called,
		    arena_printf(s->a, "%s: %s", ids[at].or_label,
			web_called_ways(ids[at].kind)),
		    why_not.n ? f->v[ids[at].called_at].text : S(""), why_not);
	else
		set_or(s, "", S(""), S(""), S(""));
}

static void
add_kind(struct tval *list, const struct web_usage_filter *f, int at)
{
	enum name_kind kind = ids[at].kind;
	struct str label = str_from(ids[at].label);
	bool is_listed = f->v[at].u64 == 0;
	struct tval *s, *options;

	if (!list ||
	    (is_listed && f->n_choices[kind] == 0 && !f->why_not[kind].n))
		return;
	if (f->has_more[kind])
		label = arena_printf(list->a, "%s (the newest %d)",
		    ids[at].label, CHOICES_MAX);
	s = begin_select(list, ids[at].name, label);
	set_called(s, f, at);
	options = tval_set_list(s, "options");
	add_option(options, S(""), S("All"), false);
	for (size_t i = 0; i < f->n_choices[kind]; i++) {
		const struct name *n = &f->choices[kind][i];

		is_listed = is_listed || n->id == f->v[at].u64;
		add_option(options,
		    arena_printf(list->a, "%llu", (unsigned long long)n->id),
		    web_usage_name(f, kind, n->id, list->a),
		    n->id == f->v[at].u64);
	}
	if (!is_listed)
		add_option(options, f->v[at].text,
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
		has_filters = has_filters ||
			      (f->v[i].is_set && i != AT_SHOWN_FROM &&
				  i != AT_SHOWN_TO);
		if (ids[i].name)
			add_kind(list, f, i);
	}
	set_or(add_select(list, "request_status", "Status", status_options,
		   f->v[AT_STATUS].text),
	    "", S(""), S(""), S(""));
	tval_set_text(o, "from", date_text(f, AT_FROM));
	tval_set_text(o, "to", date_text(f, AT_TO));
	tval_set_text(o, "shown_from", f->v[AT_FROM].text);
	tval_set_text(o, "shown_to", f->v[AT_TO].text);
	tval_set_bool(o, "is_custom", f->range == WEB_RANGE_CUSTOM);
	tval_set_bool(o, "has_filters", has_filters);
	tval_set_bool(o, "is_unclear", f->is_unclear);
}
