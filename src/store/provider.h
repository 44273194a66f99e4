/* SPDX-License-Identifier: MIT */
/*
 * Table providers: where models are served. The provider's key is stored
 * sealed and bound to its row, so it is written after the row exists.
 */
#ifndef TG_STORE_PROVIDER_H
#define TG_STORE_PROVIDER_H

#include "base/provider_kind.h"
#include "store/db.h"

#define PROVIDER_NAME_BYTES 64

extern const char *const provider_kind_names[PROVIDER__N];

/* What becomes of a request at the provider when its client has left. */
enum provider_close {
	PROVIDER_CANCEL,
	PROVIDER_DRAIN,
	PROVIDER_CLOSE__N
};
extern const char *const provider_close_names[PROVIDER_CLOSE__N];

struct provider {
	uint64_t provider_id;
	struct str name;
	enum provider_kind kind;
	struct str base_url;       /* https://… or unix:/path; may be empty */
	struct str api_key_sealed; /* p == NULL: none */
	uint64_t seal_key_id;      /* 0 without a key */
	uint64_t api_key_version;  /* how often one was set or removed */
	enum provider_close on_client_close;
	uint64_t drain_s; /* longest, with PROVIDER_DRAIN */
	bool is_enabled;
	uint64_t model_id; /* made together with this model, to be archived
			      with it; 0: by itself */
	int64_t archived_at_ms;
};

/** All but the key is read. Errors: ERR_CONFLICT. Bumps the catalogue. */
enum err store_provider_insert(struct db *db, const struct provider *p,
    uint64_t *ret_provider_id, struct error *e) ATTR_MUST_CHECK;
/** Write all but name, key and model_id. Errors: ERR_NOT_FOUND. Bumps the catalogue. */
enum err store_provider_update(struct db *db, const struct provider *p,
    struct error *e) ATTR_MUST_CHECK;
/** @sealed  p == NULL removes the key. Bumps the catalogue. */
enum err store_provider_set_key(struct db *db, uint64_t provider_id,
    struct str sealed, uint64_t seal_key_id, struct error *e) ATTR_MUST_CHECK;
/** The same key, sealed anew. Bumps the catalogue. */
enum err store_provider_reseal(struct db *db, uint64_t provider_id,
    struct str sealed, uint64_t seal_key_id, struct error *e) ATTR_MUST_CHECK;
enum err store_provider_by_name(struct db *db, struct str name, struct arena *a,
    struct provider *ret, struct error *e) ATTR_MUST_CHECK;
enum err store_provider_by_id(struct db *db, uint64_t provider_id,
    struct arena *a, struct provider *ret, struct error *e) ATTR_MUST_CHECK;
/** All, the archived ones too. */
enum err store_provider_list(struct db *db, struct arena *a,
    struct provider **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
enum err store_provider_archive(struct db *db, uint64_t provider_id,
    struct error *e) ATTR_MUST_CHECK;
/** Those made with a model, if there are any; their keys are forgotten. */
enum err store_provider_archive_of(struct db *db, uint64_t model_id,
    struct error *e) ATTR_MUST_CHECK;

/* What a list may be narrowed down to; zeros say nothing. */
struct provider_filter {
	struct str name;
	struct str kind; /* one of provider_kind_names */
	bool with_archived;
};
enum err store_provider_page(struct db *db, const struct provider_filter *f,
    uint64_t after_id, uint64_t limit, struct arena *a, struct provider **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** In a transaction. Errors: ERR_NOT_FOUND. */
enum err store_provider_lock(struct db *db, uint64_t provider_id,
    struct error *e) ATTR_MUST_CHECK;
/** Whether a model is served there. */
enum err store_provider_is_used(struct db *db, uint64_t provider_id, bool *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
