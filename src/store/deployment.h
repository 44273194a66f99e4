/* SPDX-License-Identifier: MIT */
/* Table deployments: which provider serves a model, under which name. */
#ifndef TG_STORE_DEPLOYMENT_H
#define TG_STORE_DEPLOYMENT_H

#include "store/db.h"

struct deployment {
	uint64_t deployment_id;
	uint64_t model_id;
	uint64_t provider_id;
	struct str upstream_name; /* the model's name at the provider */
	uint64_t ordinal;   /* fallback order: the lowest is tried first */
	uint64_t weight;    /* share among equal ordinals, 1..1000 */
	struct str api_url; /* called exactly as given; p == NULL: made from
			       the provider's base_url */
	/* A model server of ours is run for it on this host: its folder below
	 * models.directory. p == NULL: none. */
	struct str model_path;
	bool preload; /* the weights are read before the first request */
	bool is_enabled;
	int64_t archived_at_ms;
};

/** Errors: ERR_BAD_PARAM no such model or provider. Bumps the catalogue. */
enum err store_deployment_insert(struct db *db, const struct deployment *d,
    uint64_t *ret_deployment_id, struct error *e) ATTR_MUST_CHECK;
/** Write all but model and provider. Bumps the catalogue. */
enum err store_deployment_update(struct db *db, const struct deployment *d,
    struct error *e) ATTR_MUST_CHECK;
/** The one of a model that is tried first; if it has none, with_archived the
 * one that it had. Errors: ERR_NOT_FOUND. */
enum err store_deployment_first(struct db *db, uint64_t model_id,
    bool with_archived, struct arena *a, struct deployment *ret,
    struct error *e) ATTR_MUST_CHECK;
/** By model, those that are not archived first, ordinal, id. */
enum err store_deployment_list(struct db *db, bool with_archived,
    struct arena *a, struct deployment **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
enum err store_deployment_archive(struct db *db, uint64_t deployment_id,
    struct error *e) ATTR_MUST_CHECK;
/** All of a model; it may have none. */
enum err store_deployment_archive_of(struct db *db, uint64_t model_id,
    struct error *e) ATTR_MUST_CHECK;

/* A model server that should run. */
struct deployment_served {
	uint64_t deployment_id;
	uint64_t model_id;
	struct str model_name;
	struct str upstream_name; /* as it calls itself */
	struct str base_url;      /* of its provider: unix:/path */
	struct str model_path;
	bool preload;
};

/** Those of models and providers that are enabled, by id. */
enum err store_deployment_served(struct db *db, struct arena *a,
    struct deployment_served **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
