/* SPDX-License-Identifier: MIT */
/*
 * The page Usage, a customer's or everybody's: one number of what was used, by
 * time and one dimension, as a drawing, as tables and as a file; all of the same
 * sums as those of GET /api/usage/summary.
 */
#include "handler/web/usage.h"

#include <stdlib.h>

#include "base/clock.h"
#include "domain/usage_text.h"
#include "handler/download.h"
#include "handler/web/page.h"
#include "handler/web/web.h"
#include "store/host.h"

/* Longest times that are shown by the hour and by the day. */
#define HOURS_MAX_MS  (8 * DAY_MS)
#define DAYS_MAX_MS   (367 * DAY_MS)
/* Unless another period is asked for. */
#define AUTO_HOURS_MS (2 * DAY_MS)
#define AUTO_DAYS_MS  (92 * DAY_MS)

enum {
	Q_METRIC,
	Q_GROUP_BY,
	Q_GRANULARITY,
	Q_FORMAT,
	Q_FILTER,
	Q__N = Q_FILTER + WEB_USAGE_N_PARAMS,
	Q__N_ADMIN = Q__N + WEB_USAGE_N_ADMIN_PARAMS
};
/* clang-format off */
#define GROUPS "none|model|key|project|user|agent|connector|status"
#define PARAMS(groups) \
	{ .name = "metric", .type = PARAM_ENUM, .choices = USAGE_METRIC_CHOICES }, \
	{ .name = "group_by", .type = PARAM_ENUM, .choices = (groups) }, \
	{ .name = "granularity", .type = PARAM_ENUM, .choices = "auto|hour|day|month" }, \
	{ .name = "format", .type = PARAM_ENUM, .choices = "html|csv" }, \
	WEB_USAGE_PARAMS
static const struct param_spec query_spec[] = { PARAMS(GROUPS) };
static const struct param_spec admin_spec[] = {
	PARAMS(GROUPS "|customer|provider"), WEB_USAGE_ADMIN_PARAMS
};
/* clang-format on */
_Static_assert(ARRAY_LEN(query_spec) == Q__N &&
		   ARRAY_LEN(admin_spec) == Q__N_ADMIN,
    "a parameter has no place");

/* In the order of group_by's choices. */
static const struct usage_choice choices[] = {
	{ "none", "All", USAGE_BY_NOTHING, -1 },
	{ "model", "Model", USAGE_BY_MODEL, NAME_MODEL },
	{ "key", "API key", USAGE_BY_KEY, NAME_KEY },
	{ "project", "Project", USAGE_BY_PROJECT, NAME_PROJECT },
	{ "user", "User", USAGE_BY_USER, NAME_USER },
	{ "agent", "Agent", USAGE_BY_AGENT, NAME_AGENT },
	{ "connector", "Connector", USAGE_BY_CONNECTOR, NAME_CONNECTOR },
	{ "status", "Status", USAGE_BY_STATUS, -1 },
	{ "customer", "Customer", USAGE_BY_CUSTOMER, NAME_CUSTOMER },
	{ "provider", "Provider", USAGE_BY_PROVIDER, NAME_PROVIDER },
};
#define GROUP_DEFAULT 1 /* model */

static int
compare_ids(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	if (*a == *b)
		return 0;
	return *a < *b ? -1 : 1;
}

/* The period asked for, or the next that doesn't give too many. */
static void
choose_period(const struct param_value *v, struct usage_question *q)
{
	int64_t length_ms = q->f.filter.to_ms - q->f.filter.from_ms;
	enum rollup_period wanted = length_ms <= AUTO_HOURS_MS  ? ROLLUP_HOUR
				    : length_ms <= AUTO_DAYS_MS ? ROLLUP_DAY
								: ROLLUP_MONTH;

	q->is_auto = !v->is_set || v->u64 == 0;
	if (!q->is_auto)
		wanted = (enum rollup_period)(v->u64 - 1);
	q->period = wanted;
	if (q->period == ROLLUP_HOUR && length_ms > HOURS_MAX_MS)
		q->period = ROLLUP_DAY;
	if (q->period == ROLLUP_DAY && length_ms > DAYS_MAX_MS)
		q->period = ROLLUP_MONTH;
	q->is_coarser = q->period != wanted;
}

static enum err
read_question(const struct web_place *place, struct param_value *v,
    int64_t now_ms, struct usage_question *q, struct error *e)
{
	enum err err;

	*q = (struct usage_question){
		.metric = &usage_metrics[v[Q_METRIC].u64],
		.asked = &choices[v[Q_GROUP_BY].is_set ? v[Q_GROUP_BY].u64
						       : GROUP_DEFAULT],
		.is_csv = v[Q_FORMAT].u64 == 1,
	};
	q->group = q->asked;
	err = web_usage_filter_read(v + Q_FILTER, WEB_RANGE_7D,
	    place->customer.customer_id, now_ms, &q->f, e);
	if (!err)
		choose_period(&v[Q_GRANULARITY], q);
	return err;
}

/* Of groups by the second dimension; an id may be there often. */
static enum err
load_names(const struct manager *m, struct usage_question *q,
    const struct usage_group *groups, size_t n, struct arena *a,
    struct error *e)
{
	uint64_t *ids;
	size_t n_ids = 0;

	if (q->group->kind < 0 || n == 0)
		return OK;
	ids = arena_array(a, uint64_t, n);
	if (!ids)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++)
		ids[i] = groups[i].by[1];
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++)
		if (n_ids == 0 || ids[n_ids - 1] != ids[i])
			ids[n_ids++] = ids[i];
	return web_usage_names(&q->f, m, (enum name_kind)q->group->kind, ids,
	    n_ids, a, e);
}

static struct usage_series_wish
series_wish(const struct usage_question *q)
{
	return (struct usage_series_wish){ q->f.filter, q->period, q->group->by,
		q->metric };
}

/* All of what was asked for, if that is too much to be told apart. */
static void
ungroup(struct usage_question *q)
{
	q->group = &choices[0];
	q->is_ungrouped = true;
}

static enum err
load_page(const struct manager *m, struct usage_question *q, struct arena *a,
    struct usage_found *ret, struct error *e)
{
	struct arena_mark mark = arena_mark(a);
	struct usage_series_wish w = series_wish(q);
	const struct usage_series *s = &ret->series;
	enum err err = usage_series_load(m->db, &w, m->now_ms, a, &ret->report,
	    &ret->series, e);

	if (err == ERR_BAD_PARAM && q->group->by != USAGE_BY_NOTHING) {
		error_clear(e);
		arena_rewind(a, mark);
		ungroup(q);
		return load_page(m, q, a, ret, e);
	}
	if (err)
		return err;
	q->is_file_long = q->is_ungrouped ||
			  s->n_groups * s->n_periods > USAGE_GROUPS_MAX;
	return load_names(m, q, s->groups, s->n_shown, a, e);
}

/* Each group of each period; if those are too many, each group; if those are,
 * each period. */
static enum err
load_file(const struct manager *m, struct usage_question *q, struct arena *a,
    struct usage_found *ret, struct error *e)
{
	const struct {
		enum usage_dimension by[USAGE_BY_MAX];
	} tries[] = {
		{ { usage_period_dimension(q->period), q->group->by } },
		{ { USAGE_BY_NOTHING, q->group->by } },
		{ { usage_period_dimension(q->period), USAGE_BY_NOTHING } },
	};
	struct arena_mark mark = arena_mark(a);
	enum err err = OK;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		error_clear(e);
		arena_rewind(a, mark);
		q->is_together = i == 1;
		if (i == 2)
			ungroup(q);
		err = usage_report(m->db, tries[i].by, &q->f.filter, m->now_ms,
		    a, &ret->report, e);
		if (err != ERR_BAD_PARAM)
			break;
	}
	return err ? err
		   : load_names(m, q, ret->report.groups, ret->report.n, a, e);
}

/* A page says of a filter that is unclear, and shows nothing. */
static enum err
load_nothing(const struct usage_question *q, struct arena *a,
    struct usage_found *ret, struct error *e)
{
	const struct usage_series_wish w = series_wish(q);
	const struct usage_report *r = &ret->report;

	ret->report.from_ms = q->f.filter.from_ms;
	ret->report.to_ms = q->f.filter.to_ms;
	return usage_series_build(r, r, r, 0, &w, a, &ret->series, e);
}

static enum err
load(const struct manager *m, struct usage_question *q, struct arena *a,
    struct usage_found *ret, struct error *e)
{
	enum err err = web_usage_filter_load(&q->f, m, a, e);

	ret->now_ms = m->now_ms;
	if (!err && q->is_csv)
		err = web_usage_filter_clear(&q->f, e);
	if (err)
		return err;
	if (q->f.is_unclear)
		return load_nothing(q, a, ret, e);
	if (q->is_csv)
		return load_file(m, q, a, ret, e);
	err = store_host_delayed_since(m->db, &ret->delayed_since_ms, e);
	if (q->f.filter.to_ms <= ret->delayed_since_ms)
		ret->delayed_since_ms = 0;
	return err ? err : load_page(m, q, a, ret, e);
}

/* usage_group_style's name. */
struct naming {
	const struct usage_question *q;
	struct arena *a;
};

static struct str
name_of(const void *arg, uint64_t value)
{
	const struct naming *n = arg;

	return value ? usage_group_text(n->q, value, n->a)
		     : (struct str){ NULL, 0 };
}

/* Every group of every period, as the API has it, and the groups' names; or
 * every group. */
static enum err
send_csv(const struct request *rq, struct response *rs,
    const struct usage_question *q, const struct usage_found *found,
    struct error *e)
{
	const struct usage_report *r = &found->report;
	const struct naming naming = { q, rq->arena };
	const struct usage_group_style style = {
		.by = { q->is_together ? USAGE_BY_NOTHING
				       : usage_period_dimension(q->period),
		    q->group->by },
		.has_refusals = r->has_refusals,
		.reader = q->f.is_admin ? USAGE_FOR_OPERATOR
					: USAGE_FOR_CUSTOMER,
		.name = q->group->kind >= 0 ? name_of : NULL,
		.name_arg = &naming,
	};
	struct buf *b = response_buf(rs);

	download_headers(rs, "usage", r->from_ms, r->to_ms, "csv",
	    DOWNLOAD_CSV);
	response_header(rs, "x-content-type-options", S("nosniff"));
	usage_group_csv_head(&style, b);
	for (size_t i = 0; i < r->n; i++)
		usage_group_csv(&r->groups[i], &style, b);
	return response_check(rs, e);
}

static enum err
show(struct app *app, const struct request *rq, struct response *rs,
    const struct param_spec *spec, size_t n, struct error *e)
{
	struct param_value v[Q__N_ADMIN];
	struct usage_found found = { 0 };
	struct usage_question q;
	struct web_place place;
	struct manager m;
	enum err err = param_parse(rq->arena, spec, n, rq->query, v, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	err = read_question(&place, v, m.now_ms, &q, e);
	if (!err)
		err = load(&m, &q, rq->arena, &found, e);
	manager_end(app, &m);
	if (err)
		return err;
	if (q.is_csv)
		return send_csv(rq, rs, &q, &found, e);
	return web_page_send(app, rq, rs, web_usage_filter_status(&q.f),
	    &page_usage, usage_view(app, rq, &place, &q, &found), e);
}

enum err
web_usage_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return show(app, rq, rs, query_spec, Q__N, e);
}

enum err
web_usage_admin(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return show(app, rq, rs, admin_spec, Q__N_ADMIN, e);
}
