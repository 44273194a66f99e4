/* SPDX-License-Identifier: MIT */
/* Table models: what customers name in their requests. */
#ifndef TG_STORE_MODEL_H
#define TG_STORE_MODEL_H

#include "store/db.h"

#define MODEL_NAME_BYTES 128

struct model {
	uint64_t model_id;
	struct str name;
	struct str description; /* may be empty */
	bool is_enabled;
	int64_t context_length;             /* tokens; -1: not known */
	int64_t default_max_output_tok;     /* -1: max_output_tok */
	int64_t max_output_tok;             /* -1: not bounded here */
	int64_t long_context_threshold_tok; /* -1: no long-context prices */
	struct str tokenizer;               /* name; p == NULL: estimate */
	/* Sent upstream when a request says nothing; millionths; -1: nothing
	 * is sent. */
	int64_t default_temperature_ppm;
	int64_t default_top_p_ppm;
	int64_t connect_ms; /* time-outs; -1: the configured ones */
	int64_t first_byte_ms;
	int64_t idle_ms;
	/* Members of requests that are refused unless they stand here; names
	 * with commas, may be empty. */
	struct str allowed_members;
	int64_t created_at_ms;
	int64_t archived_at_ms;
};

/** Errors: ERR_CONFLICT the name is taken. Bumps the catalogue. */
enum err store_model_insert(struct db *db, const struct model *m,
    uint64_t *ret_model_id, struct error *e) ATTR_MUST_CHECK;
/** Write all but the name. Errors: ERR_NOT_FOUND. Bumps the catalogue. */
enum err store_model_update(struct db *db, const struct model *m,
    struct error *e) ATTR_MUST_CHECK;
enum err store_model_by_name(struct db *db, struct str name, struct arena *a,
    struct model *ret, struct error *e) ATTR_MUST_CHECK;
enum err store_model_by_id(struct db *db, uint64_t model_id, struct arena *a,
    struct model *ret, struct error *e) ATTR_MUST_CHECK;
/** Keep others from changing the row until the transaction ends.
 * Errors: ERR_NOT_FOUND. */
enum err store_model_lock(struct db *db, uint64_t model_id,
    struct error *e) ATTR_MUST_CHECK;
/** All, the archived ones too, in order of id. */
enum err store_model_list(struct db *db, struct arena *a, struct model **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
enum err store_model_archive(struct db *db, uint64_t model_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
