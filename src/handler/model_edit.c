/* SPDX-License-Identifier: MIT */
#include "handler/model_edit.h"

#include "base/secret.h"
#include "domain/model.h"
#include "handler/model_read.h"

static struct model_ops
ops_of(const struct app *app, const struct manager *m)
{
	return (struct model_ops){
		.db = m->db,
		.if_match = m->if_match,
		.map = m->map,
		.seal = app->shared->seal,
		.conf = app->conf,
		.who = &m->audit,
	};
}

enum err
model_edit_make(const struct app *app, const struct manager *m, struct str body,
    struct arena *a, uint64_t *ret_id, struct error *e)
{
	const struct model_ops ops = ops_of(app, m);
	struct model_new n = { 0 };
	struct price price;
	enum err err = model_read_new(body, a, &n, &price, e);

	if (!err)
		err = model_create(&ops, a, &n, e);
	if (n.api_key.n) /* the tree's copy */
		secret_wipe((void *)(uintptr_t)n.api_key.p, n.api_key.n);
	if (!err)
		*ret_id = n.model.model_id;
	return err;
}

/* What a PATCH says. */
struct patch {
	struct arena *a;
	const struct json *body;
	uint64_t provider_id; /* 0: as it is */
};

static enum err
find_provider(const struct model_ops *ops, struct patch *p, struct error *e)
{
	struct provider provider;
	struct str name;
	enum err err;

	if (!json_has(p->body, "provider"))
		return OK;
	err = json_get_str(p->body, "provider", 1, PROVIDER_NAME_BYTES, &name,
	    e);
	if (!err)
		err = store_provider_by_name(ops->db, name, p->a, &provider, e);
	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_BAD_PARAM, "provider",
		    "There is no provider of that name.");
	if (!err)
		p->provider_id = provider.provider_id;
	return err;
}

/* An address belongs to its provider, so it does not move along. */
static enum err
change(struct model_change *c, void *arg, struct error *e)
{
	const struct patch *p = arg;
	struct deployment *d = &c->deployment;
	enum err err;

	if (p->provider_id && p->provider_id != d->provider_id) {
		d->provider_id = p->provider_id;
		d->api_url = (struct str){ NULL, 0 };
	}
	err = model_read_place(p->body, d, e);
	return err ? err : model_read_settings(p->a, p->body, &c->model, e);
}

enum err
model_edit_change(const struct app *app, const struct manager *m, uint64_t id,
    struct str body, struct arena *a, struct error *e)
{
	const struct model_ops ops = ops_of(app, m);
	struct patch p = { .a = a };
	struct model_change c;
	enum err err = model_read_patch(body, a, &p.body, e);

	if (!err)
		err = find_provider(&ops, &p, e);
	return err ? err : model_update(&ops, a, id, change, &p, &c, e);
}

enum err
model_edit_end(const struct app *app, const struct manager *m, uint64_t id,
    struct arena *a, struct error *e)
{
	const struct model_ops ops = ops_of(app, m);

	return model_archive(&ops, a, id, e);
}
