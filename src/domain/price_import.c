/* SPDX-License-Identifier: MIT */
#include "domain/price_import.h"

#include <string.h>

#include "base/clock.h"
#include "domain/price.h"
#include "domain/price_set.h"
#include "store/catalogue.h"

#define NOTE_BYTES 255 /* of price_versions.note */

const char *const price_import_states[PRICE_IMPORT__N] = {
	[PRICE_IMPORT_NEW] = "new",
	[PRICE_IMPORT_CHANGED] = "changed",
	[PRICE_IMPORT_UNCHANGED] = "unchanged",
	[PRICE_IMPORT_ABSENT] = "not in the list",
	[PRICE_IMPORT_AMBIGUOUS] = "ambiguous",
	[PRICE_IMPORT_UNUSABLE] = "unusable",
};

bool
price_is_same(const struct price *a, const struct price *b)
{
	return memcmp(a->tok_pusd, b->tok_pusd, sizeof(a->tok_pusd)) == 0 &&
	       a->request_pusd == b->request_pusd;
}

struct planner {
	struct db *db;
	struct price_feed *feed;
	const struct price_import_options *opt;
	struct arena *a;
	const struct catalogue_rows *rows;
	int64_t from_ms;
};

/* Where the model is tried first. */
static const struct deployment *
deployment_of(const struct planner *p, uint64_t model_id)
{
	for (size_t i = 0; i < p->rows->n_deployments; i++)
		if (p->rows->deployments[i].model_id == model_id)
			return &p->rows->deployments[i];
	return NULL;
}

/* "azure/gpt-4o" for gpt-4o, if the part before is the entry's provider. */
static bool
is_prefixed(const struct price_feed_entry *x, struct str name)
{
	return x->provider.p && x->name.n == x->provider.n + 1 + name.n &&
	       str_starts(x->name, x->provider) &&
	       x->name.p[x->provider.n] == '/' && str_ends(x->name, name);
}

static bool
is_of_list_provider(const struct planner *p, const struct price_feed_entry *x)
{
	return !p->opt->list_provider.p ||
	       (x->provider.p && str_eq(x->provider, p->opt->list_provider));
}

/* The one entry with that very name, or else the one that has it behind its
 * provider's. */
static void
find_entry(const struct planner *p, struct str name,
    struct price_import_model *m)
{
	struct price_feed_entry *exact = NULL, *prefixed = NULL;
	size_t n_exact = 0, n_prefixed = 0;

	for (size_t i = 0; i < p->feed->n; i++) {
		struct price_feed_entry *x = &p->feed->entries[i];

		if (!is_of_list_provider(p, x))
			continue;
		if (str_eq(x->name, name)) {
			exact = x;
			n_exact++;
		} else if (is_prefixed(x, name)) {
			prefixed = x;
			n_prefixed++;
		}
	}
	m->entry = exact ? exact : prefixed;
	if ((exact ? n_exact : n_prefixed) > 1) {
		m->state = PRICE_IMPORT_AMBIGUOUS;
		m->why = exact ? S("two entries have that name")
			       : S("several providers of the list have it");
		m->entry = NULL;
	}
}

static enum err
compare(const struct planner *p, struct price_import_model *m, struct error *e)
{
	struct price *versions;
	const struct price *old;
	size_t n;
	enum err err = store_price_list(p->db, m->model.model_id, p->a,
	    &versions, &n, e);

	if (err)
		return err;
	m->new = m->entry->price;
	m->new.model_id = m->model.model_id;
	m->new.effective_from_ms = p->opt->from_ms;
	m->new.note = arena_printf(p->a, "%" PRI_STR ": %" PRI_STR,
	    STR_ARG(p->opt->source), STR_ARG(m->entry->name));
	if (m->new.note.n > NOTE_BYTES)
		m->new.note.n = NOTE_BYTES;
	m->is_threshold_off = m->entry->has_long &&
			      m->entry->long_threshold_tok !=
				  m->model.long_context_threshold_tok;
	old = price_at(versions, n, p->from_ms);
	m->state = PRICE_IMPORT_NEW;
	if (!old)
		return OK;
	m->old = *old;
	m->state = price_is_same(&m->old, &m->new) ? PRICE_IMPORT_UNCHANGED
						   : PRICE_IMPORT_CHANGED;
	return OK;
}

/* Long-context prices that begin at another number of tokens than the
 * model's would charge what the list does not say. */
static bool
is_other_threshold(const struct price_import_model *m)
{
	return m->entry->has_long && m->model.long_context_threshold_tok >= 0 &&
	       m->model.long_context_threshold_tok !=
		   m->entry->long_threshold_tok;
}

static enum err
plan_model(const struct planner *p, struct price_import_model *m,
    struct error *e)
{
	struct str name = p->opt->entry.p ? p->opt->entry : m->upstream_name;

	m->state = PRICE_IMPORT_ABSENT;
	if (name.p)
		find_entry(p, name, m);
	if (!m->entry)
		return OK;
	m->entry->is_used = true;
	m->state = PRICE_IMPORT_UNUSABLE;
	if (m->entry->unusable.p)
		m->why = m->entry->unusable;
	else if (is_other_threshold(m))
		m->why = arena_printf(p->a,
		    "its long context begins at %lld tokens, the model's at "
		    "%lld",
		    (long long)m->entry->long_threshold_tok,
		    (long long)m->model.long_context_threshold_tok);
	else
		return compare(p, m, e);
	return OK;
}

static bool
is_wanted(const struct planner *p, const struct model *m,
    const struct deployment *d)
{
	if (m->archived_at_ms ||
	    (p->opt->model_id && p->opt->model_id != m->model_id))
		return false;
	return !p->opt->provider_id ||
	       (d && d->provider_id == p->opt->provider_id);
}

static enum err
plan_all(const struct planner *p, struct price_import *ret, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < p->rows->n_models && !err; i++) {
		const struct model *model = &p->rows->models[i];
		const struct deployment *d = deployment_of(p, model->model_id);
		struct price_import_model *m = &ret->models[ret->n];

		if (!is_wanted(p, model, d))
			continue;
		ret->n++;
		*m = (struct price_import_model){ .model = *model };
		if (d)
			m->upstream_name = d->upstream_name;
		err = plan_model(p, m, e);
		ret->n_versions += m->state == PRICE_IMPORT_NEW ||
				   m->state == PRICE_IMPORT_CHANGED;
	}
	if (!err && p->a->sticky)
		return error_arena(e, p->a);
	return err;
}

enum err
price_import_plan(struct db *db, struct price_feed *feed,
    const struct price_import_options *opt, struct arena *a,
    struct price_import *ret, struct error *e)
{
	struct catalogue_rows rows;
	struct planner p = {
		.db = db,
		.feed = feed,
		.opt = opt,
		.a = a,
		.rows = &rows,
		.from_ms = opt->from_ms ? opt->from_ms : clock_now_ms(),
	};
	enum err err = store_catalogue_load(db, false, a, &rows, e);

	if (err)
		return err;
	*ret = (struct price_import){
		.models = arena_array(a, struct price_import_model,
		    rows.n_models),
	};
	return ret->models ? plan_all(&p, ret, e) : error_arena(e, a);
}

struct application {
	const struct audit *who;
	struct price_import *plan;
	struct arena *a;
};

static enum err
apply_txn(struct db *db, void *arg, struct error *e)
{
	const struct application *ap = arg;

	for (size_t i = 0; i < ap->plan->n; i++) {
		struct price_import_model *m = &ap->plan->models[i];
		struct price p = m->new;
		enum err err;

		if (m->state != PRICE_IMPORT_NEW &&
		    m->state != PRICE_IMPORT_CHANGED)
			continue;
		err = price_insert(db, ap->who, "price.import", &p, ap->a, e);
		if (err == ERR_CONFLICT)
			return error_set(e, err,
			    "model %" PRI_STR
			    " has a price from that very instant",
			    STR_ARG(m->model.name));
		if (err)
			return err;
		m->new.price_version_id = p.price_version_id;
	}
	return OK;
}

enum err
price_import_apply(struct db *db, const struct audit *who,
    struct price_import *plan, struct arena *a, struct error *e)
{
	struct application ap = { who, plan, a };

	return db_txn(db, apply_txn, &ap, e);
}
