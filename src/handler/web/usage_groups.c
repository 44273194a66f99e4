/* SPDX-License-Identifier: MIT */
/* The groups of the page Usage, over the whole time. */
#include "handler/web/usage.h"

#include "domain/usage_text.h"
#include "http/tval.h"

#define COLUMNS_MAX    9
#define HREF_BYTES_MAX KIB(4)

struct column {
	const struct usage_metric *metric;
	const char *name;
};

struct columns {
	struct column columns[COLUMNS_MAX];
	size_t first, n; /* those of first .. n - 1 are shown */
};

/* Always the same, but for what is not known, and what is looked at. */
static void
choose_columns(const struct usage_question *q, bool has_refusals,
    struct columns *ret)
{
	static const struct {
		const char *word, *name;
	} shown[] = { { "cost", "Cost" }, { "requests", "Requests" },
		{ "errors", "Failed" }, { "refusals", "Refused" },
		{ "tokens_in", "Tokens in" }, { "tokens_out", "Tokens out" },
		{ "latency_p50", "p50" }, { "latency_p95", "p95" } };
	bool is_among = q->metric->number == USAGE_NUMBER_REFUSALS;

	_Static_assert(ARRAY_LEN(shown) == COLUMNS_MAX - 1, "room for each");
	ret->n = 1;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		const struct usage_metric *m = usage_metric_of(shown[i].word);

		if (m->number == USAGE_NUMBER_REFUSALS && !has_refusals)
			continue;
		is_among = is_among || m == q->metric;
		ret->columns[ret->n++] = (struct column){ m, shown[i].name };
	}
	ret->columns[0] = (struct column){ q->metric, q->metric->name };
	ret->first = is_among ? 1 : 0;
}

static void
add_cells(struct tval *row, const struct columns *c,
    const struct usage_group *g)
{
	struct tval *cells = tval_set_list(row, "cells");

	for (size_t i = c->first; i < c->n; i++)
		usage_number_set(tval_push_object(cells),
		    c->columns[i].metric->unit,
		    usage_metric_value(c->columns[i].metric, g));
}

/* This page, but for an argument; others may follow. */
static void
self_url(struct url *u, struct buf *b, const struct app *app,
    const struct web_place *place, const struct usage_question *q,
    const char *without)
{
	web_place_url(u, b, app, place, "usage");
	url_arg(u, "metric", str_from(q->metric->word));
	url_arg(u, "group_by", str_from(q->asked->word));
	if (!q->is_auto)
		url_arg(u, "granularity",
		    str_from(usage_period_names[q->period]));
	web_usage_filter_args(&q->f, u, without);
}

struct str
usage_csv_href(const struct app *app, struct arena *a,
    const struct web_place *place, const struct usage_question *q)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, HREF_BYTES_MAX);
	self_url(&u, &b, app, place, q, NULL);
	url_arg(&u, "format", S("csv"));
	return buf_str(&b);
}

struct str
usage_period_href(const struct app *app, struct arena *a,
    const struct web_place *place, const struct usage_question *q,
    int64_t start_ms)
{
	const struct usage_filter *f = &q->f.filter;
	int64_t end_ms = rollup_next_ms(start_ms, q->period);
	struct buf b;
	struct url u;

	if (q->period == ROLLUP_HOUR)
		return S("");
	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place, "usage");
	url_arg(&u, "metric", str_from(q->metric->word));
	url_arg(&u, "group_by", str_from(q->asked->word));
	url_arg(&u, "granularity", str_from(usage_period_names[q->period - 1]));
	/* Of what the row sums up: the time may begin or end within it. */
	web_usage_filter_args_at(&q->f, &u,
	    start_ms < f->from_ms ? f->from_ms : start_ms,
	    end_ms > f->to_ms ? f->to_ms : end_ms);
	return buf_str(&b);
}

/* Only what a group sums up. */
static struct str
only_href(const struct app *app, struct arena *a, const struct web_place *place,
    const struct usage_question *q, uint64_t id)
{
	const char *column = usage_dimension_column(q->group->by);
	struct buf b;
	struct url u;

	bool is_status = q->group->by == USAGE_BY_STATUS &&
			 id <= USAGE_STATUS__MAX;

	if ((q->group->kind < 0 && !is_status) || !id)
		return S("");
	buf_init(&b, a, HREF_BYTES_MAX);
	self_url(&u, &b, app, place, q, column);
	if (is_status)
		url_arg(&u, column, str_from(usage_status_names[id - 1]));
	else
		url_arg_u64(&u, column, id);
	return buf_str(&b);
}

void
usage_groups_add(struct tval *o, const struct app *app,
    const struct web_place *place, const struct usage_question *q,
    const struct usage_found *found)
{
	const struct usage_series *s = &found->series;
	struct tval *list = tval_set_list(o, "groups");
	struct tval *columns = tval_set_list(o, "columns");
	struct columns c;

	if (!list)
		return;
	choose_columns(q, found->report.has_refusals, &c);
	for (size_t i = c.first; i < c.n; i++) {
		struct tval *head = tval_push_object(columns);

		tval_set_text(head, "name", str_from(c.columns[i].name));
		tval_set_bool(head, "is_chosen",
		    c.columns[i].metric == q->metric);
	}
	for (size_t i = 0; i < s->n_shown; i++) {
		const struct usage_group *g = &s->groups[i];
		struct tval *row = tval_push_object(list);

		tval_set_text(row, "name",
		    usage_group_text(q, g->by[1], list->a));
		tval_set_text(row, "only_href",
		    only_href(app, list->a, place, q, g->by[1]));
		add_cells(row, &c, g);
	}
	add_cells(tval_set_object(o, "total"), &c, &found->report.total);
	if (s->n_groups == s->n_shown)
		return;
	list = tval_push_object(list);
	tval_set_textf(list, "name", "Other: %zu more",
	    s->n_groups - s->n_shown);
	tval_set_text(list, "only_href", S(""));
	add_cells(list, &c, &s->rest);
}
