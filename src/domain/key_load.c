/* SPDX-License-Identifier: MIT */
/* From the database's rows to an entry of the cache. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "domain/budget_period.h"
#include "domain/hostmap.h"
#include "domain/key_priv.h"
#include "store/operator_key.h"

#define LOAD_TRIES 3 /* a slot that moves during the query: again */

static enum err
budgets_load(struct db *db, const struct key_auth *k, struct arena *a,
    struct principal *who, struct error *e)
{
	const struct budget_starts now = budget_starts_of(clock_now_ms());
	struct budget *v = NULL;
	size_t n = 0;
	enum err err = store_budget_for_key(db, k->customer_id, k->project_id,
	    k->api_key_id, &now, a, &v, &n, e);

	who->n_budgets = 0;
	for (size_t i = 0; i < n && i < BUDGET_PER_KEY && !err; i++)
		who->budgets[who->n_budgets++] = (struct budget_ref){
			.budget_id = v[i].budget_id,
			.amount_pusd = v[i].terms.amount_pusd,
			.scope = v[i].scope,
			.kind = v[i].terms.kind,
			.period = v[i].terms.period,
		};
	return err;
}

static void
public_id_copy(struct str public_id, char ret[KEY_PUBLIC_ID_BYTES + 1])
{
	size_t n = public_id.n > KEY_PUBLIC_ID_BYTES ? KEY_PUBLIC_ID_BYTES
						     : public_id.n;

	memcpy(ret, public_id.p, n);
	ret[n] = '\0';
}

/* An entry's own copy of the models; none is no error. */
static enum err
models_copy(const struct key_auth *k, struct key_entry *en, struct error *e)
{
	size_t n = k->all_models ? 0 : k->n_models;

	free(en->model_ids); /* of an earlier try */
	en->model_ids = NULL;
	if (n) {
		en->model_ids = calloc(n, sizeof(*en->model_ids));
		if (!en->model_ids)
			return error_set(e, ERR_NO_MEMORY, "no memory");
		memcpy(en->model_ids, k->model_ids, n * sizeof(*k->model_ids));
	}
	en->who.model_ids = en->model_ids;
	en->who.n_models = n;
	return OK;
}

/* The entry's own copy of the addresses: ranges, with their text behind. */
static enum err
ips_copy(const struct key_auth *k, struct arena *a, struct key_entry *en,
    struct error *e)
{
	struct cidr_list list = { NULL, 0 };
	size_t bytes;
	char *p;
	enum err err;

	free(en->ips); /* of an earlier try */
	en->ips = NULL;
	en->ips_bytes = 0;
	en->who.allowed_ips = list;
	en->who.allowed_ips_text = (struct str){ NULL, 0 };
	if (!k->allowed_ips.p)
		return OK;
	err = cidr_list_parse(a, k->allowed_ips, &list, e);
	if (!err && list.n == 0) /* never "from anywhere" by mistake */
		err = error_set(e, ERR_CORRUPT, "an empty list of addresses");
	if (err)
		return err;
	bytes = list.n * sizeof(*list.v);
	p = calloc(1, bytes + k->allowed_ips.n);
	if (!p)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	memcpy(p, list.v, bytes);
	memcpy(p + bytes, k->allowed_ips.p, k->allowed_ips.n);
	en->ips = p;
	en->ips_bytes = bytes + k->allowed_ips.n;
	key_entry_ips(p, list.n, k->allowed_ips.n, &en->who);
	return OK;
}

void
key_entry_ips(void *p, size_t n, size_t n_text, struct principal *who)
{
	who->allowed_ips = (struct cidr_list){ p, n };
	who->allowed_ips_text = str_make((char *)p + n * sizeof(struct cidr),
	    n_text);
}

static enum err
customer_key_load(struct db *db, struct arena *a, struct key_entry *en,
    struct error *e)
{
	struct principal *who = &en->who;
	struct key_auth k;
	enum err err = store_key_by_digest(db, en->who.key_digest, a, &k, e);

	if (err)
		return err;
	who->kind = PRINCIPAL_KEY;
	who->api_key_id = k.api_key_id;
	who->customer_id = k.customer_id;
	en->is_refused = k.is_refused;
	if (k.is_refused)
		return OK;
	err = budgets_load(db, &k, a, who, e);
	if (!err)
		err = models_copy(&k, en, e);
	if (!err)
		err = ips_copy(&k, a, en, e);
	if (err)
		return err;
	who->role = k.user_role;
	who->user_id = k.user_id;
	who->project_id = k.project_id;
	who->scopes = k.scopes;
	key_limits_resolve(k.layers, NULL, &who->limits);
	who->all_models = k.all_models;
	who->is_idempotent = k.is_idempotent;
	who->markup_ppm = k.customer_markup_ppm;
	who->expires_at_ms = k.expires_at_ms;
	public_id_copy(k.public_id, who->public_id);
	return OK;
}

static enum err
operator_key_load(struct db *db, struct arena *a, struct key_entry *en,
    struct error *e)
{
	struct principal *who = &en->who;
	struct operator_key k;
	enum err err = store_operator_key_by_digest(db, en->who.key_digest, a,
	    &k, e);

	if (err)
		return err;
	who->kind = PRINCIPAL_OPERATOR;
	who->role = USER_OPERATOR;
	who->operator_key_id = k.operator_key_id;
	who->scopes = KEY_SCOPE__ALL & ~(uint64_t)KEY_SCOPE_INFER;
	who->expires_at_ms = k.expires_at_ms;
	public_id_copy(k.public_id, who->public_id);
	en->is_refused = !k.is_active || k.revoked_at_ms != 0;
	return OK;
}

enum err
key_entry_load(struct db *db, const struct hostmap *map, enum key_kind kind,
    struct arena *a, struct key_entry *en, struct error *e)
{
	uint64_t before[GENERATION__N];
	enum err err = ERR_NOT_FOUND;

	for (int i = 0; i < LOAD_TRIES; i++) {
		hostmap_slot_read_all(map, before);
		err = kind == KEY_OPERATOR ? operator_key_load(db, a, en, e)
					   : customer_key_load(db, a, en, e);
		if (err)
			return err;
		en->catalogue = before[GENERATION_CATALOGUE];
		en->who.key_generation = before[key_entry_slot(&en->who)];
		en->who.customer_generation =
		    before[generation_customer_slot(en->who.customer_id)];
		if (key_entry_is_current(map, &en->who))
			return OK;
	}
	return err; /* noticed by the next request, as the number is old */
}
