/* SPDX-License-Identifier: MIT */
/* tollgate migrate */
#include "store/migrate.h"

#include "admin/admin_priv.h"

#define ALTER_MAX_S 3600 /* a table may be large */

const struct admin_option admin_migrate_options[] = {
	{ "check", NULL, "Change nothing; fail when something is missing.",
	    false },
	{ "user", "NAME", "Account that may change tables (db.user).", false },
	{ "password", "SECRET", "Its password (db.password); - reads it.",
	    false },
	{ "wait", "SECONDS", "Longest wait for another run (60).", false },
	ADMIN_OPTIONS_END,
};

static void
report(void *arg, struct str file, bool is_applied_now, int64_t duration_ms)
{
	struct admin *ad = arg;

	admin_rec(ad);
	admin_str(ad, "file", file);
	admin_bool(ad, "applied_now", is_applied_now);
	admin_count(ad, "duration_ms", is_applied_now ? duration_ms : -1);
}

/* A C string from an option; NULL when it can't be one. */
static const char *
text_of(struct admin *ad, const char *option, const char *otherwise)
{
	return admin_has(ad, option)
		   ? arena_cstr(&ad->arena, admin_opt(ad, option))
		   : otherwise;
}

enum err
admin_migrate(struct admin *ad, struct error *e)
{
	struct migrate_options opt = {
		.dir = conf_text(ad->conf, CONF_SCHEMA_DIR),
		.check_only = admin_has(ad, "check"),
		.report = report,
		.report_arg = ad,
	};
	uint64_t wait_s = 60;
	struct db_options db_opt;
	struct db *db;
	enum err err = admin_opt_u64(ad, "wait", 0, 3600, &wait_s, e);

	if (err)
		return err;
	opt.wait_ms = (int64_t)wait_s * 1000;
	admin_list(ad);
	admin_db_options(ad, &db_opt);
	db_opt.user = text_of(ad, "user", db_opt.user);
	db_opt.password = text_of(ad, "password", db_opt.password);
	db_opt.query_timeout_s = ALTER_MAX_S;
	if (!db_opt.user || !db_opt.password)
		return admin_usage(e, "--user and --password must be text");
	db = db_new(&db_opt);
	if (!db)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	err = migrate_run(db, &opt, e);
	db_free(db);
	return err;
}
