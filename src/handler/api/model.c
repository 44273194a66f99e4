/* SPDX-License-Identifier: MIT */
/* GET /v1/models: the models that the key may use, in OpenAI's form. */
#include "base/json_out.h"
#include "domain/catalogue.h"
#include "domain/principal.h"
#include "handler/api/api.h"

static void
write_model(struct json_out *j, const struct catalogue_model *m)
{
	json_out_object(j);
	json_out_member_str(j, "id", m->row.name);
	json_out_member_str(j, "object", S("model"));
	json_out_member_i64(j, "created", m->row.created_at_ms / 1000);
	json_out_member_str(j, "owned_by",
	    m->deployments[0].provider->row.name);
	json_out_member_u64(j, "model_id", m->row.model_id);
	json_out_member_str(j, "description", m->row.description);
	if (m->row.context_length > 0)
		json_out_member_i64(j, "context_length", m->row.context_length);
	json_out_object_end(j);
}

static bool
is_listed(const struct app *app, const struct catalogue_model *m)
{
	return catalogue_model_is_served(m) &&
	       principal_may_use_model(app->who, m->row.model_id);
}

enum err
api_model_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	const struct catalogue *c = app->catalogue;
	struct json_out j;

	(void)rq;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_str(&j, "object", S("list"));
	json_out_key(&j, "data");
	json_out_array(&j);
	for (size_t i = 0; i < c->n_models; i++)
		if (is_listed(app, &c->models[i]))
			write_model(&j, &c->models[i]);
	json_out_array_end(&j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
