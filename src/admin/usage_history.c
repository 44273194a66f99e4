/* SPDX-License-Identifier: MIT */
/* tollgate usage rerate, prune: what corrects or shortens the history of
 * usage. Neither changes anything without --yes. */
#include "admin/admin.h"
#include "admin/lookup.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "domain/prune.h"
#include "domain/rerate.h"

#define QUERY_MAX_S 3600 /* a table may be large */

const struct admin_option admin_usage_rerate_options[] = {
	{ "from", "TIME", "Requests admitted from then on.", true },
	{ "to", "TIME", "Up to, and without, then.", true },
	{ "model", "NAME|ID", "Of this model only.", false },
	{ "dry-run", NULL, "Show what would change (as without --yes).",
	    false },
	{ "yes", NULL, "Book it.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_usage_prune_options[] = {
	{ "before", "MONTH", "Months before this one, such as 2026-05.", true },
	{ "dry-run", NULL, "Show what would go (as without --yes).", false },
	{ "yes", NULL, "Do it.", false },
	{ "user", "NAME", "Account that may change tables (db.user).", false },
	{ "password", "SECRET", "Its password (db.password); - reads it.",
	    false },
	ADMIN_OPTIONS_END,
};

static enum err
read_yes(struct admin *ad, bool *ret, struct error *e)
{
	*ret = admin_has(ad, "yes");
	if (*ret && admin_has(ad, "dry-run"))
		return admin_usage(e, "--yes and --dry-run exclude each other");
	return OK;
}

/* A connection that waits for long statements. */
static enum err
open_db(const struct db_options *from, struct db **ret, struct error *e)
{
	struct db_options opt = *from;
	enum err err;

	opt.query_timeout_s = QUERY_MAX_S;
	*ret = db_new(&opt);
	if (!*ret)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	err = db_connect(*ret, e);
	if (err)
		db_free(*ret);
	return err;
}

static enum err
read_rerate(struct admin *ad, struct rerate_options *o, struct error *e)
{
	struct model m = { 0 };
	bool is_yes;
	enum err err = read_yes(ad, &is_yes, e);

	o->is_dry = !is_yes;
	if (!err)
		err = admin_opt_time(ad, "from", &o->filter.from_ms, e);
	if (!err)
		err = admin_opt_time(ad, "to", &o->filter.to_ms, e);
	if (!err && o->filter.from_ms >= o->filter.to_ms)
		return admin_usage(e, "--from must be before --to");
	if (!err && admin_has(ad, "model"))
		err = lookup_model(ad, admin_opt(ad, "model"), &m, e);
	o->filter.model_id = m.model_id;
	return err;
}

static enum err
rerate_rec(struct admin *ad, struct db *db, const struct rerate_model *m,
    bool is_applied, struct error *e)
{
	struct model model;
	enum err err = store_model_by_id(db, m->model_id, admin_arena(ad),
	    &model, e);

	if (err == ERR_NOT_FOUND)
		model.name = S("");
	else if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "model_id", m->model_id);
	admin_str(ad, "model", model.name);
	admin_u64(ad, "requests", m->requests);
	admin_u64(ad, "changed", m->changed);
	admin_u64(ad, "priced_now", m->priced);
	admin_u64(ad, "still_unknown", m->unpriced);
	admin_usd(ad, "change_usd", m->change_pusd);
	admin_usd(ad, "provider_change_usd", m->change_provider_pusd);
	admin_bool(ad, "applied", is_applied && m->changed > 0);
	return OK;
}

static enum err
describe(struct admin *ad, const struct rerate_options *o,
    const struct rerate_model *m, struct str *ret, struct error *e)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, admin_arena(ad), KIB(1));
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_time(&j, "from", o->filter.from_ms);
	json_out_member_time(&j, "to", o->filter.to_ms);
	json_out_member_u64(&j, "changed", m->changed);
	json_out_member_usd(&j, "change_usd", m->change_pusd);
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

/* Before it is booked, which takes a transaction for each thousand rows. */
static enum err
rerate_audit(struct admin *ad, const struct rerate_options *o,
    const struct rerate_result *r, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < r->n_models && !err; i++) {
		const struct rerate_model *m = &r->models[i];
		struct str what = { NULL, 0 };

		if (m->changed == 0)
			continue;
		err = describe(ad, o, m, &what, e);
		if (!err)
			err = admin_audit_ahead(ad, "usage.rerate", "model",
			    m->model_id, what, e);
	}
	return err;
}

/* What would change is looked at first, so that an amount out of range or a
 * missing right shows before anything is booked. */
static enum err
rerate(struct admin *ad, struct db *db, struct rerate_options *o,
    struct error *e)
{
	struct rerate_options dry = *o;
	struct rerate_result r;
	enum err err;

	dry.is_dry = true;
	err = rerate_run(db, &dry, admin_arena(ad), &r, e);
	if (!err && !o->is_dry)
		err = rerate_audit(ad, o, &r, e);
	if (!err && !o->is_dry)
		err = rerate_run(db, o, admin_arena(ad), &r, e);
	for (size_t i = 0; i < r.n_models && !err; i++)
		err = rerate_rec(ad, db, &r.models[i], !o->is_dry, e);
	return err;
}

enum err
admin_usage_rerate(struct admin *ad, struct error *e)
{
	struct rerate_options o = { .is_dry = true };
	struct db_options opt;
	struct db *db;
	enum err err = read_rerate(ad, &o, e);

	if (err)
		return err;
	admin_list(ad);
	admin_db_options(ad, &opt);
	err = open_db(&opt, &db, e);
	if (err)
		return err;
	err = rerate(ad, db, &o, e);
	db_free(db);
	admin_note(ad, "\n%s",
	    o.is_dry ? "Nothing was changed: --yes books it."
		     : "The difference is booked; rows stay as they were.");
	return err;
}

/* "2026-05" */
static enum err
read_month(struct admin *ad, int64_t *ret_ms, struct error *e)
{
	struct str month = admin_opt(ad, "before");
	struct str day = arena_printf(admin_arena(ad), "%" PRI_STR "-01",
	    STR_ARG(month));

	if (month.n == 7 && clock_parse(day, ret_ms) && *ret_ms > 0)
		return OK;
	return admin_usage(e, "--before must be a month such as 2026-05");
}

static enum err
prune(struct admin *ad, struct db *db, int64_t before_ms, bool is_yes,
    struct error *e)
{
	struct arena *a = admin_arena(ad);
	struct str month = arena_printf(a, "{\"before\":\"%" PRI_STR "\"}",
	    STR_ARG(admin_opt(ad, "before")));
	struct prune_result r = { 0, 0 };
	struct prune_count c;
	enum err err = store_prune_count(db, before_ms, a, &c, e);

	if (!err && is_yes)
		err = admin_audit_ahead(ad, "usage.prune", NULL, 0, month, e);
	if (!err && is_yes)
		err = prune_run(db, before_ms, a, &r, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_time(ad, "before", before_ms);
	admin_u64(ad, "rows", is_yes ? r.rows : c.rows);
	admin_usd(ad, "rows_usd", c.cost_pusd);
	admin_u64(ad, "unpriced_rows", c.unpriced_rows);
	admin_u64(ad, "partitions", r.partitions);
	admin_bool(ad, "applied", is_yes);
	admin_note(ad, "\n%s",
	    is_yes ? "The months are closed: their sums are in "
		     "usage_closings."
		   : "Nothing was changed: --yes closes the months. Rows can't "
		     "be had back.");
	return OK;
}

/* What these options say, else the usual account. */
static enum err
prune_account(struct admin *ad, struct db_options *opt, struct error *e)
{
	struct arena *a = admin_arena(ad);

	admin_db_options(ad, opt);
	if (admin_has(ad, "user"))
		opt->user = arena_cstr(a, admin_opt(ad, "user"));
	if (admin_has(ad, "password"))
		opt->password = arena_cstr(a, admin_opt(ad, "password"));
	if (!opt->user || (admin_has(ad, "password") && !opt->password))
		return admin_usage(e, "--user and --password must be text");
	return OK;
}

enum err
admin_usage_prune(struct admin *ad, struct error *e)
{
	int64_t before_ms = 0;
	int64_t keep_ms =
	    (int64_t)conf_u64(admin_conf(ad), CONF_JOURNAL_KEEP_S) * 1000;
	struct db_options opt;
	struct db *db;
	bool is_yes;
	enum err err = read_yes(ad, &is_yes, e);

	if (!err)
		err = read_month(ad, &before_ms, e);
	if (!err)
		err = prune_check(before_ms, clock_now_ms(), keep_ms, e);
	if (!err)
		err = prune_account(ad, &opt, e);
	if (!err)
		err = open_db(&opt, &db, e);
	if (err)
		return err;
	err = prune(ad, db, before_ms, is_yes, e);
	db_free(db);
	return err;
}
