/* SPDX-License-Identifier: MIT */
/* The database: its settings, its schema, what it knows of hosts and notices. */
#include <string.h>

#include "admin/doctor.h"
#include "base/clock.h"
#include "domain/host.h"
#include "domain/notice_deliver.h"
#include "store/key.h"
#include "store/migrate.h"
#include "store/notice.h"
#include "store/server.h"

#define CLOCK_WARN_MS 1000

static void
check_clock(struct admin *ad, const struct server_facts *f)
{
	int64_t ahead_ms = f->now_ms - clock_now_ms();

	if (ahead_ms > CLOCK_WARN_MS || ahead_ms < -CLOCK_WARN_MS)
		doctor_finding(ad, "clock", WARN,
		    "the database's clock is %lld ms ahead of this host's: "
		    "run NTP on both",
		    (long long)ahead_ms);
	else
		doctor_finding(ad, "clock", GOOD, "agrees with the database's");
}

static void
check_db_settings(struct admin *ad, const struct server_facts *f)
{
	/* 2 and 0 lose commits when the machine fails: the journals would
	 * heal that only as long as they are kept. */
	if (!str_eq(f->flush_log, S("1")) && !str_eq(f->flush_log, S("3")))
		doctor_finding(ad, "database durability", WARN,
		    "innodb_flush_log_at_trx_commit is %" PRI_STR
		    ": set it to 1, or a power cut loses commits",
		    STR_ARG(f->flush_log));
	else
		doctor_finding(ad, "database durability", GOOD,
		    "innodb_flush_log_at_trx_commit is %" PRI_STR,
		    STR_ARG(f->flush_log));
	if (str_eq(f->isolation, S("REPEATABLE-READ")) ||
	    str_eq(f->isolation, S("READ-COMMITTED")))
		doctor_finding(ad, "database isolation", GOOD, "%" PRI_STR,
		    STR_ARG(f->isolation));
	else
		doctor_finding(ad, "database isolation", WARN,
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
		doctor_finding(ad, "tables", BAD, "%s: run `tollgate migrate`",
		    e.internal);
	else
		doctor_finding(ad, "tables", GOOD, "up to date");
}

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
		doctor_finding(ad, "hosts", BAD,
		    "%" PRI_STR " has another auth.pepper under the same "
		    "number: keys made there fail here, and the reverse",
		    STR_ARG(h->host));
	else if (h->pepper_id != own->pepper_id)
		doctor_finding(ad, "hosts", WARN,
		    "%" PRI_STR " has auth.pepper_id %llu, this host %llu: "
		    "fine only while the pepper rotates",
		    STR_ARG(h->host), (unsigned long long)h->pepper_id,
		    (unsigned long long)own->pepper_id);
	if (differs(h->seal_check, own->seal_check))
		doctor_finding(ad, "hosts", WARN,
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
	doctor_finding(ad, "hosts", GOOD, "%zu seen within a day", n_alive);
	if (n_waiting)
		doctor_finding(ad, "pepper",
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
		doctor_finding(ad, "mail", BAD, "%s", e.internal);
	else
		doctor_finding(ad, "mail", GOOD, "%s",
		    has_mail ? "mail.sendmail can be run"
			     : "off: mail.sendmail is not set");
	if (store_notice_counts(db, &n, &e))
		doctor_finding(ad, "notices", BAD, "%s", e.internal);
	else if (n.n_dead)
		doctor_finding(ad, "notices", WARN,
		    "%llu were given up: `tollgate notice list --state dead` "
		    "says why, `tollgate notice send ID` tries again",
		    (unsigned long long)n.n_dead);
	else if (n.n_late)
		doctor_finding(ad, "notices", WARN,
		    "%llu are not delivered after an hour: `tollgate notice "
		    "list --state pending` says why",
		    (unsigned long long)n.n_late);
	else
		doctor_finding(ad, "notices", GOOD, "all were delivered");
}

uint64_t
doctor_check_db(struct admin *ad)
{
	struct server_facts f = { 0 };
	uint64_t peak = 0;
	struct error e;
	struct db *db;

	if (admin_db(ad, &db, &e)) {
		doctor_finding(ad, "database", BAD, "%s", e.internal);
		return 0;
	}
	check_schema(ad, db);
	check_hosts(ad, db);
	if (store_server_facts(db, &ad->arena, &f, &e) ||
	    store_server_peak(db, &ad->arena, &peak, &e)) {
		doctor_finding(ad, "database", BAD, "%s", e.internal);
		return 0;
	}
	check_notices(ad, db);
	doctor_finding(ad, "database", GOOD, "reached, version %" PRI_STR,
	    STR_ARG(f.version));
	check_db_settings(ad, &f);
	check_clock(ad, &f);
	return peak;
}
