/* SPDX-License-Identifier: MIT */
/*
 * tollgate doctor: each thing that Tollgate rests on, as one finding with a
 * word of advice. Exit code 1 when something is broken; warnings alone are 0.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "admin/admin_priv.h"
#include "admin/limits.h"
#include "base/clock.h"
#include "domain/flush_backlog.h"
#include "domain/host.h"
#include "domain/hostmap.h"
#include "domain/limit.h"
#include "domain/notice_deliver.h"
#include "ext/mcache.h"
#include "journal/writer.h"
#include "store/key.h"
#include "store/migrate.h"
#include "store/notice.h"
#include "store/rejected.h"
#include "store/server.h"

#define CLOCK_WARN_MS    1000
#define BEAT_WARN_MS     5000
#define BACKLOG_WARN_MS  10000
#define MEMORY_WARN_PCT  80
#define OUTAGE_WARN_MIN  60
#define REQUEST_BYTES    (2 * JOURNAL_RECORD_MAX) /* of journal: open, settle */
#define ASSUMED_PER_HOUR 360000 /* without a past: 100 requests a second */

const struct admin_option admin_doctor_options[] = {
	ADMIN_OPTIONS_END,
};

enum verdict {
	GOOD,
	WARN,
	BAD
};

static void finding(struct admin *ad, const char *what, enum verdict verdict,
    const char *fmt, ...) ATTR_PRINTF(4, 5);

static void
finding(struct admin *ad, const char *what, enum verdict verdict,
    const char *fmt, ...)
{
	static const char *const names[] = { "ok", "warn", "FAIL" };
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut */
	va_end(ap);
	admin_rec(ad);
	admin_str(ad, "check", str_from(what));
	admin_str(ad, "status", str_from(names[verdict]));
	admin_str(ad, "detail", str_from(text));
	if (verdict == BAD)
		admin_fail(ad);
}

static void
check_secrets(struct admin *ad)
{
	const struct crypto_keys *keys;
	struct error e;

	if (admin_keys(ad, &keys, &e))
		finding(ad, "secrets", BAD, "%s", e.internal);
	else
		finding(ad, "secrets", GOOD,
		    "auth.pepper and seal.key are set");
}

static void
check_clock(struct admin *ad, const struct server_facts *f)
{
	int64_t ahead_ms = f->now_ms - clock_now_ms();

	if (ahead_ms > CLOCK_WARN_MS || ahead_ms < -CLOCK_WARN_MS)
		finding(ad, "clock", WARN,
		    "the database's clock is %lld ms ahead of this host's: "
		    "run NTP on both",
		    (long long)ahead_ms);
	else
		finding(ad, "clock", GOOD, "agrees with the database's");
}

static void
check_db_settings(struct admin *ad, const struct server_facts *f)
{
	/* 2 and 0 lose commits when the machine fails: the journals would
	 * heal that only as long as they are kept. */
	if (!str_eq(f->flush_log, S("1")) && !str_eq(f->flush_log, S("3")))
		finding(ad, "database durability", WARN,
		    "innodb_flush_log_at_trx_commit is %" PRI_STR
		    ": set it to 1, or a power cut loses commits",
		    STR_ARG(f->flush_log));
	else
		finding(ad, "database durability", GOOD,
		    "innodb_flush_log_at_trx_commit is %" PRI_STR,
		    STR_ARG(f->flush_log));
	if (str_eq(f->isolation, S("REPEATABLE-READ")) ||
	    str_eq(f->isolation, S("READ-COMMITTED")))
		finding(ad, "database isolation", GOOD, "%" PRI_STR,
		    STR_ARG(f->isolation));
	else
		finding(ad, "database isolation", WARN,
		    "the server's default is %" PRI_STR
		    ": tested with REPEATABLE-READ",
		    STR_ARG(f->isolation));
}

static void
check_schema(struct admin *ad, struct db *db)
{
	const struct migrate_options opt = {
		.dir = conf_text(ad->conf, CONF_SCHEMA_DIR),
		.check_only = true,
	};
	struct error e;

	if (migrate_run(db, &opt, &e))
		finding(ad, "tables", BAD, "%s: run `tollgate migrate`",
		    e.internal);
	else
		finding(ad, "tables", GOOD, "up to date");
}

/* Returns the most requests that an hour of last week had; 0: none. */
static bool
differs(const uint8_t a[HOST_CHECK_BYTES], const uint8_t b[HOST_CHECK_BYTES])
{
	return memcmp(a, b, HOST_CHECK_BYTES) != 0;
}

/* Whether another host's secrets are this one's. */
static void
check_host(struct admin *ad, const struct host *own, const struct host *h)
{
	if (h->pepper_id == own->pepper_id &&
	    differs(h->pepper_check, own->pepper_check))
		finding(ad, "hosts", BAD,
		    "%" PRI_STR " has another auth.pepper under the same "
		    "number: keys made there fail here, and the reverse",
		    STR_ARG(h->host));
	else if (h->pepper_id != own->pepper_id)
		finding(ad, "hosts", WARN,
		    "%" PRI_STR " has auth.pepper_id %llu, this host %llu: "
		    "fine only while the pepper rotates",
		    STR_ARG(h->host), (unsigned long long)h->pepper_id,
		    (unsigned long long)own->pepper_id);
	if (differs(h->seal_check, own->seal_check))
		finding(ad, "hosts", WARN,
		    "%" PRI_STR " has another seal.key: fine only while it "
		    "rotates",
		    STR_ARG(h->host));
}

static bool
is_gone(const struct host *h)
{
	return clock_now_ms() - h->seen_at_ms > HOST_GONE_MS;
}

static void
check_hosts(struct admin *ad, struct db *db)
{
	const struct crypto_keys *keys;
	char name[HOST_NAME_BYTES];
	struct host own, *hosts = NULL;
	size_t n = 0, n_alive = 0;
	uint64_t n_waiting = 0;
	struct error e;

	if (admin_keys(ad, &keys, &e) ||
	    store_host_list(db, admin_arena(ad), &hosts, &n, &e) ||
	    store_key_count_other(db, keys->pepper_id, &n_waiting, &e))
		return; /* said elsewhere */
	host_fill(keys->pepper, keys->seal, name, &own);
	for (size_t i = 0; i < n; i++) {
		if (is_gone(&hosts[i]))
			continue;
		n_alive++;
		check_host(ad, &own, &hosts[i]);
	}
	finding(ad, "hosts", GOOD, "%zu seen within a day", n_alive);
	if (n_waiting)
		finding(ad, "pepper",
		    crypto_key_other(keys->pepper) ? GOOD : WARN,
		    "%llu keys were made with another auth.pepper and wait to "
		    "be used: keep auth.other_pepper until then",
		    (unsigned long long)n_waiting);
}

static void
check_notices(struct admin *ad, struct db *db)
{
	struct notice_counts n;
	bool has_mail;
	struct error e;

	if (notice_mail_check(ad->conf, &has_mail, &e))
		finding(ad, "mail", BAD, "%s", e.internal);
	else
		finding(ad, "mail", GOOD, "%s",
		    has_mail ? "mail.sendmail can be run"
			     : "off: mail.sendmail is not set");
	if (store_notice_counts(db, &n, &e))
		finding(ad, "notices", BAD, "%s", e.internal);
	else if (n.n_dead)
		finding(ad, "notices", WARN,
		    "%llu were given up: `tollgate notice list --state dead` "
		    "says why, `tollgate notice send ID` tries again",
		    (unsigned long long)n.n_dead);
	else if (n.n_late)
		finding(ad, "notices", WARN,
		    "%llu are not delivered after an hour: `tollgate notice "
		    "list --state pending` says why",
		    (unsigned long long)n.n_late);
	else
		finding(ad, "notices", GOOD, "all were delivered");
}

static uint64_t
check_db(struct admin *ad)
{
	struct server_facts f = { 0 };
	struct error e;
	struct db *db;

	if (admin_db(ad, &db, &e)) {
		finding(ad, "database", BAD, "%s", e.internal);
		return 0;
	}
	check_schema(ad, db);
	check_hosts(ad, db);
	if (store_server_facts(db, &ad->arena, &f, &e)) {
		finding(ad, "database", BAD, "%s", e.internal);
		return 0;
	}
	check_notices(ad, db);
	finding(ad, "database", GOOD, "reached, version %" PRI_STR,
	    STR_ARG(f.version));
	check_db_settings(ad, &f);
	check_clock(ad, &f);
	return f.peak_hour_count;
}

static void
report_cache(struct admin *ad, const struct mcache_stats *s)
{
	uint64_t pct = s->max_bytes ? s->used_bytes * 100 / s->max_bytes : 0;

	if (s->n_evictions)
		finding(ad, "memcached", WARN,
		    "%llu evictions: counters were lost, so limits were "
		    "exceeded; give it more memory (-m) and use it for "
		    "Tollgate alone",
		    (unsigned long long)s->n_evictions);
	else if (pct >= MEMORY_WARN_PCT)
		finding(ad, "memcached", WARN,
		    "%llu %% of its memory is used: raise -m before it evicts "
		    "counters",
		    (unsigned long long)pct);
	else
		finding(ad, "memcached", GOOD,
		    "%llu of %llu answer, %llu counters, no evictions",
		    (unsigned long long)s->n_servers_up,
		    (unsigned long long)s->n_servers,
		    (unsigned long long)s->n_items);
}

static void
check_cache(struct admin *ad)
{
	struct mcache_params params = {
		.servers = conf_text(ad->conf, CONF_MEMCACHED_SERVERS),
		.pool = 1,
		.timeout_ms = (unsigned)conf_u64(ad->conf, CONF_MEMCACHED_MS),
	};
	struct mcache_stats s;
	struct mcache *m;
	struct error e;

	if (mcache_new(&params, &m, &e)) {
		finding(ad, "memcached", BAD, "%s", e.internal);
		return;
	}
	if (mcache_stats(m, &s, &e))
		finding(ad, "memcached", BAD, "%s", e.internal);
	else
		report_cache(ad, &s);
	mcache_free(m);
}

static void
check_journal(struct admin *ad, uint64_t per_hour)
{
	const char *dir = conf_journal_dir(ad->conf);
	uint64_t max_bytes = conf_u64(ad->conf, CONF_JOURNAL_MAX_BYTES);
	uint64_t rate = per_hour ? per_hour : ASSUMED_PER_HOUR;
	uint64_t free_bytes, minutes;
	struct statvfs fs;
	struct error e;

	if (access(dir, F_OK) != 0 && !admin_map(ad)) {
		finding(ad, "journal", WARN,
		    "%s is not there yet: the first worker makes it", dir);
		return;
	}
	if (journal_check_dir(dir, &e)) {
		finding(ad, "journal", BAD, "%s", e.internal);
		return;
	}
	if (statvfs(dir, &fs) != 0) {
		(void)error_errno(&e, ERR_IO, "%s", dir);
		finding(ad, "journal", BAD, "%s", e.internal);
		return;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	minutes = (free_bytes < max_bytes ? free_bytes : max_bytes) /
		  REQUEST_BYTES * 60 / rate;
	finding(ad, "journal", minutes < OUTAGE_WARN_MIN ? WARN : GOOD,
	    "an outage of the database may last %llu minutes or more at %llu "
	    "requests an hour (%s); %llu MiB are free",
	    (unsigned long long)minutes, (unsigned long long)rate,
	    per_hour ? "last week's busiest" : "assumed",
	    (unsigned long long)(free_bytes >> 20));
}

static void
report_backlog(struct admin *ad, const struct flush_backlog *b)
{
	int64_t age_ms = b->oldest_ms ? clock_now_ms() - b->oldest_ms : 0;
	char series[JOURNAL_SERIES_TEXT_BYTES];

	if (b->n_unreadable) {
		journal_series_format(&b->unreadable, series);
		finding(ad, "unflushed", WARN,
		    "%llu journals can't be read, the first is series %s: "
		    "their usage is not charged; look at the files and for "
		    "journal_unreadable in the workers' logs",
		    (unsigned long long)b->n_unreadable, series);
	}
	if (age_ms > BACKLOG_WARN_MS)
		finding(ad, "unflushed", WARN,
		    "a request that ended %lld s ago is not in the database, "
		    "though that is up: look for flush in the workers' logs",
		    (long long)age_ms / 1000);
	else if (!b->n_unreadable)
		finding(ad, "unflushed", GOOD,
		    "no request waits in the journals for longer than %d s",
		    BACKLOG_WARN_MS / 1000);
}

/* What is in the journals and should be in the database by now. */
static void
check_backlog(struct admin *ad)
{
	const char *dir = conf_journal_dir(ad->conf);
	struct flush_backlog b;
	uint64_t n_rejected = 0;
	struct error e;
	struct db *db;

	if (admin_db(ad, &db, &e))
		return; /* which is a finding already */
	if (store_rejected_count(db, &n_rejected, &e))
		finding(ad, "rejected", BAD, "%s", e.internal);
	else if (n_rejected)
		finding(ad, "rejected", WARN,
		    "usage_rejected holds %llu records that are not charged: "
		    "look at them",
		    (unsigned long long)n_rejected);
	else
		finding(ad, "rejected", GOOD, "no record was set aside");
	if (access(dir, F_OK) != 0)
		return; /* which is a finding already */
	if (flush_backlog(db, dir, &ad->arena, &b, &e))
		finding(ad, "unflushed", WARN, "%s", e.internal);
	else
		report_backlog(ad, &b);
}

static void
check_duty(struct admin *ad, const char *what, enum hostmap_duty duty)
{
	int64_t beat_ms = hostmap_duty_beat_ms(ad->map, duty);
	int64_t age_ms = clock_now_ms() - beat_ms;

	if (beat_ms == 0)
		finding(ad, what, WARN, "no worker has done it yet");
	else if (age_ms > BEAT_WARN_MS)
		finding(ad, what, WARN,
		    "last done %lld s ago: no worker runs, or it hangs",
		    (long long)age_ms / 1000);
	else
		finding(ad, what, GOOD, "last done %lld ms ago",
		    (long long)age_ms);
}

static void
check_map(struct admin *ad)
{
	struct hostmap_cache_state cache;

	if (!admin_map(ad)) {
		finding(ad, "host map", WARN,
		    "%s/" HOSTMAP_FILE " is not there (no worker has run), of "
		    "another version, or not for this account to read",
		    conf_text(ad->conf, CONF_STATE_DIR));
		return;
	}
	finding(ad, "host map", GOOD, "%llu requests so far",
	    (unsigned long long)hostmap_total(ad->map, HOSTMAP_REQUESTS));
	check_duty(ad, "generations", HOSTMAP_POLLER);
	check_duty(ad, "flusher", HOSTMAP_FLUSHER);
	cache = hostmap_cache_state(ad->map);
	if (!cache.is_up)
		finding(ad, "limits", WARN,
		    "the workers do without memcached for %lld s "
		    "(limits.on_failure)",
		    (long long)(clock_now_ms() - cache.since_ms) / 1000);
	else
		finding(ad, "limits", GOOD, "the workers use memcached");
}

/* What holds where nobody states anything nearer. */
static void
check_limits(struct admin *ad)
{
	static const char *const without_cache[] = {
		[CONF_FAILURE_LOCAL] = "are counted on this host",
		[CONF_FAILURE_OPEN] = "let everything pass",
		[CONF_FAILURE_CLOSED] = "let nothing pass",
	};
	struct limit_settings s;
	struct error e;
	struct str text;

	if (limit_settings_read(ad->conf, &s, &e)) {
		finding(ad, "limits by default", BAD, "%s", e.internal);
		return;
	}
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (limit_set_get(&s.defaults, m) == 0)
			limit_set_put(&s.defaults, m, LIMIT_UNSTATED);
	text = limits_text(ad, &s.defaults);
	finding(ad, "limits by default", s.is_shadow ? WARN : GOOD,
	    "%s%" PRI_STR "; without memcached they %s; wrong keys a minute "
	    "of an address: %lu%s",
	    s.is_shadow ? "limits.shadow is on, nothing is refused: " : "",
	    STR_ARG(text.n ? text : S("none")), without_cache[s.on_failure],
	    (unsigned long)s.failed_keys, s.failed_keys ? "" : " (any number)");
}

static void
check_state_dir(struct admin *ad)
{
	const char *dir = conf_text(ad->conf, CONF_STATE_DIR);
	struct stat st;

	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		finding(ad, "state.dir", BAD, "%s is not a folder", dir);
	else if (st.st_mode & S_IRWXO)
		finding(ad, "state.dir", WARN,
		    "%s is open to other accounts: chmod 0750", dir);
	else
		finding(ad, "state.dir", GOOD, "%s", dir);
}

static void
check_readable(struct admin *ad, const char *what, enum conf_id id,
    const char *file)
{
	struct str path = arena_printf(&ad->arena, "%s/%s",
	    conf_text(ad->conf, id), file);

	if (!path.p || access(path.p, R_OK) != 0)
		finding(ad, what, BAD, "%s can't be read",
		    path.p ? path.p : "");
	else
		finding(ad, what, GOOD, "%s", conf_text(ad->conf, id));
}

enum err
admin_doctor(struct admin *ad, struct error *e)
{
	uint64_t per_hour;

	(void)e; /* whatever is wrong is a finding */
	admin_list(ad);
	finding(ad, "configuration", GOOD, "read, every value in its bounds");
	check_secrets(ad);
	per_hour = check_db(ad);
	check_cache(ad);
	check_state_dir(ad);
	check_journal(ad, per_hour);
	check_backlog(ad);
	check_map(ad);
	check_limits(ad);
	check_readable(ad, "templates", CONF_TEMPLATES_DIR, "layout.html");
	return OK;
}
