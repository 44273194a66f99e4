/* SPDX-License-Identifier: MIT */
/* Options that say which usage is meant, of the commands that read it. */
#include "admin/usage_filter.h"

#include "admin/lookup.h"
#include "base/clock.h"
#include "store/usage.h"

enum err
usage_option_user(struct admin *ad, uint64_t *ret, struct error *e)
{
	struct str text = admin_opt(ad, "user");
	struct user u;
	enum err err;

	if (!text.p || str_to_u64(text, 1, UINT32_MAX, ret))
		return OK;
	err = lookup_user(ad, text, &u, e);
	if (!err)
		*ret = u.user_id;
	return err;
}

enum err
usage_option_key(struct admin *ad, uint64_t *ret, struct error *e)
{
	struct key k;
	enum err err;

	if (!admin_has(ad, "key"))
		return OK;
	err = lookup_key(ad, admin_opt(ad, "key"), &k, e);
	if (!err)
		*ret = k.api_key_id;
	return err;
}

enum err
usage_option_model(struct admin *ad, uint64_t *ret, struct error *e)
{
	struct model m;
	enum err err;

	if (!admin_has(ad, "model"))
		return OK;
	err = lookup_model(ad, admin_opt(ad, "model"), &m, e);
	if (!err)
		*ret = m.model_id;
	return err;
}

enum err
usage_option_labels(struct admin *ad, uint64_t *project, uint64_t *agent,
    uint64_t *connector, struct error *e)
{
	enum err err = admin_opt_u64(ad, "project", 1, UINT32_MAX, project, e);

	if (!err)
		err = admin_opt_u64(ad, "agent", 1, UINT32_MAX, agent, e);
	if (!err)
		err = admin_opt_u64(ad, "connector", 1, UINT32_MAX, connector,
		    e);
	return err;
}

static enum err
read_times(struct admin *ad, int64_t now_ms, struct usage_filter *f,
    struct error *e)
{
	enum err err;

	f->to_ms = now_ms + 1;
	err = admin_opt_time(ad, "to", &f->to_ms, e);
	if (err)
		return err;
	f->from_ms = f->to_ms - DAY_MS;
	err = admin_opt_time(ad, "from", &f->from_ms, e);
	if (!err && f->from_ms >= f->to_ms)
		err = admin_usage(e, "--from must be before --to");
	return err;
}

enum err
usage_options_filter(struct admin *ad, int64_t now_ms, struct usage_filter *f,
    struct error *e)
{
	struct provider p;
	struct customer c;
	unsigned status;
	enum err err = read_times(ad, now_ms, f, e);

	if (!err && admin_has(ad, "customer")) {
		err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);
		f->customer_id = err ? 0 : c.customer_id;
	}
	if (!err && admin_has(ad, "provider")) {
		err = lookup_provider(ad, admin_opt(ad, "provider"), &p, e);
		f->provider_id = err ? 0 : p.provider_id;
	}
	if (!err)
		err = usage_option_user(ad, &f->user_id, e);
	if (!err)
		err = usage_option_key(ad, &f->api_key_id, e);
	if (!err)
		err = usage_option_model(ad, &f->model_id, e);
	if (!err)
		err = usage_option_labels(ad, &f->project_id, &f->agent_id,
		    &f->connector_id, e);
	if (!err && admin_has(ad, "status")) {
		err = admin_opt_enum(ad, "status", usage_status_names,
		    USAGE_STATUS__MAX, &status, e);
		if (!err)
			f->status = str_from(usage_status_names[status]);
	}
	return err;
}
