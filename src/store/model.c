/* SPDX-License-Identifier: MIT */
#include "store/model.h"

#include "store/store_priv.h"

static const struct db_field model_fields[] = {
	DB_FIELD(struct model, model_id, U64),
	DB_FIELD(struct model, name, STR),
	DB_FIELD(struct model, description, STR),
	DB_FIELD(struct model, is_enabled, BOOL),
	DB_FIELD(struct model, context_length, OPT),
	DB_FIELD(struct model, default_max_output_tok, OPT),
	DB_FIELD(struct model, max_output_tok, OPT),
	DB_FIELD(struct model, long_context_threshold_tok, OPT),
	DB_FIELD(struct model, tokenizer, STR),
	DB_FIELD(struct model, default_temperature_ppm, OPT),
	DB_FIELD(struct model, default_top_p_ppm, OPT),
	DB_FIELD(struct model, connect_ms, OPT),
	DB_FIELD(struct model, first_byte_ms, OPT),
	DB_FIELD(struct model, idle_ms, OPT),
	DB_FIELD(struct model, allowed_members, STR),
	DB_FIELD(struct model, created_at_ms, TIME),
	DB_FIELD(struct model, archived_at_ms, TIME),
};
static const struct db_map model_map = DB_MAP(struct model, model_fields);

enum err
store_model_insert(struct db *db, const struct model *m, uint64_t *ret_model_id,
    struct error *e)
{
	return store_catalogue_insert(db, STMT_MODEL_INSERT,
	    DB_IN(db_str(m->name), db_str(m->description),
		db_bool(m->is_enabled), db_opt(m->context_length),
		db_opt(m->default_max_output_tok), db_opt(m->max_output_tok),
		db_opt(m->long_context_threshold_tok), db_str(m->tokenizer),
		db_opt(m->default_temperature_ppm),
		db_opt(m->default_top_p_ppm), db_opt(m->connect_ms),
		db_opt(m->first_byte_ms), db_opt(m->idle_ms),
		db_str(m->allowed_members)),
	    ret_model_id, e);
}

enum err
store_model_update(struct db *db, const struct model *m, struct error *e)
{
	struct change change = { .id = STMT_MODEL_UPDATE,
		.in = DB_IN(db_str(m->description), db_bool(m->is_enabled),
		    db_opt(m->context_length),
		    db_opt(m->default_max_output_tok),
		    db_opt(m->max_output_tok),
		    db_opt(m->long_context_threshold_tok), db_str(m->tokenizer),
		    db_opt(m->default_temperature_ppm),
		    db_opt(m->default_top_p_ppm), db_opt(m->connect_ms),
		    db_opt(m->first_byte_ms), db_opt(m->idle_ms),
		    db_str(m->allowed_members), db_u64(m->model_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_model_by_name(struct db *db, struct str name, struct arena *a,
    struct model *ret, struct error *e)
{
	return db_one(db, STMT_MODEL_BY_NAME, DB_IN(db_str(name)), a,
	    &model_map, ret, e);
}

enum err
store_model_by_id(struct db *db, uint64_t model_id, struct arena *a,
    struct model *ret, struct error *e)
{
	return db_one(db, STMT_MODEL_BY_ID, DB_IN(db_u64(model_id)), a,
	    &model_map, ret, e);
}

struct lock_row {
	uint64_t model_id;
};
static const struct db_field lock_fields[] = {
	DB_FIELD(struct lock_row, model_id, U64),
};
static const struct db_map lock_map = DB_MAP(struct lock_row, lock_fields);

enum err
store_model_lock(struct db *db, uint64_t model_id, struct error *e)
{
	struct lock_row row;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_MODEL_LOCK, DB_IN(db_u64(model_id)), &a,
	    &lock_map, &row, e);
	arena_fini(&a);
	return err;
}

enum err
store_model_list(struct db *db, struct arena *a, struct model **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_MODEL_LIST, DB_IN_NONE, a, &model_map, ret,
	    ret_n, e);
}

enum err
store_model_archive(struct db *db, uint64_t model_id, struct error *e)
{
	struct change change = { .id = STMT_MODEL_ARCHIVE,
		.in = DB_IN(db_u64(model_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}
