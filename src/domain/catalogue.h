/* SPDX-License-Identifier: MIT */
/*
 * Models, their deployments, providers and prices as one immutable
 * snapshot in memory. A background thread loads a new one when the host
 * map's catalogue slot changes; a request holds the one it began with.
 */
#ifndef TG_DOMAIN_CATALOGUE_H
#define TG_DOMAIN_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "store/catalogue.h"

struct crypto_key;
struct db_pool;
struct hostmap;
struct tokenizer;

struct catalogue_provider {
	struct provider row;
	/* Header line with the opened credential; NULL: none. Never logged. */
	const char *auth_line;
};

struct catalogue_deployment {
	struct deployment row;
	const struct catalogue_provider *provider;
	/* What its tokens are counted with; NULL: they are estimated. Open as
	 * long as the snapshot is held. */
	const struct tokenizer *tokenizer;
};

struct catalogue_model {
	struct model row;
	const struct catalogue_deployment *deployments; /* usable ones, in
							   order of trial */
	size_t n_deployments;
	const struct price *prices; /* by effective_from, ascending */
	size_t n_prices;
};

struct catalogue {
	const struct catalogue_model *models; /* not archived, by id */
	size_t n_models;
	int64_t loaded_ms; /* when it was read */
};

struct catalogue_holder;

/**
 * @tokenizers_dir  folder of the models' tokenizers (domain/tokenizers.h);
 *                  must live as long
 * Memory: malloc; catalogue_holder_free(). Empty until the first load.
 */
struct catalogue_holder *catalogue_holder_new(const char *tokenizers_dir);
/** When nobody holds a snapshot any more. */
void catalogue_holder_free(struct catalogue_holder *h);

/**
 * Read everything from the database and put it in force.
 * Errors: the database's; what was in force stays so.
 */
enum err catalogue_load(struct catalogue_holder *h, struct db_pool *db,
    const struct crypto_key *seal, struct error *e) ATTR_MUST_CHECK;

/**
 * Load again when the host map says that something changed since the last
 * load, or a tokenizer's file did. Called every 100 ms or so by one thread of each process.
 */
enum err catalogue_refresh(struct catalogue_holder *h, struct db_pool *db,
    const struct crypto_key *seal, struct hostmap *map,
    struct error *e) ATTR_MUST_CHECK;

/**
 * The snapshot in force, held until catalogue_release(). *held is what the
 * thread holds already (NULL: nothing) and stays when it is still in force,
 * which costs one atomic read.
 */
void catalogue_hold(struct catalogue_holder *h, const struct catalogue **held);
void catalogue_release(struct catalogue_holder *h,
    const struct catalogue **held);

/** By id; NULL when there is none. */
/** Whether requests may name it; a price in force is another question. */
static inline bool
catalogue_model_is_served(const struct catalogue_model *m)
{
	return m->row.is_enabled && m->n_deployments > 0;
}
const struct catalogue_model *catalogue_model_by_id(const struct catalogue *c,
    uint64_t model_id);
/** By name; NULL when there is none. */
const struct catalogue_model *catalogue_model_by_name(const struct catalogue *c,
    struct str name);
/** The price in force at a time; NULL: none, so the model is not served. */
const struct price *catalogue_price_at(const struct catalogue_model *m,
    int64_t at_ms);

#endif
