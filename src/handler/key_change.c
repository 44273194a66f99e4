/* SPDX-License-Identifier: MIT */
#include "handler/key_change.h"

#include "handler/key_read.h"

#define JSON_DEPTH 4

struct change {
	const struct catalogue *catalogue;
	const struct json *body;
	struct record_input input;
};

/* The list of models, which may be by name. */
static enum err
read_models(const struct change *c, struct arena *a, struct key_row *k,
    struct error *e)
{
	if (!json_has(c->body, "allowed_models") &&
	    !json_has_null(c->body, "allowed_models"))
		return OK;
	return key_read_models(a, c->catalogue, c->body, k, e);
}

static enum err
read_row(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	const struct change *c = arg;
	enum err err = record_read(r->record, c->body, &c->input, a, row, e);

	return err ? err : read_models(c, a, row, e);
}

enum err
key_change(struct app *app, struct manager *m, uint64_t api_key_id,
    struct str body, struct arena *a, struct key_row *ret, struct error *e)
{
	static const char *const others[] = { "allowed_models" };
	struct key_manager km = key_manager_of(app);
	struct change c = {
		.catalogue = app->catalogue,
		.input = {
			.flag = RECORD_SET,
			.is_operator = principal_is_operator(m->who),
			.others = others,
			.n_others = ARRAY_LEN(others),
			.now_ms = m->now_ms,
		},
	};
	enum err err = json_parse_object(a, body, JSON_DEPTH, &c.body, e);

	if (err)
		return err;
	m->extra = &km;
	err = resource_change(&key_resource, m, api_key_id, read_row, &c, a,
	    ret, e);
	m->extra = NULL;
	return err;
}
