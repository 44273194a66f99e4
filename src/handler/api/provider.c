/* SPDX-License-Identifier: MIT */
/* /api/providers. A credential goes in and never comes out. */
#include "domain/provider_manage.h"

#include "base/secret.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"

#define KEY_BYTES 984

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_TEXT("name", PROVIDER_NAME_BYTES),
	FILTER_ENUM("kind", "openai|anthropic|huggingface|local"),
	FILTER_BOOL("archived") };

static enum err
page(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    struct error *e)
{
	const struct provider_filter f = { v[0].text, v[1].text,
		v[2].u64 != 0 };
	struct provider *providers = NULL;
	struct provider_row *rows;
	enum err err = store_provider_page(m->db, &f, after, limit, a,
	    &providers, ret_n, e);

	if (err)
		return err;
	rows = arena_array(a, struct provider_row, *ret_n);
	if (!rows)
		return error_arena(e, a);
	for (size_t i = 0; i < *ret_n; i++) {
		rows[i].p = providers[i];
		rows[i].has_api_key = providers[i].api_key_sealed.p != NULL;
	}
	*ret_rows = rows;
	return OK;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.page = page,
	.id_off = offsetof(struct provider_row, p.provider_id) };

enum err
api_provider_list(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return resource_list(app, rq, rs, provider_resource.record, &listing,
	    e);
}

enum err
api_provider_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return resource_show(app, rq, rs, &provider_resource, e);
}

/* arg: where the credential is kept, to be wiped. */
static enum err
read_key(const struct json *body, void *row, void *arg, struct error *e)
{
	struct provider_row *p = row;
	struct str *key = arg;

	if (json_has_null(body, "api_key"))
		p->api_key = S("");
	if (!json_has(body, "api_key"))
		return OK;
	if (json_get_str(body, "api_key", 0, KEY_BYTES, key, e))
		return e->code;
	p->api_key = *key;
	return OK;
}

/* id 0: make one. */
static enum err
write(struct app *app, const struct request *rq, struct response *rs,
    uint64_t id, struct error *e)
{
	static const char *const others[] = { "api_key" };
	struct resource_body body;
	struct provider_row row;
	struct str key = { NULL, 0 };
	struct manager m;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	m.extra = (void *)(uintptr_t)app->shared->seal;
	provider_row_init(&row);
	err = resource_body_parse(rq, &m, id ? RECORD_SET : RECORD_NEW, &body,
	    e);
	body.input.others = others;
	body.input.n_others = ARRAY_LEN(others);
	body.read_others = read_key;
	body.arg = &key;
	if (!err && id)
		err = resource_change(&provider_resource, &m, id,
		    resource_body_read, &body, rq->arena, &row, e);
	else if (!err)
		err = resource_body_read(&provider_resource, rq->arena, &row,
		    &body, e);
	if (!err && !id)
		err = resource_create(&provider_resource, &m, rq->arena, &row,
		    e);
	manager_end(app, &m);
	/* The tree's copy; the body itself is wiped as the route says. */
	if (key.n)
		secret_wipe((void *)(uintptr_t)key.p, key.n);
	return err ? err
		   : resource_respond(&provider_resource, &m, &row, rs,
			 id ? 200 : 201, e);
}

enum err
api_provider_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return write(app, rq, rs, 0, e);
}

enum err
api_provider_change(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	uint64_t id;
	enum err err = resource_id(&provider_resource, rq, &id, e);

	return err ? err : write(app, rq, rs, id, e);
}

enum err
api_provider_archive(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return resource_delete(app, rq, rs, &provider_resource, e);
}
