/* SPDX-License-Identifier: MIT */
#include "store/deployment.h"

#include "store/store_priv.h"

static const struct db_field deployment_fields[] = {
	DB_FIELD(struct deployment, deployment_id, U64),
	DB_FIELD(struct deployment, model_id, U64),
	DB_FIELD(struct deployment, provider_id, U64),
	DB_FIELD(struct deployment, upstream_name, STR),
	DB_FIELD(struct deployment, ordinal, U64),
	DB_FIELD(struct deployment, weight, U64),
	DB_FIELD(struct deployment, api_url, STR),
	DB_FIELD(struct deployment, model_path, STR),
	DB_FIELD(struct deployment, preload, BOOL),
	DB_FIELD(struct deployment, is_enabled, BOOL),
	DB_FIELD(struct deployment, archived_at_ms, TIME),
};
static const struct db_map deployment_map = DB_MAP(struct deployment,
    deployment_fields);

static const struct db_field served_fields[] = {
	DB_FIELD(struct deployment_served, deployment_id, U64),
	DB_FIELD(struct deployment_served, model_id, U64),
	DB_FIELD(struct deployment_served, model_name, STR),
	DB_FIELD(struct deployment_served, upstream_name, STR),
	DB_FIELD(struct deployment_served, base_url, STR),
	DB_FIELD(struct deployment_served, model_path, STR),
	DB_FIELD(struct deployment_served, preload, BOOL),
};
static const struct db_map served_map = DB_MAP(struct deployment_served,
    served_fields);

enum err
store_deployment_insert(struct db *db, const struct deployment *d,
    uint64_t *ret_deployment_id, struct error *e)
{
	return store_catalogue_insert(db, STMT_DEPLOYMENT_INSERT,
	    DB_IN(db_u64(d->model_id), db_u64(d->provider_id),
		db_str(d->upstream_name), db_u64(d->ordinal), db_u64(d->weight),
		db_str(d->api_url), db_str(d->model_path), db_bool(d->preload),
		db_bool(d->is_enabled)),
	    ret_deployment_id, e);
}

enum err
store_deployment_update(struct db *db, const struct deployment *d,
    struct error *e)
{
	struct change change = { .id = STMT_DEPLOYMENT_UPDATE,
		.in = DB_IN(db_str(d->upstream_name), db_u64(d->ordinal),
		    db_u64(d->weight), db_str(d->api_url),
		    db_str(d->model_path), db_bool(d->preload),
		    db_bool(d->is_enabled), db_u64(d->deployment_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_deployment_first(struct db *db, uint64_t model_id, bool with_archived,
    struct arena *a, struct deployment *ret, struct error *e)
{
	return db_one(db, STMT_DEPLOYMENT_FIRST,
	    DB_IN(db_u64(model_id), db_bool(with_archived)), a, &deployment_map,
	    ret, e);
}

enum err
store_deployment_list(struct db *db, bool with_archived, struct arena *a,
    struct deployment **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_DEPLOYMENT_LIST, DB_IN(db_bool(with_archived)),
	    a, &deployment_map, ret, ret_n, e);
}

enum err
store_deployment_archive(struct db *db, uint64_t deployment_id, struct error *e)
{
	struct change change = { .id = STMT_DEPLOYMENT_ARCHIVE,
		.in = DB_IN(db_u64(deployment_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_deployment_archive_of(struct db *db, uint64_t model_id, struct error *e)
{
	struct change change = { .id = STMT_DEPLOYMENT_ARCHIVE_OF,
		.in = DB_IN(db_u64(model_id)),
		.slot = GENERATION_CATALOGUE,
		.may_miss = true };

	return store_change(db, &change, e);
}

enum err
store_deployment_served(struct db *db, struct arena *a,
    struct deployment_served **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_DEPLOYMENT_SERVED, DB_IN_NONE, a, &served_map,
	    ret, ret_n, e);
}
