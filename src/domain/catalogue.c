/* SPDX-License-Identifier: MIT */
#include "domain/catalogue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/hostmap.h"
#include "domain/provider_key.h"
#include "domain/tokenizers.h"
#include "store/db_pool.h"
#include "tokenizer/encoding.h"
#include "upstream/provider.h"

#define CATALOGUE_MAX_BYTES MIB(256)
#define DB_WAIT_MS          2000

/* A snapshot with what it is made of; `public` comes first. */
struct snapshot {
	struct catalogue public;
	struct arena arena;
	struct tokenizer_set *tokenizers;
	unsigned n_holders; /* under the holder's mutex; the holder is one */
};

struct catalogue_holder {
	pthread_mutex_t mutex;
	_Atomic(struct snapshot *) current; /* NULL until the first load */
	/* The rest is the loading thread's alone. */
	struct tokenizers *tokenizers;
	uint64_t generation; /* slot of the host map before the load */
	bool is_loaded;
};

static struct snapshot *
snapshot_new(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	arena_init(&s->arena, CATALOGUE_MAX_BYTES);
	s->n_holders = 1;
	return s;
}

/* Wiped: it holds the providers' credentials. */
static void
snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	tokenizer_set_free(s->tokenizers);
	arena_wipe(&s->arena);
	arena_fini(&s->arena);
	free(s);
}

struct catalogue_holder *
catalogue_holder_new(const char *tokenizers_dir)
{
	struct catalogue_holder *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	(void)pthread_mutex_init(&h->mutex, NULL); /* default type */
	h->tokenizers = tokenizers_new(tokenizers_dir);
	if (!h->tokenizers) {
		catalogue_holder_free(h);
		return NULL;
	}
	return h;
}

void
catalogue_holder_free(struct catalogue_holder *h)
{
	if (!h)
		return;
	snapshot_free(atomic_load(&h->current));
	tokenizers_free(h->tokenizers);
	(void)pthread_mutex_destroy(&h->mutex); /* nobody waits */
	free(h);
}

/* ---- building a snapshot ---- */

static enum err
open_credential(struct arena *a, const struct provider *row,
    const struct crypto_key *seal, const char **ret, struct error *e)
{
	struct str key;
	enum err rc = provider_key_open(a, seal, row->provider_id,
	    row->api_key_sealed, &key, e);

	*ret = NULL;
	if (rc || !key.p)
		return rc;
	return provider_auth_line(a, row->kind, key, ret, e);
}

/* A provider whose key does not open is left out, and said so: one bad row
 * must not stop the others. */
static size_t
build_providers(struct arena *a, const struct catalogue_rows *rows,
    const struct crypto_key *seal, struct catalogue_provider *to)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n_providers; i++) {
		const struct provider *row = &rows->providers[i];
		struct error e;

		if (!row->is_enabled || row->archived_at_ms)
			continue;
		to[n].row = *row;
		if (open_credential(a, row, seal, &to[n].auth_line, &e)) {
			error_prefix(&e, "provider %llu",
			    (unsigned long long)row->provider_id);
			log_error("provider_left_out", &e);
			continue;
		}
		n++;
	}
	return n;
}

static const struct catalogue_provider *
provider_by_id(const struct catalogue_provider *p, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].row.provider_id == id)
			return &p[i];
	return NULL;
}

/* The model's own, else its server's if it is served here, else that of the
 * name at the provider. */
static const struct tokenizer *
tokenizer_of(struct tokenizer_set *tokenizers, const struct model *m,
    const struct deployment *d)
{
	char local[TOKENIZERS_NAME_BYTES];

	return tokenizer_set_get(tokenizers,
	    m->tokenizer.n    ? m->tokenizer
	    : d->model_path.n ? tokenizers_local_name(d->deployment_id, local)
			      : encoding_of_model(d->upstream_name));
}

/* Rows come by model, ordinal and id, so a model's are neighbours. */
static void
build_deployments(const struct catalogue_rows *rows,
    const struct catalogue_provider *providers, size_t n_providers,
    struct tokenizer_set *tokenizers, struct catalogue_model *m,
    struct catalogue_deployment **to)
{
	m->deployments = *to;
	for (size_t i = 0; i < rows->n_deployments; i++) {
		const struct deployment *row = &rows->deployments[i];
		const struct catalogue_provider *provider;

		if (row->model_id != m->row.model_id || !row->is_enabled)
			continue;
		provider = provider_by_id(providers, n_providers,
		    row->provider_id);
		if (!provider || !provider_info(provider->row.kind))
			continue;
		*(*to)++ = (struct catalogue_deployment){ *row, provider,
			tokenizer_of(tokenizers, &m->row, row) };
		m->n_deployments++;
	}
}

static int
by_effective_from(const void *a, const void *b)
{
	const struct price *x = a, *y = b;

	return x->effective_from_ms < y->effective_from_ms   ? -1
	       : x->effective_from_ms > y->effective_from_ms ? 1
							     : 0;
}

static void
build_prices(const struct catalogue_rows *rows, struct catalogue_model *m,
    struct price **to)
{
	struct price *first = *to;

	for (size_t i = 0; i < rows->n_prices; i++)
		if (rows->prices[i].model_id == m->row.model_id)
			*(*to)++ = rows->prices[i];
	m->n_prices = (size_t)(*to - first);
	qsort(first, m->n_prices, sizeof(*first), by_effective_from);
	m->prices = first;
}

static int
by_model_id(const void *a, const void *b)
{
	const struct catalogue_model *x = a, *y = b;

	return x->row.model_id < y->row.model_id   ? -1
	       : x->row.model_id > y->row.model_id ? 1
						   : 0;
}

static enum err
build(struct snapshot *s, const struct catalogue_rows *rows,
    const struct crypto_key *seal, struct error *e)
{
	struct arena *a = &s->arena;
	struct catalogue_provider *providers = arena_array(a,
	    struct catalogue_provider, rows->n_providers);
	struct catalogue_deployment *deployments = arena_array(a,
	    struct catalogue_deployment, rows->n_deployments);
	struct price *prices = arena_array(a, struct price, rows->n_prices);
	struct catalogue_model *models = arena_array(a, struct catalogue_model,
	    rows->n_models);
	size_t n_providers, n_models = 0;

	if (!providers || !deployments || !prices || !models)
		return error_arena(e, a);
	n_providers = build_providers(a, rows, seal, providers);
	if (a->sticky)
		return error_arena(e, a);
	for (size_t i = 0; i < rows->n_models; i++) {
		struct catalogue_model *m = &models[n_models];

		if (rows->models[i].archived_at_ms)
			continue;
		m->row = rows->models[i];
		build_deployments(rows, providers, n_providers, s->tokenizers,
		    m, &deployments);
		build_prices(rows, m, &prices);
		n_models++;
	}
	qsort(models, n_models, sizeof(*models), by_model_id);
	s->public = (struct catalogue){
		.models = models,
		.n_models = n_models,
		.loaded_ms = clock_now_ms(),
	};
	return OK;
}

static enum err
read_rows(struct db_pool *pool, struct arena *a, struct catalogue_rows *ret,
    struct error *e)
{
	struct db *db;
	enum err rc = db_pool_take(pool, DB_WAIT_MS, &db, e);

	if (rc)
		return rc;
	rc = store_catalogue_load(db, false, a, ret, e);
	db_pool_give(pool, db);
	return rc;
}

/* ---- putting it in force ---- */

static void
drop(struct catalogue_holder *h, struct snapshot *s)
{
	bool is_last;

	if (!s)
		return;
	(void)pthread_mutex_lock(&h->mutex); /* cannot fail */
	is_last = --s->n_holders == 0;
	(void)pthread_mutex_unlock(&h->mutex);
	if (is_last)
		snapshot_free(s);
}

static void
publish(struct catalogue_holder *h, struct snapshot *s)
{
	struct snapshot *old;

	(void)pthread_mutex_lock(&h->mutex);
	old = atomic_exchange(&h->current, s);
	(void)pthread_mutex_unlock(&h->mutex);
	drop(h, old);
}

enum err
catalogue_load(struct catalogue_holder *h, struct db_pool *db,
    const struct crypto_key *seal, struct error *e)
{
	struct snapshot *s = snapshot_new();
	struct catalogue_rows rows;
	enum err rc;

	if (!s)
		return error_set(e, ERR_NO_MEMORY, "catalogue");
	rc = read_rows(db, &s->arena, &rows, e);
	if (!rc)
		s->tokenizers = tokenizer_set_new(h->tokenizers);
	if (!rc && !s->tokenizers)
		rc = error_set(e, ERR_NO_MEMORY, "catalogue");
	if (!rc)
		rc = build(s, &rows, seal, e);
	if (rc) {
		snapshot_free(s);
		return rc;
	}
	publish(h, s);
	return OK;
}

enum err
catalogue_refresh(struct catalogue_holder *h, struct db_pool *db,
    const struct crypto_key *seal, struct hostmap *map, struct error *e)
{
	/* Read before the query: a change during it is seen next time. */
	uint64_t generation = hostmap_slot_read(map, GENERATION_CATALOGUE);
	enum err rc;

	if (h->is_loaded && generation == h->generation &&
	    !tokenizers_have_changed(h->tokenizers))
		return OK;
	rc = catalogue_load(h, db, seal, e);
	if (rc)
		return rc;
	h->generation = generation;
	h->is_loaded = true;
	return OK;
}

void
catalogue_hold(struct catalogue_holder *h, const struct catalogue **held)
{
	struct snapshot *now = atomic_load_explicit(&h->current,
	    memory_order_acquire);

	if ((const void *)now == (const void *)*held)
		return;
	catalogue_release(h, held);
	(void)pthread_mutex_lock(&h->mutex);
	now = atomic_load(&h->current);
	if (now)
		now->n_holders++;
	(void)pthread_mutex_unlock(&h->mutex);
	*held = now ? &now->public : NULL;
}

void
catalogue_release(struct catalogue_holder *h, const struct catalogue **held)
{
	union {
		const struct catalogue *given;
		struct snapshot *mine; /* `public` is its first member */
	} snapshot = { *held };

	*held = NULL;
	drop(h, snapshot.mine);
}

/* ---- looking things up ---- */

const struct catalogue_model *
catalogue_model_by_id(const struct catalogue *c, uint64_t model_id)
{
	struct catalogue_model wanted = { .row = { .model_id = model_id } };

	return c->n_models ? bsearch(&wanted, c->models, c->n_models,
				 sizeof(wanted), by_model_id)
			   : NULL;
}

const struct catalogue_model *
catalogue_model_by_name(const struct catalogue *c, struct str name)
{
	for (size_t i = 0; i < c->n_models; i++)
		if (str_eq(c->models[i].row.name, name))
			return &c->models[i];
	return NULL;
}

const struct price *
catalogue_price_at(const struct catalogue_model *m, int64_t at_ms)
{
	const struct price *found = NULL;

	for (size_t i = 0; i < m->n_prices; i++)
		if (m->prices[i].effective_from_ms <= at_ms)
			found = &m->prices[i];
	return found;
}
