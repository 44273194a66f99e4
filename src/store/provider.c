/* SPDX-License-Identifier: MIT */
#include "store/provider.h"

#include "store/store_priv.h"

const char *const provider_kind_names[PROVIDER__N] = { "openai", "anthropic",
	"huggingface", "local" };
const char *const provider_close_names[PROVIDER_CLOSE__N] = { "cancel",
	"drain" };

static const struct db_field provider_fields[] = {
	DB_FIELD(struct provider, provider_id, U64),
	DB_FIELD(struct provider, name, STR),
	DB_FIELD_ENUM(struct provider, kind, provider_kind_names),
	DB_FIELD(struct provider, base_url, STR),
	DB_FIELD(struct provider, api_key_sealed, BYTES),
	DB_FIELD(struct provider, seal_key_id, ID),
	DB_FIELD(struct provider, api_key_version, U64),
	DB_FIELD_ENUM(struct provider, on_client_close, provider_close_names),
	DB_FIELD(struct provider, drain_s, U64),
	DB_FIELD(struct provider, is_enabled, BOOL),
	DB_FIELD(struct provider, model_id, ID),
	DB_FIELD(struct provider, archived_at_ms, TIME),
};
static const struct db_map provider_map = DB_MAP(struct provider,
    provider_fields);

enum err
store_provider_insert(struct db *db, const struct provider *p,
    uint64_t *ret_provider_id, struct error *e)
{
	return store_catalogue_insert(db, STMT_PROVIDER_INSERT,
	    DB_IN(db_str(p->name),
		db_str(str_from(provider_kind_names[p->kind])),
		db_str(p->base_url),
		db_str(str_from(provider_close_names[p->on_client_close])),
		db_u64(p->drain_s), db_bool(p->is_enabled), db_id(p->model_id)),
	    ret_provider_id, e);
}

enum err
store_provider_update(struct db *db, const struct provider *p, struct error *e)
{
	struct change change = { .id = STMT_PROVIDER_UPDATE,
		.in = DB_IN(db_str(str_from(provider_kind_names[p->kind])),
		    db_str(p->base_url),
		    db_str(str_from(provider_close_names[p->on_client_close])),
		    db_u64(p->drain_s), db_bool(p->is_enabled),
		    db_u64(p->provider_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_provider_set_key(struct db *db, uint64_t provider_id, struct str sealed,
    uint64_t seal_key_id, struct error *e)
{
	struct change change = { .id = STMT_PROVIDER_SET_KEY,
		.in = DB_IN(db_bytes(sealed), db_id(seal_key_id),
		    db_u64(provider_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_provider_reseal(struct db *db, uint64_t provider_id, struct str sealed,
    uint64_t seal_key_id, struct error *e)
{
	struct change change = { .id = STMT_PROVIDER_RESEAL,
		.in = DB_IN(db_bytes(sealed), db_id(seal_key_id),
		    db_u64(provider_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_provider_by_name(struct db *db, struct str name, struct arena *a,
    struct provider *ret, struct error *e)
{
	return db_one(db, STMT_PROVIDER_BY_NAME, DB_IN(db_str(name)), a,
	    &provider_map, ret, e);
}

enum err
store_provider_by_id(struct db *db, uint64_t provider_id, struct arena *a,
    struct provider *ret, struct error *e)
{
	return db_one(db, STMT_PROVIDER_BY_ID, DB_IN(db_u64(provider_id)), a,
	    &provider_map, ret, e);
}

enum err
store_provider_list(struct db *db, struct arena *a, struct provider **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_PROVIDER_LIST, DB_IN_NONE, a, &provider_map, ret,
	    ret_n, e);
}

enum err
store_provider_archive(struct db *db, uint64_t provider_id, struct error *e)
{
	struct change change = { .id = STMT_PROVIDER_ARCHIVE,
		.in = DB_IN(db_u64(provider_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_provider_archive_of(struct db *db, uint64_t model_id, struct error *e)
{
	struct change change = { .id = STMT_PROVIDER_ARCHIVE_OF,
		.in = DB_IN(db_u64(model_id)),
		.slot = GENERATION_CATALOGUE,
		.may_miss = true };

	return store_change(db, &change, e);
}

enum err
store_provider_page(struct db *db, const struct provider_filter *f,
    uint64_t after_id, uint64_t limit, struct arena *a, struct provider **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_PROVIDER_PAGE,
	    DB_IN(DB_TWICE(db_str(f->name)), DB_TWICE(db_str(f->kind)),
		db_bool(f->with_archived), db_u64(after_id), db_u64(limit)),
	    a, &provider_map, ret, ret_n, e);
}

enum err
store_provider_lock(struct db *db, uint64_t provider_id, struct error *e)
{
	return store_lock(db, STMT_PROVIDER_LOCK, DB_IN(db_u64(provider_id)),
	    e);
}

enum err
store_provider_is_used(struct db *db, uint64_t provider_id, bool *ret,
    struct error *e)
{
	enum err err = store_lock(db, STMT_PROVIDER_USED,
	    DB_IN(db_u64(provider_id)), e);

	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret = err == OK;
	error_clear(e);
	return OK;
}
