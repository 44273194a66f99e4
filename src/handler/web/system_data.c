/* SPDX-License-Identifier: MIT */
#include "handler/web/system_data.h"

#include "base/clock.h"
#include "base/conf.h"
#include "domain/limit.h"
#include "handler/web/view.h"

/* The same bounds as `tollgate doctor` has. */
#define BACKLOG_MS    10000
#define BEAT_MS       5000
#define CLOCK_MS      1000
#define MEMORY_PCT    80
/* Books that nobody has compared for so long. */
#define RECONCILED_MS (2 * DAY_MS)

/* ---- what there is ---- */

/* Journals that can't be read are something to tell. */
static enum err
load_backlog(const struct app *app, const struct manager *m, struct arena *a,
    struct system_facts *f, struct error *e)
{
	enum err err = flush_backlog(m->db, conf_journal_dir(app->conf), a,
	    &f->backlog, e);

	f->has_backlog = err == OK;
	if (err != ERR_IO)
		return err;
	error_clear(e);
	return OK;
}

static void
load_cache(const struct app *app, struct system_facts *f)
{
	struct error e = { 0 };

	f->cache = hostmap_cache_state(app->shared->hostmap);
	/* Of one that is down it is known already. */
	f->has_cache = f->cache.is_up && limit_cache_stats(app->shared->limiter,
					     &f->stats, &e) == OK;
}

enum err
system_load(const struct app *app, const struct manager *m, struct arena *a,
    struct system_facts *f, struct error *e)
{
	enum err err;

	*f = (struct system_facts){ .now_ms = m->now_ms };
	host_name(f->host);
	for (unsigned i = 0; i < HOSTMAP__DUTIES; i++)
		f->beats_ms[i] = hostmap_duty_beat_ms(app->shared->hostmap,
		    (enum hostmap_duty)i);
	load_cache(app, f);
	err = store_host_list(m->db, a, &f->hosts, &f->n_hosts, e);
	if (!err)
		err = store_worker_list(m->db, a, &f->workers, &f->n_workers,
		    e);
	if (!err)
		err = load_backlog(app, m, a, f, e);
	if (!err)
		err = store_rejected_count(m->db, &f->n_rejected, e);
	if (!err)
		err = store_rejected_list(m->db, SYSTEM_REJECTED_MAX, a,
		    &f->rejected, &f->n_listed, e);
	if (!err)
		err = store_reconcile_last_list(m->db, a, &f->reconciled,
		    &f->n_reconciled, e);
	if (!err)
		err = store_server_facts(m->db, a, &f->server, e);
	return err ? err : store_notice_counts(m->db, &f->notices, e);
}

bool
system_runs(const struct worker *w, int64_t now_ms)
{
	return now_ms - w->seen_at_ms <= WORKER_SILENT_MS;
}

/* ---- what is found ---- */

struct findings {
	const struct system_facts *f;
	struct arena *a;
	struct system_finding *v;
	size_t n;
};

static void
add(struct findings *o, const char *name, struct str found, const char *advice)
{
	ASSERT(o->n < SYSTEM_FINDINGS_MAX);
	o->v[o->n++] = (struct system_finding){ name, !advice, found, advice };
}

static struct str
age(const struct findings *o, int64_t since_ms)
{
	return view_duration_text(o->a,
	    o->f->now_ms > since_ms ? o->f->now_ms - since_ms : 0);
}

static struct str
count(const struct findings *o, uint64_t n)
{
	return view_count_text(o->a, n);
}

static void
find_workers(struct findings *o)
{
	size_t n_silent = 0;

	for (size_t i = 0; i < o->f->n_workers; i++)
		n_silent += !system_runs(&o->f->workers[i], o->f->now_ms);
	add(o, "Workers",
	    arena_printf(o->a, "%zu run%s%zu%s", o->f->n_workers - n_silent,
		n_silent ? ", and of " : "; silent: ", n_silent,
		n_silent ? " nothing was heard lately." : "."),
	    n_silent ? "A worker that was killed is forgotten after a day. One "
		       "that still runs has lost the database or hangs: look "
		       "at its host's log, and end it by its process id."
		     : NULL);
}

static void
find_backlog(struct findings *o)
{
	static const char *const advice =
	    "Nothing is lost: the journals keep it. If the database is up, "
	    "look for \"flush\" in the workers' logs of this host; the disk "
	    "of journal.dir must not fill up meanwhile.";
	const struct flush_backlog *b = &o->f->backlog;

	if (!o->f->has_backlog)
		add(o, "Journals",
		    S("The folder of the journals can't be read."),
		    "Check journal.dir, its owner and its disk. Until then "
		    "nothing more of this host is charged.");
	else if (b->n_unreadable)
		add(o, "Journals",
		    arena_printf(o->a,
			"%" PRI_STR " journals have a file that can't be read.",
			STR_ARG(count(o, b->n_unreadable))),
		    "Their usage is not charged. Look for \"journal_unreadable\" "
		    "in the workers' logs, mend the disk or the file's owner, "
		    "and it is read on.");
	else if (b->oldest_ms && o->f->now_ms - b->oldest_ms > BACKLOG_MS)
		add(o, "Journals",
		    arena_printf(o->a,
			"%" PRI_STR "%s requests wait to be written to the "
			"database, the oldest for %" PRI_STR ".",
			STR_ARG(count(o, b->n_waiting)),
			b->n_waiting >= FLUSH_BACKLOG_MAX ? " or more" : "",
			STR_ARG(age(o, b->oldest_ms))),
		    advice);
	else
		add(o, "Journals",
		    S("What ended is in the database within seconds."), NULL);
}

static void
find_duty(struct findings *o, const char *name, enum hostmap_duty duty,
    const char *advice)
{
	int64_t beat_ms = o->f->beats_ms[duty];

	if (!beat_ms)
		add(o, name, S("It was never done on this host."), advice);
	else
		add(o, name,
		    arena_printf(o->a, "Last done %" PRI_STR " ago.",
			STR_ARG(age(o, beat_ms))),
		    o->f->now_ms - beat_ms > BEAT_MS ? advice : NULL);
}

static void
find_rejected(struct findings *o)
{
	if (!o->f->n_rejected)
		add(o, "Records set aside",
		    S("The database took each record of the journals."), NULL);
	else
		add(o, "Records set aside",
		    arena_printf(o->a,
			"%" PRI_STR " records are in usage_rejected and not "
			"charged.",
			STR_ARG(count(o, o->f->n_rejected))),
		    "Each says below why. \"tollgate journal show --request "
		    "ID\" shows what it holds; report usage that is missing "
		    "by POST /api/usage.");
}

static void
find_books(struct findings *o)
{
	static const char *const advice =
	    "Run \"tollgate reconcile\" on each host, best every night by "
	    "cron.";
	const struct reconcile_last *r = o->f->reconciled;

	if (!o->f->n_reconciled) {
		add(o, "Books", S("Nobody has compared them yet."), advice);
		return;
	}
	if (!r->is_clean)
		add(o, "Books",
		    arena_printf(o->a,
			"The last comparison found %" PRI_STR
			" differences and %" PRI_STR " faults.",
			STR_ARG(count(o, r->n_differences)),
			STR_ARG(count(o, r->n_faults))),
		    "\"tollgate reconcile\" lists each. While requests run, "
		    "run it once more first; then keep the journals and "
		    "look at what it names.");
	else
		add(o, "Books",
		    arena_printf(o->a,
			"Rows, sums and ledger agreed %" PRI_STR " ago.",
			STR_ARG(age(o, r->finished_at_ms))),
		    o->f->now_ms - r->finished_at_ms > RECONCILED_MS ? advice
								     : NULL);
}

static void
find_database(struct findings *o)
{
	const struct server_facts *s = &o->f->server;
	int64_t ahead_ms = s->now_ms - clock_now_ms();

	if (!str_eq(s->flush_log, S("1")) && !str_eq(s->flush_log, S("3")))
		add(o, "Database",
		    arena_printf(o->a,
			"%" PRI_STR "; innodb_flush_log_at_trx_commit is "
			"%" PRI_STR ".",
			STR_ARG(s->version), STR_ARG(s->flush_log)),
		    "Set it to 1, or a power cut loses what was committed.");
	else if (ahead_ms > CLOCK_MS || ahead_ms < -CLOCK_MS)
		add(o, "Database",
		    arena_printf(o->a,
			"Its clock is %lld ms ahead of this host's.",
			(long long)ahead_ms),
		    "Run NTP on both.");
	else
		add(o, "Database",
		    arena_printf(o->a, "Reached, version %" PRI_STR ".",
			STR_ARG(s->version)),
		    NULL);
}

static void
find_cache(struct findings *o)
{
	const struct mcache_stats *s = &o->f->stats;
	uint64_t pct = s->max_bytes ? s->used_bytes * 100 / s->max_bytes : 0;

	if (!o->f->cache.is_up)
		add(o, "memcached",
		    arena_printf(o->a,
			"The workers do without it for %" PRI_STR ".",
			STR_ARG(age(o, o->f->cache.since_ms))),
		    "Limits go on as limits.on_failure says, for each host by "
		    "itself. Start it again: the workers notice within a "
		    "second.");
	else if (!o->f->has_cache)
		add(o, "memcached", S("It did not answer in time."),
		    "Look whether it runs and has room; load this page again.");
	else if (s->n_evictions)
		add(o, "memcached",
		    arena_printf(o->a, "%" PRI_STR " counters were evicted.",
			STR_ARG(count(o, s->n_evictions))),
		    "Limits were exceeded by that. Give it more memory (-m), "
		    "and use it for Tollgate alone.");
	else
		add(o, "memcached",
		    arena_printf(o->a,
			"%" PRI_STR " of %" PRI_STR " answer; %" PRI_STR
			" counters, %llu%% of the memory, none evicted.",
			STR_ARG(count(o, s->n_servers_up)),
			STR_ARG(count(o, s->n_servers)),
			STR_ARG(count(o, s->n_items)), (unsigned long long)pct),
		    pct >= MEMORY_PCT ? "Raise -m before it evicts counters."
				      : NULL);
}

static void
find_notices(struct findings *o)
{
	const struct notice_counts *n = &o->f->notices;

	if (!n->n_dead && !n->n_late)
		add(o, "Notices", S("All were delivered."), NULL);
	else
		add(o, "Notices",
		    arena_printf(o->a,
			"Given up: %" PRI_STR ". Not delivered after an hour: "
			"%" PRI_STR ".",
			STR_ARG(count(o, n->n_dead)),
			STR_ARG(count(o, n->n_late))),
		    "\"tollgate notice list --state dead\" or \"--state "
		    "pending\" says why; \"tollgate notice send ID\" tries "
		    "again.");
}

size_t
system_findings(const struct system_facts *f, struct arena *a,
    struct system_finding ret[SYSTEM_FINDINGS_MAX])
{
	struct findings o = { .f = f, .a = a, .v = ret };

	find_workers(&o);
	find_backlog(&o);
	find_duty(&o, "Flusher", HOSTMAP_FLUSHER,
	    "One worker of this host writes its journals to the database. It "
	    "hangs or has lost the database: look for \"flush\" in the "
	    "workers' logs.");
	find_duty(&o, "Changes", HOSTMAP_POLLER,
	    "Keys and models that are changed on another host are noticed late "
	    "here. Look for \"generation\" in the workers' logs.");
	find_rejected(&o);
	find_books(&o);
	find_database(&o);
	find_cache(&o);
	find_notices(&o);
	return o.n;
}
