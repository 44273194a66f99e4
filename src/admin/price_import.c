/* SPDX-License-Identifier: MIT */
/* tollgate price import */
#include "domain/price_import.h"
#include "domain/resource.h"

#include "admin/admin.h"
#include "admin/file.h"
#include "admin/lookup.h"
#include "domain/price_list.h"

#define NAMED_MAX 20 /* entries of models that are not here, in the text */

const struct admin_option admin_price_import_options[] = {
	{ "provider", "NAME", "Only models that this provider serves.", false },
	{ "model", "NAME|ID", "Only this model.", false },
	{ "entry", "NAME", "Its entry (that of its name at the provider).",
	    false },
	{ "list-provider", "NAME",
	    "Only entries whose litellm_provider this is.", false },
	{ "from", "TIME", "When the prices begin to hold (now).", false },
	{ "dry-run", NULL, "Show what would change (as without --yes).",
	    false },
	{ "yes", NULL, "Set them.", false },
	ADMIN_OPTIONS_END,
};

static struct str
base_name(struct str path)
{
	struct str rest = path, piece = path;

	while (str_split(&rest, '/', &piece))
		;
	return piece;
}

static enum err
read_options(struct admin *ad, struct price_import_options *o, bool *ret_is_yes,
    struct error *e)
{
	struct provider provider = { 0 };
	struct model model = { 0 };
	enum err err = OK;

	*ret_is_yes = admin_has(ad, "yes");
	if (*ret_is_yes && admin_has(ad, "dry-run"))
		return admin_usage(e, "--yes and --dry-run exclude each other");
	if (admin_has(ad, "entry") && !admin_has(ad, "model"))
		return admin_usage(e, "--entry needs --model");
	*o = (struct price_import_options){
		.entry = admin_opt(ad, "entry"),
		.list_provider = admin_opt(ad, "list-provider"),
		.source = base_name(admin_arg(ad, 0)),
	};
	err = admin_opt_time(ad, "from", &o->from_ms, e);
	if (!err && admin_has(ad, "provider"))
		err = lookup_provider(ad, admin_opt(ad, "provider"), &provider,
		    e);
	if (!err && admin_has(ad, "model"))
		err = lookup_model(ad, admin_opt(ad, "model"), &model, e);
	o->provider_id = provider.provider_id;
	o->model_id = model.model_id;
	return err;
}

/* One line of the diff; amounts may be missing. */
struct line {
	struct str model, entry;
	const char *state;
	struct str price;
	const int64_t *old_pusd, *new_pusd;
	struct str detail;
};

static void
amount(struct admin *ad, const char *name, const int64_t *pusd)
{
	if (pusd)
		admin_usd(ad, name, *pusd);
	else
		admin_number(ad, name, NULL);
}

static void
line_rec(struct admin *ad, const struct line *l)
{
	admin_rec(ad);
	admin_str(ad, "model", l->model);
	admin_str(ad, "entry", l->entry);
	admin_str(ad, "state", str_from(l->state));
	admin_str(ad, "price", l->price);
	amount(ad, "old", l->old_pusd);
	amount(ad, "new", l->new_pusd);
	admin_str(ad, "detail", l->detail);
}

/* A price of a model that has none yet is shown unless it says nothing: long
 * context as normal, nothing a request. */
static bool
is_shown(const struct price_import_model *m, size_t x, size_t c)
{
	if (m->state == PRICE_IMPORT_CHANGED)
		return m->old.tok_pusd[x][c] != m->new.tok_pusd[x][c];
	return x == TOK_NORMAL ||
	       m->new.tok_pusd[TOK_NORMAL][c] != m->new.tok_pusd[x][c];
}

static void
diff_recs(struct admin *ad, const struct price_import_model *m, struct line l)
{
	bool has_old = m->state == PRICE_IMPORT_CHANGED;

	for (size_t x = 0; x < TOK_CONTEXT__MAX; x++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++) {
			if (!is_shown(m, x, c))
				continue;
			l.price = str_from(price_classes[c].names[x]);
			l.old_pusd = has_old ? &m->old.tok_pusd[x][c] : NULL;
			l.new_pusd = &m->new.tok_pusd[x][c];
			line_rec(ad, &l);
		}
	if (m->old.request_pusd == m->new.request_pusd)
		return;
	l.price = S("request");
	l.old_pusd = has_old ? &m->old.request_pusd : NULL;
	l.new_pusd = &m->new.request_pusd;
	line_rec(ad, &l);
}

static void
ignored_recs(struct admin *ad, const struct price_feed_entry *x, struct line l)
{
	l.state = "ignored";
	for (size_t i = 0; i < x->n_ignored && i < PRICE_FEED_IGNORED_MAX;
	     i++) {
		l.price = x->ignored[i];
		l.detail = S("not understood");
		line_rec(ad, &l);
	}
}

static struct str
threshold_detail(struct admin *ad, const struct price_import_model *m)
{
	if (!m->is_threshold_off)
		return (struct str){ NULL, 0 };
	return arena_printf(admin_arena(ad),
	    "long context needs: model set --long-context-threshold %lld",
	    (long long)m->entry->long_threshold_tok);
}

static void
model_recs(struct admin *ad, const struct price_import_model *m)
{
	struct line l = { .model = m->model.name,
		.state = price_import_states[m->state],
		.detail = m->why };

	if (m->entry)
		l.entry = m->entry->name;
	switch (m->state) {
	case PRICE_IMPORT_NEW:
	case PRICE_IMPORT_CHANGED:
		l.detail = threshold_detail(ad, m);
		diff_recs(ad, m, l);
		break;
	case PRICE_IMPORT_UNCHANGED:
	case PRICE_IMPORT_ABSENT:
	case PRICE_IMPORT_AMBIGUOUS:
	case PRICE_IMPORT_UNUSABLE:
		line_rec(ad, &l);
		break;
	case PRICE_IMPORT__N:
		break;
	}
	if (m->entry)
		ignored_recs(ad, m->entry,
		    (struct line){ .model = l.model, .entry = l.entry });
}

/* A list has thousands: all of them as JSON, some as text. */
static void
absent_recs(struct admin *ad, const struct price_feed *feed)
{
	struct str names = S("");
	size_t n = 0;

	for (size_t i = 0; i < feed->n; i++) {
		const struct price_feed_entry *x = &feed->entries[i];

		if (x->is_used)
			continue;
		if (admin_is_json(ad))
			line_rec(ad, &(struct line){ .entry = x->name,
					 .state = "not here" });
		else if (n < NAMED_MAX)
			names = arena_printf(admin_arena(ad),
			    "%" PRI_STR "%s%" PRI_STR, STR_ARG(names),
			    n ? ", " : "", STR_ARG(x->name));
		n++;
	}
	if (n > 0)
		admin_note(ad,
		    "\nNot here are %zu models of the list: %" PRI_STR "%s.", n,
		    STR_ARG(names), n > NAMED_MAX ? " …" : "");
}

static enum err
apply(struct admin *ad, struct price_import *plan, struct error *e)
{
	struct manager by;
	enum err err = admin_manager(ad, &by, e);

	if (!err)
		err = price_import_apply(by.db, &by.audit, plan,
		    admin_arena(ad), e);
	if (!err)
		admin_catalogue_changed(ad);
	return err;
}

enum err
admin_price_import(struct admin *ad, struct error *e)
{
	struct price_import_options o;
	struct price_import plan;
	struct price_feed feed;
	struct str text;
	struct db *db;
	bool is_yes;
	enum err err = read_options(ad, &o, &is_yes, e);

	if (!err)
		err = admin_file(ad, admin_arg(ad, 0), PRICE_FEED_BYTES_MAX,
		    &text, e);
	if (!err)
		err = price_feed_read(text, admin_arena(ad), &feed, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = price_import_plan(db, &feed, &o, admin_arena(ad), &plan,
		    e);
	if (!err && is_yes)
		err = apply(ad, &plan, e);
	if (err)
		return err;
	admin_list(ad);
	for (size_t i = 0; i < plan.n; i++)
		model_recs(ad, &plan.models[i]);
	absent_recs(ad, &feed);
	admin_note(ad, "\nAmounts are USD per token; request is per request.");
	admin_note(ad,
	    is_yes ? "%zu new versions of prices were set."
		   : "Nothing was changed: --yes sets %zu new "
		     "versions of prices.",
	    plan.n_versions);
	return OK;
}
