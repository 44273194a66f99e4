/* SPDX-License-Identifier: MIT */
/*
 * tollgate doctor: each thing that Tollgate rests on, as one finding with a
 * word of advice. Exit code 1 when something is broken; warnings alone are 0.
 */
#include "admin/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/limits.h"
#include "domain/limit.h"
#include "ext/mcache.h"

#define MEMORY_WARN_PCT 80

const struct admin_option admin_doctor_options[] = {
	ADMIN_OPTIONS_END,
};

void
doctor_finding(struct admin *ad, const char *what, enum verdict verdict,
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
		doctor_finding(ad, "secrets", BAD, "%s", e.internal);
	else
		doctor_finding(ad, "secrets", GOOD,
		    "auth.pepper and seal.key are set");
}

static void
report_cache(struct admin *ad, const struct mcache_stats *s)
{
	uint64_t pct = s->max_bytes ? s->used_bytes * 100 / s->max_bytes : 0;

	if (s->n_evictions)
		doctor_finding(ad, "memcached", WARN,
		    "%llu evictions: counters were lost, so limits were "
		    "exceeded; give it more memory (-m) and use it for "
		    "Tollgate alone",
		    (unsigned long long)s->n_evictions);
	else if (pct >= MEMORY_WARN_PCT)
		doctor_finding(ad, "memcached", WARN,
		    "%llu %% of its memory is used: raise -m before it evicts "
		    "counters",
		    (unsigned long long)pct);
	else
		doctor_finding(ad, "memcached", GOOD,
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
		doctor_finding(ad, "memcached", BAD, "%s", e.internal);
		return;
	}
	if (mcache_stats(m, &s, &e))
		doctor_finding(ad, "memcached", BAD, "%s", e.internal);
	else
		report_cache(ad, &s);
	mcache_free(m);
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
		doctor_finding(ad, "limits by default", BAD, "%s", e.internal);
		return;
	}
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (limit_set_get(&s.defaults, m) == 0)
			limit_set_put(&s.defaults, m, LIMIT_UNSTATED);
	text = limits_text(ad, &s.defaults);
	doctor_finding(ad, "limits by default", s.is_shadow ? WARN : GOOD,
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
		doctor_finding(ad, "state.dir", BAD, "%s is not a folder", dir);
	else if (st.st_mode & S_IRWXO)
		doctor_finding(ad, "state.dir", WARN,
		    "%s is open to other accounts: chmod 0750", dir);
	else
		doctor_finding(ad, "state.dir", GOOD, "%s", dir);
}

static void
check_readable(struct admin *ad, const char *what, enum conf_id id,
    const char *file)
{
	struct str path = arena_printf(&ad->arena, "%s/%s",
	    conf_text(ad->conf, id), file);

	if (!path.p || access(path.p, R_OK) != 0)
		doctor_finding(ad, what, BAD, "%s can't be read",
		    path.p ? path.p : "");
	else
		doctor_finding(ad, what, GOOD, "%s", conf_text(ad->conf, id));
}

enum err
admin_doctor(struct admin *ad, struct error *e)
{
	uint64_t per_hour;

	(void)e; /* whatever is wrong is a finding */
	admin_list(ad);
	doctor_finding(ad, "configuration", GOOD,
	    "read, every value in its bounds");
	check_secrets(ad);
	per_hour = doctor_check_db(ad);
	check_cache(ad);
	check_state_dir(ad);
	doctor_check_journal(ad, per_hour);
	doctor_check_backlog(ad);
	doctor_check_map(ad);
	check_limits(ad);
	check_readable(ad, "templates", CONF_TEMPLATES_DIR, "layout.html");
	return OK;
}
