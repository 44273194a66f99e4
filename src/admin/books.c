/* SPDX-License-Identifier: MIT */
/* tollgate journal show and reconcile: the options of journal.c and
 * reconcile.c, which write to standard output themselves. */
#include <stdio.h>

#include "admin/admin.h"
#include "admin/journal.h"
#include "admin/reconcile.h"

#define RECONCILE_MAX_S 3600 /* all rows are read in one statement */

const struct admin_option admin_show_journal_options[] = {
	{ "request", "ID", "Records of one request only.", false },
	{ "records", NULL, "Every record, not one line a series.", false },
	{ "dir", "FOLDER", "Journals to read (journal.dir).", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_run_reconcile_options[] = {
	{ "database-only", NULL, "Leave this host's journals out.", false },
	ADMIN_OPTIONS_END,
};

static enum err
journal_dir(struct admin *ad, const char *option, const char **ret,
    struct error *e)
{
	*ret = conf_journal_dir(admin_conf(ad));
	if (option && admin_has(ad, option))
		*ret = arena_cstr(admin_arena(ad), admin_opt(ad, option));
	return *ret ? OK : error_arena(e, admin_arena(ad));
}

enum err
admin_show_journal(struct admin *ad, struct error *e)
{
	struct journal_show o = {
		.series = admin_arg(ad, 0),
		.request = admin_opt(ad, "request"),
		.is_json = admin_is_json(ad),
		.has_records = admin_has(ad, "records"),
	};
	enum err err = journal_dir(ad, "dir", &o.dir, e);

	admin_raw(ad, S(""));
	return err ? err : admin_journal_show(&o, stdout, e);
}

enum err
admin_run_reconcile(struct admin *ad, struct error *e)
{
	struct db_options opt;
	const char *dir = NULL;
	bool is_clean;
	struct db *db;
	enum err err = OK;

	if (!admin_has(ad, "database-only"))
		err = journal_dir(ad, NULL, &dir, e);
	if (err)
		return err;
	admin_db_options(ad, &opt);
	opt.query_timeout_s = RECONCILE_MAX_S;
	db = db_new(&opt);
	err = admin_reconcile(db, dir, admin_is_json(ad), stdout, &is_clean, e);
	db_free(db);
	if (err)
		return err;
	admin_raw(ad, S(""));
	if (!is_clean)
		admin_fail(ad);
	return OK;
}
