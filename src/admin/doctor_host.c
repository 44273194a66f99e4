/* SPDX-License-Identifier: MIT */
/* This host: its journals, and what its workers share. */
#include <sys/statvfs.h>
#include <unistd.h>

#include "admin/doctor.h"
#include "base/clock.h"
#include "domain/flush_backlog.h"
#include "domain/hostmap.h"
#include "journal/writer.h"
#include "store/rejected.h"

#define BEAT_WARN_MS     5000
#define BACKLOG_WARN_MS  10000
#define OUTAGE_WARN_MIN  60
#define REQUEST_BYTES    (2 * JOURNAL_RECORD_MAX) /* of journal: open, settle */
#define ASSUMED_PER_HOUR 360000 /* without a past: 100 requests a second */

void
doctor_check_journal(struct admin *ad, uint64_t per_hour)
{
	const char *dir = conf_journal_dir(ad->conf);
	uint64_t max_bytes = conf_u64(ad->conf, CONF_JOURNAL_MAX_BYTES);
	uint64_t rate = per_hour ? per_hour : ASSUMED_PER_HOUR;
	uint64_t free_bytes, minutes;
	struct statvfs fs;
	struct error e;

	if (access(dir, F_OK) != 0 && !admin_map(ad)) {
		doctor_finding(ad, "journal", WARN,
		    "%s is not there yet: the first worker makes it", dir);
		return;
	}
	if (journal_check_dir(dir, &e)) {
		doctor_finding(ad, "journal", BAD, "%s", e.internal);
		return;
	}
	if (statvfs(dir, &fs) != 0) {
		(void)error_errno(&e, ERR_IO, "%s", dir);
		doctor_finding(ad, "journal", BAD, "%s", e.internal);
		return;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	minutes = (free_bytes < max_bytes ? free_bytes : max_bytes) /
		  REQUEST_BYTES * 60 / rate;
	doctor_finding(ad, "journal", minutes < OUTAGE_WARN_MIN ? WARN : GOOD,
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
		doctor_finding(ad, "unflushed", WARN,
		    "%llu journals can't be read, the first is series %s: "
		    "their usage is not charged; look at the files and for "
		    "journal_unreadable in the workers' logs",
		    (unsigned long long)b->n_unreadable, series);
	}
	if (age_ms > BACKLOG_WARN_MS)
		doctor_finding(ad, "unflushed", WARN,
		    "a request that ended %lld s ago is not in the database, "
		    "though that is up: look for flush in the workers' logs",
		    (long long)age_ms / 1000);
	else if (!b->n_unreadable)
		doctor_finding(ad, "unflushed", GOOD,
		    "no request waits in the journals for longer than %d s",
		    BACKLOG_WARN_MS / 1000);
}

void
doctor_check_backlog(struct admin *ad)
{
	const char *dir = conf_journal_dir(ad->conf);
	struct flush_backlog b;
	uint64_t n_rejected = 0;
	struct error e;
	struct db *db;

	if (admin_db(ad, &db, &e))
		return; /* which is a finding already */
	if (store_rejected_count(db, &n_rejected, &e))
		doctor_finding(ad, "rejected", BAD, "%s", e.internal);
	else if (n_rejected)
		doctor_finding(ad, "rejected", WARN,
		    "usage_rejected holds %llu records that are not charged: "
		    "look at them",
		    (unsigned long long)n_rejected);
	else
		doctor_finding(ad, "rejected", GOOD, "no record was set aside");
	if (access(dir, F_OK) != 0)
		return; /* which is a finding already */
	if (flush_backlog(db, dir, &ad->arena, &b, &e))
		doctor_finding(ad, "unflushed", WARN, "%s", e.internal);
	else
		report_backlog(ad, &b);
}

static void
check_duty(struct admin *ad, const char *what, enum hostmap_duty duty)
{
	int64_t beat_ms = hostmap_duty_beat_ms(ad->map, duty);
	int64_t age_ms = clock_now_ms() - beat_ms;

	if (beat_ms == 0)
		doctor_finding(ad, what, WARN, "no worker has done it yet");
	else if (age_ms > BEAT_WARN_MS)
		doctor_finding(ad, what, WARN,
		    "last done %lld s ago: no worker runs, or it hangs",
		    (long long)age_ms / 1000);
	else
		doctor_finding(ad, what, GOOD, "last done %lld ms ago",
		    (long long)age_ms);
}

/* Numbers of providers that were not there or not used. */
static void
check_usage(struct admin *ad)
{
	uint64_t n_missing = hostmap_total(ad->map, HOSTMAP_USAGE_MISSING);
	uint64_t n_bad = hostmap_total(ad->map, HOSTMAP_USAGE_UNUSABLE);
	uint64_t n_twice = hostmap_total(ad->map, HOSTMAP_USAGE_REPEATED);

	doctor_finding(ad, "provider usage", n_bad || n_twice ? WARN : GOOD,
	    "of the answers so far %llu had token counts that can't be right "
	    "and %llu had them twice (provider_usage_ in the workers' logs "
	    "says whose); %llu had none and were counted here",
	    (unsigned long long)n_bad, (unsigned long long)n_twice,
	    (unsigned long long)n_missing);
}

void
doctor_check_map(struct admin *ad)
{
	struct hostmap_cache_state cache;

	if (!admin_map(ad)) {
		doctor_finding(ad, "host map", WARN,
		    "%s/" HOSTMAP_FILE " is not there (no worker has run), of "
		    "another version, or not for this account to read",
		    conf_text(ad->conf, CONF_STATE_DIR));
		return;
	}
	doctor_finding(ad, "host map", GOOD, "%llu requests so far",
	    (unsigned long long)hostmap_total(ad->map, HOSTMAP_REQUESTS));
	check_usage(ad);
	check_duty(ad, "generations", HOSTMAP_POLLER);
	check_duty(ad, "flusher", HOSTMAP_FLUSHER);
	cache = hostmap_cache_state(ad->map);
	if (!cache.is_up)
		doctor_finding(ad, "limits", WARN,
		    "the workers do without memcached for %lld s "
		    "(limits.on_failure)",
		    (long long)(clock_now_ms() - cache.since_ms) / 1000);
	else
		doctor_finding(ad, "limits", GOOD, "the workers use memcached");
}
