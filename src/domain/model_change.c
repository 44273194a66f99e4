/* SPDX-License-Identifier: MIT */
/* Changing and archiving models: read, changed and written in one transaction
 * that keeps others from the row. */
#include "base/conf.h"
#include "domain/model_folder.h"
#include "domain/model_priv.h"

struct update_arg {
	const struct model_ops *ops;
	struct arena *a;
	uint64_t model_id;
	model_change_fn *change;
	void *arg;
	struct model_change before, now;
};

static enum err
lock(struct db *db, struct arena *a, uint64_t model_id, struct model *ret,
    struct error *e)
{
	enum err err = store_model_lock(db, model_id, e);

	if (!err)
		err = store_model_by_id(db, model_id, a, ret, e);
	if (err == ERR_NOT_FOUND || (!err && ret->archived_at_ms))
		return error_public(e, ERR_NOT_FOUND, "id",
		    "There is no such model.");
	return err;
}

static enum err
load(struct db *db, struct update_arg *u, struct error *e)
{
	struct deployment *d = &u->before.deployment;
	enum err err = lock(db, u->a, u->model_id, &u->before.model, e);

	if (err)
		return err;
	err = store_deployment_first(db, u->model_id, false, u->a, d, e);
	if (err == ERR_NOT_FOUND) {
		*d = (struct deployment){
			.model_id = u->model_id,
			.weight = 1,
			.is_enabled = true,
		};
		err = OK;
	}
	u->now = u->before;
	return err;
}

/* ---- what it is, for If-Match, the audit log and bounds of texts ---- */

#define AT(m) offsetof(struct model_change, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(model.model_id) },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(model.name),
	  .flags = RECORD_NEW, .min = 1, .max = MODEL_NAME_BYTES },
	{ .name = "description", .kind = RECORD_TEXT, .off = AT(model.description),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_LINES, .max = MODEL_DESCRIPTION_BYTES },
	{ .name = "is_enabled", .kind = RECORD_BOOL, .off = AT(model.is_enabled) },
	{ .name = "context_length", .kind = RECORD_COUNT, .off = AT(model.context_length) },
	{ .name = "default_max_output", .kind = RECORD_COUNT, .off = AT(model.default_max_output_tok) },
	{ .name = "max_output", .kind = RECORD_COUNT, .off = AT(model.max_output_tok) },
	{ .name = "long_context_threshold", .kind = RECORD_COUNT, .off = AT(model.long_context_threshold_tok) },
	{ .name = "tokenizer", .kind = RECORD_TEXT, .off = AT(model.tokenizer),
	  .flags = RECORD_NEW | RECORD_SET, .min = 1, .max = MODEL_TOKENIZER_BYTES },
	{ .name = "default_temperature", .kind = RECORD_PPM, .off = AT(model.default_temperature_ppm) },
	{ .name = "default_top_p", .kind = RECORD_PPM, .off = AT(model.default_top_p_ppm) },
	{ .name = "connect_ms", .kind = RECORD_COUNT, .off = AT(model.connect_ms) },
	{ .name = "first_byte_ms", .kind = RECORD_COUNT, .off = AT(model.first_byte_ms) },
	{ .name = "idle_ms", .kind = RECORD_COUNT, .off = AT(model.idle_ms) },
	{ .name = "allowed_members", .kind = RECORD_TEXT, .off = AT(model.allowed_members) },
	{ .name = "archived_at", .kind = RECORD_TIME, .off = AT(model.archived_at_ms) },
	{ .name = "provider_id", .kind = RECORD_ID, .off = AT(deployment.provider_id) },
	{ .name = "upstream_name", .kind = RECORD_TEXT, .off = AT(deployment.upstream_name),
	  .flags = RECORD_NEW | RECORD_SET, .min = 1, .max = MODEL_UPSTREAM_NAME_BYTES },
	{ .name = "api_url", .kind = RECORD_TEXT, .off = AT(deployment.api_url),
	  .flags = RECORD_NEW | RECORD_SET, .min = 1, .max = MODEL_API_URL_BYTES },
	{ .name = "model_path", .kind = RECORD_TEXT, .off = AT(deployment.model_path),
	  .flags = RECORD_NEW, .min = 1, .max = MODEL_PATH_BYTES },
	{ .name = "preload", .kind = RECORD_BOOL, .off = AT(deployment.preload) },
};
/* clang-format on */
#undef AT
static const struct record_type record = { "model", "model", "model", members,
	ARRAY_LEN(members), sizeof(struct model_change) };

enum err
model_check(const struct model_change *before, const struct model_change *now,
    struct arena *a, struct error *e)
{
	enum err err = record_check(&record, before, now, 0, a, e);

	return err ? err : model_check_settings(&now->model, e);
}

enum err
model_audit(struct db *db, const struct model_ops *ops, const char *action,
    const struct model_change *before, const struct model_change *now,
    struct arena *a, struct error *e)
{
	struct str changes = record_changes(&record, before, now, a);
	struct audit row = *ops->who;

	if (changes.p && record_is_unchanged(changes))
		return OK;
	row.action = str_from(action);
	row.object = S("model");
	row.object_id = now->model.model_id;
	row.is_success = true;
	row.detail = changes.p ? store_audit_detail(ops->who, changes, a)
			       : changes;
	return row.detail.p ? store_audit_insert(db, &row, e)
			    : error_arena(e, a);
}

void
model_etag(const struct model *m, const struct deployment *d, struct arena *a,
    char ret[RECORD_ETAG_BYTES])
{
	struct model_change c = { .model = *m };

	if (d && d->deployment_id)
		c.deployment = *d;
	record_etag(&record, &c, a, ret);
}

static enum err
check_match(const struct update_arg *u, struct error *e)
{
	char etag[RECORD_ETAG_BYTES];

	model_etag(&u->before.model, &u->before.deployment, u->a, etag);
	return record_match(u->ops->if_match, etag, e);
}

/* ---- where it is served ---- */

static bool
is_moved(const struct update_arg *u)
{
	return u->now.deployment.provider_id !=
	       u->before.deployment.provider_id;
}

static bool
is_same(struct str a, struct str b)
{
	return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

static bool
is_place_changed(const struct update_arg *u)
{
	const struct deployment *a = &u->before.deployment;
	const struct deployment *b = &u->now.deployment;

	return is_moved(u) || !is_same(a->upstream_name, b->upstream_name) ||
	       !is_same(a->api_url, b->api_url);
}

static enum err
check_place(struct db *db, struct update_arg *u, struct error *e)
{
	struct deployment *d = &u->now.deployment;
	struct provider p;
	enum err err;

	if (!is_place_changed(u) || !d->provider_id)
		return OK;
	err = store_provider_by_id(db, d->provider_id, u->a, &p, e);
	if (!err && is_moved(u))
		err = model_check_provider(&p, u->model_id, e);
	if (err)
		return err;
	if (is_moved(u)) { /* and not served here any more */
		d->model_path = (struct str){ NULL, 0 };
		d->preload = false;
	}
	if (d->model_path.n && d->api_url.p)
		return error_public(e, ERR_BAD_PARAM, "api_url",
		    "A local model has no 'api_url'. To have it served "
		    "elsewhere name the provider, too: --provider NAME "
		    "--api-url URL.");
	return d->api_url.p ? model_check_address(d->api_url, p.kind, true, e)
			    : OK;
}

/* A deployment can't move to another provider: usage rows of the old place
 * keep its meaning. A new one takes its place. */
static enum err
write_place(struct db *db, struct update_arg *u, struct error *e)
{
	struct deployment *d = &u->now.deployment;
	enum err err = OK;

	if (!is_place_changed(u) || !d->provider_id)
		return OK;
	if (d->deployment_id && !is_moved(u))
		return store_deployment_update(db, d, e);
	if (d->deployment_id)
		err = store_deployment_archive(db, d->deployment_id, e);
	if (!err)
		err = store_deployment_insert(db, d, &d->deployment_id, e);
	return err;
}

/* ---- changing one ---- */

/* Where its folder can't be looked at, which is so on a host that doesn't
 * serve it, its servers bound it. */
static enum err
check_context(struct update_arg *u, struct error *e)
{
	const struct deployment *d = &u->now.deployment;
	struct model *m = &u->now.model;
	struct model_folder folder;
	struct error why;

	if (!d->model_path.n ||
	    m->context_length == u->before.model.context_length ||
	    model_folder_find(conf_text(u->ops->conf, CONF_MODELS_DIR),
		d->model_path, u->a, &folder, &why))
		return OK;
	return model_fit_context(m, folder.context_length, e);
}

static enum err
update_txn(struct db *db, void *arg, struct error *e)
{
	struct update_arg *u = arg;
	enum err err = load(db, u, e);

	if (!err)
		err = check_match(u, e);
	if (!err)
		err = u->change(&u->now, u->arg, e);
	if (!err)
		err = check_place(db, u, e);
	if (!err)
		err = check_context(u, e);
	if (!err)
		err = model_check(&u->before, &u->now, u->a, e);
	if (!err)
		err = store_model_update(db, &u->now.model, e);
	if (!err)
		err = write_place(db, u, e);
	if (!err)
		err = model_audit(db, u->ops, "model.set", &u->before, &u->now,
		    u->a, e);
	return err;
}

enum err
model_update(const struct model_ops *ops, struct arena *a, uint64_t model_id,
    model_change_fn *change, void *arg, struct model_change *ret,
    struct error *e)
{
	struct update_arg u = { .ops = ops,
		.a = a,
		.model_id = model_id,
		.change = change,
		.arg = arg };
	enum err err = db_txn(ops->db, update_txn, &u, e);

	if (err)
		return err;
	model_changed(ops);
	*ret = u.now;
	return OK;
}

/* ---- archiving one ---- */

static enum err
archive_txn(struct db *db, void *arg, struct error *e)
{
	struct update_arg *u = arg;
	enum err err = load(db, u, e);

	if (!err)
		err = check_match(u, e);
	if (!err)
		err = store_model_archive(db, u->model_id, e);
	if (!err)
		err = store_deployment_archive_of(db, u->model_id, e);
	if (!err)
		err = store_provider_archive_of(db, u->model_id, e);
	if (!err)
		err = store_model_by_id(db, u->model_id, u->a, &u->now.model,
		    e);
	if (!err)
		err = model_audit(db, u->ops, "model.archive", &u->before,
		    &u->now, u->a, e);
	return err;
}

enum err
model_archive(const struct model_ops *ops, struct arena *a, uint64_t model_id,
    struct error *e)
{
	struct update_arg u = { .ops = ops, .a = a, .model_id = model_id };
	enum err err = db_txn(ops->db, archive_txn, &u, e);

	if (!err)
		model_changed(ops);
	return err;
}
