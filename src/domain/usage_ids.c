/* SPDX-License-Identifier: MIT */
#include "domain/usage_ids.h"

#include "domain/principal.h"
#include "domain/resource.h"
#include "store/customer.h"
#include "store/key.h"
#include "store/label.h"
#include "store/model.h"
#include "store/price.h"
#include "store/usage_page.h"
#include "store/user.h"

static const char *const thing_names[USAGE_THING__N] = { "user_id",
	"api_key_id", "project_id", "agent_id", "connector_id", "model_id",
	"customer_id" };

static enum err
not_there(const struct usage_ids *ids, enum usage_thing kind, struct error *e)
{
	if (ids->n_events == 1)
		return error_public(e, ERR_NOT_FOUND, thing_names[kind],
		    "%s names nothing that is there.", thing_names[kind]);
	return error_public(e, ERR_NOT_FOUND, thing_names[kind],
	    "%s of element %zu names nothing that is there.", thing_names[kind],
	    ids->at);
}

/* To a customer's credential a model that it may not use is not there, as in
 * GET /v1/models; operators also book what was used before. */
static bool
is_hidden(const struct principal *who, const struct model *m)
{
	return who && !principal_is_operator(who) &&
	       (!m->is_enabled || m->archived_at_ms ||
		   !principal_may_use_model(who, m->model_id));
}

static enum err
load_model(struct usage_ids *ids, struct usage_known *k, struct error *e)
{
	struct model model;
	enum err err = store_model_by_id(ids->m->db, k->id, ids->a, &model, e);

	if (err)
		return err;
	if (is_hidden(ids->m->who, &model))
		return error_set(e, ERR_NOT_FOUND, "not for this credential");
	k->name = model.name;
	return store_price_list(ids->m->db, k->id, ids->a, &k->prices,
	    &k->n_prices, e);
}

static enum err
load_label(struct usage_ids *ids, struct usage_known *k, enum label_kind kind,
    struct error *e)
{
	struct label l;
	enum err err = store_label_by_id(ids->m->db, kind, ids->m->tenant,
	    k->id, ids->a, &l, e);

	if (!err)
		k->customer_id = l.customer_id;
	return err;
}

static enum err
load_key(struct usage_ids *ids, struct usage_known *k, struct error *e)
{
	struct key key;
	enum err err = store_key_by_id(ids->m->db, ids->m->tenant, k->id,
	    ids->a, &key, e);

	if (!err)
		k->customer_id = key.customer_id;
	return err;
}

static enum err
load_user(struct usage_ids *ids, struct usage_known *k, struct error *e)
{
	struct user user;
	enum err err = store_user_by_id(ids->m->db, ids->m->tenant, k->id,
	    ids->a, &user, e);

	if (err)
		return err;
	k->customer_id = user.customer_id;
	/* An operator's own account uses nothing. */
	return k->customer_id ? OK : error_set(e, ERR_NOT_FOUND, "operator");
}

static enum err
load_customer(struct usage_ids *ids, struct usage_known *k, struct error *e)
{
	struct customer c;
	enum err err = store_customer_by_id(ids->m->db, k->id, ids->a, &c, e);

	if (!err) {
		k->customer_id = k->id;
		k->markup_ppm = c.markup_ppm;
	}
	return err;
}

static enum err
load(struct usage_ids *ids, struct usage_known *k, struct error *e)
{
	switch (k->kind) {
	case USAGE_THING_USER:
		return load_user(ids, k, e);
	case USAGE_THING_KEY:
		return load_key(ids, k, e);
	case USAGE_THING_PROJECT:
		return load_label(ids, k, LABEL_PROJECT, e);
	case USAGE_THING_AGENT:
		return load_label(ids, k, LABEL_AGENT, e);
	case USAGE_THING_CONNECTOR:
		return load_label(ids, k, LABEL_CONNECTOR, e);
	case USAGE_THING_MODEL:
		return load_model(ids, k, e);
	case USAGE_THING_CUSTOMER:
		return load_customer(ids, k, e);
	case USAGE_THING__N:
		break;
	}
	return error_set(e, ERR_INTERNAL, "no such kind of thing");
}

enum err
usage_ids_find(struct usage_ids *ids, enum usage_thing kind, uint64_t id,
    uint64_t customer_id, const struct usage_known **ret, struct error *e)
{
	size_t bucket = (size_t)(id * USAGE_THING__N + kind) &
			(USAGE_IDS_BUCKETS - 1);
	struct usage_known *k = ids->known[bucket];
	uint64_t whose = customer_id ? customer_id : ids->m->tenant;
	enum err err = OK;

	while (k && (k->id != id || k->kind != kind))
		k = k->next;
	if (!k) {
		k = arena_alloc(ids->a, sizeof(*k));
		if (!k)
			return error_arena(e, ids->a);
		*k = (struct usage_known){ .next = ids->known[bucket],
			.kind = kind,
			.id = id };
		err = load(ids, k, e);
		if (!err)
			ids->known[bucket] = k;
	}
	if (err == ERR_NOT_FOUND ||
	    (!err && whose && k->customer_id && k->customer_id != whose))
		return not_there(ids, kind, e);
	*ret = k;
	return err;
}

enum err
usage_ids_check(struct usage_ids *ids, enum usage_thing kind, uint64_t id,
    uint64_t customer_id, struct error *e)
{
	const struct usage_known *k;

	return id ? usage_ids_find(ids, kind, id, customer_id, &k, e) : OK;
}

enum err
usage_ids_filter(const struct manager *m, const struct usage_filter *f,
    struct arena *a, uint64_t *ret_customer_id, struct error *e)
{
	const struct {
		enum usage_thing kind;
		uint64_t id;
	} named[] = { { USAGE_THING_KEY, f->api_key_id },
		{ USAGE_THING_USER, f->user_id },
		{ USAGE_THING_PROJECT, f->project_id },
		{ USAGE_THING_AGENT, f->agent_id },
		{ USAGE_THING_CONNECTOR, f->connector_id } };
	struct usage_ids ids = { .m = m, .a = a, .n_events = 1 };
	const uint64_t customer_id = f->customer_id;
	enum err err = OK;

	*ret_customer_id = customer_id;
	for (size_t i = 0; i < ARRAY_LEN(named) && !err; i++) {
		const struct usage_known *k;

		if (!named[i].id)
			continue;
		err = usage_ids_find(&ids, named[i].kind, named[i].id,
		    customer_id, &k, e);
		if (!err && !*ret_customer_id)
			*ret_customer_id = k->customer_id;
	}
	return err;
}
