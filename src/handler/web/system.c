/* SPDX-License-Identifier: MIT */
/* The operator's page System: what runs, what waits, and what to do about it. */
#include "handler/web/system_data.h"

#include <string.h>

#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "journal/writer.h"

/* clang-format off */
static const struct tmpl_key system_keys[] = {
	VIEW_TIME_KEYS("as_of"), { "host", TVAL_TEXT }, { "is_well", TVAL_BOOL },
	{ "findings", TVAL_LIST }, { "findings.name", TVAL_TEXT }, { "findings.is_well", TVAL_BOOL },
	{ "findings.found", TVAL_TEXT }, { "findings.advice", TVAL_TEXT },
	{ "has_hosts", TVAL_BOOL }, { "hosts", TVAL_LIST }, { "hosts.name", TVAL_TEXT },
	{ "hosts.is_here", TVAL_BOOL }, { "hosts.is_known", TVAL_BOOL }, { "hosts.workers", TVAL_TEXT },
	{ "hosts.waiting", TVAL_TEXT }, VIEW_TIME_KEYS("hosts.oldest"),
	{ "hosts.lag", TVAL_TEXT }, VIEW_TIME_KEYS("hosts.seen"),
	{ "has_workers", TVAL_BOOL }, { "has_more_workers", TVAL_BOOL },
	{ "workers", TVAL_LIST }, { "workers.host", TVAL_TEXT },
	{ "workers.pid", TVAL_TEXT }, { "workers.runs", TVAL_BOOL }, { "workers.version", TVAL_TEXT },
	VIEW_TIME_KEYS("workers.since"), VIEW_TIME_KEYS("workers.seen"),
	{ "has_reconciled", TVAL_BOOL }, { "reconciled", TVAL_LIST }, { "reconciled.host", TVAL_TEXT },
	{ "reconciled.is_clean", TVAL_BOOL }, { "reconciled.has_journals", TVAL_BOOL },
	VIEW_TIME_KEYS("reconciled.at"), { "reconciled.took", TVAL_TEXT },
	{ "reconciled.rows", TVAL_TEXT }, { "reconciled.differences", TVAL_TEXT },
	{ "reconciled.faults", TVAL_TEXT }, { "reconciled.pending", TVAL_TEXT },
	{ "reconciled.unchecked", TVAL_TEXT },
	{ "has_rejected", TVAL_BOOL }, { "rejected", TVAL_LIST },
	VIEW_TIME_KEYS("rejected.at"), { "rejected.series", TVAL_TEXT }, { "rejected.why", TVAL_TEXT },
};
/* clang-format on */
const struct tmpl_page page_system = PAGE("admin/system", system_keys);

static void
add_findings(struct tval *o, const struct system_facts *f)
{
	struct system_finding v[SYSTEM_FINDINGS_MAX];
	struct tval *list = tval_set_list(o, "findings");
	bool is_well = true;
	size_t n;

	if (!list)
		return; /* which the arena remembers */
	n = system_findings(f, list->a, v);
	for (size_t i = 0; i < n; i++) {
		struct tval *row = tval_push_object(list);

		is_well = is_well && v[i].is_well;
		tval_set_text(row, "name", str_from(v[i].name));
		tval_set_bool(row, "is_well", v[i].is_well);
		tval_set_text(row, "found", v[i].found);
		tval_set_text(row, "advice",
		    str_from(v[i].advice ? v[i].advice : ""));
	}
	tval_set_bool(o, "is_well", is_well);
}

static uint64_t
n_running(const struct system_facts *f, struct str host)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n_workers; i++)
		n += str_eq(f->workers[i].host, host) &&
		     system_runs(&f->workers[i], f->now_ms);
	return n;
}

/* What a host told last; of this one what is so now. */
static struct host
as_known(const struct system_facts *f, const struct host *told)
{
	struct host h = *told;

	if (!str_eq(h.host, str_from(f->host)))
		return h;
	h.n_unflushed = f->has_backlog ? (int64_t)f->backlog.n_waiting : -1;
	h.unflushed_since_ms = f->backlog.oldest_ms;
	h.seen_at_ms = f->now_ms;
	return h;
}

static void
add_hosts(struct tval *o, const struct system_facts *f)
{
	struct tval *list = tval_set_list(o, "hosts");

	for (size_t i = 0; list && i < f->n_hosts; i++) {
		const struct host h = as_known(f, &f->hosts[i]);
		struct tval *row;

		if (f->now_ms - h.seen_at_ms > HOST_GONE_MS)
			continue;
		row = tval_push_object(list);
		tval_set_text(row, "name", h.host);
		tval_set_bool(row, "is_here",
		    str_eq(h.host, str_from(f->host)));
		tval_set_bool(row, "is_known", h.n_unflushed >= 0);
		view_count(row, "workers", n_running(f, h.host));
		view_count(row, "waiting",
		    h.n_unflushed > 0 ? (uint64_t)h.n_unflushed : 0);
		view_time(row, "oldest", h.unflushed_since_ms);
		view_duration(row, "lag",
		    !h.unflushed_since_ms ? -1
		    : h.seen_at_ms > h.unflushed_since_ms
			? h.seen_at_ms - h.unflushed_since_ms
			: 0);
		view_second(row, "seen", h.seen_at_ms);
	}
	tval_set_bool(o, "has_hosts", list && list->first);
}

static void
add_workers(struct tval *o, const struct system_facts *f)
{
	struct tval *list = tval_set_list(o, "workers");

	for (size_t i = 0; i < f->n_workers; i++) {
		const struct worker *w = &f->workers[i];
		struct tval *row = tval_push_object(list);

		tval_set_text(row, "host", w->host);
		tval_set_textf(row, "pid", "%llu", (unsigned long long)w->pid);
		tval_set_bool(row, "runs", system_runs(w, f->now_ms));
		tval_set_text(row, "version", w->version);
		view_time(row, "since", w->started_at_ms);
		view_second(row, "seen", w->seen_at_ms);
	}
	tval_set_bool(o, "has_workers", f->n_workers > 0);
	tval_set_bool(o, "has_more_workers", f->n_workers == WORKER_LIST_MAX);
}

static void
add_reconciled(struct tval *o, const struct system_facts *f)
{
	struct tval *list = tval_set_list(o, "reconciled");

	for (size_t i = 0; i < f->n_reconciled; i++) {
		const struct reconcile_last *r = &f->reconciled[i];
		struct tval *row = tval_push_object(list);

		tval_set_text(row, "host", r->host);
		tval_set_bool(row, "is_clean", r->is_clean);
		tval_set_bool(row, "has_journals", r->has_journals);
		view_time(row, "at", r->finished_at_ms);
		view_duration(row, "took",
		    r->finished_at_ms - r->started_at_ms);
		view_count(row, "rows", r->usage_rows);
		view_count(row, "differences", r->n_differences);
		view_count(row, "faults", r->n_faults);
		view_count(row, "pending", r->n_pending);
		view_count(row, "unchecked", r->n_unchecked);
	}
	tval_set_bool(o, "has_reconciled", f->n_reconciled > 0);
}

static void
add_rejected(struct tval *o, const struct system_facts *f)
{
	struct tval *list = tval_set_list(o, "rejected");

	for (size_t i = 0; list && i < f->n_listed; i++) {
		struct tval *row = tval_push_object(list);
		char series[JOURNAL_SERIES_TEXT_BYTES];
		struct journal_series id;

		memcpy(id.b, f->rejected[i].series, sizeof(id.b));
		journal_series_format(&id, series);
		view_time(row, "at", f->rejected[i].created_at_ms);
		tval_set_text(row, "series",
		    arena_strdup(list->a, str_from(series)));
		tval_set_text(row, "why", f->rejected[i].error);
	}
	tval_set_bool(o, "has_rejected", f->n_listed > 0);
}

enum err
web_system_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct system_facts f;
	struct web_place place;
	struct manager m;
	struct tval *o;
	enum err err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	err = system_load(app, &m, rq->arena, &f, e);
	manager_end(app, &m);
	if (err)
		return err;
	o = web_place_page(app, rq, &place, &page_system, S("System"));
	view_second(o, "as_of", f.now_ms);
	tval_set_text(o, "host", arena_strdup(rq->arena, str_from(f.host)));
	add_findings(o, &f);
	add_hosts(o, &f);
	add_workers(o, &f);
	add_reconciled(o, &f);
	add_rejected(o, &f);
	return web_page_send(app, rq, rs, 200, &page_system, o, e);
}
