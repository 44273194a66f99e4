/* SPDX-License-Identifier: MIT */
#include "admin/limits.h"

#define TEXT_BYTES 2048

static enum err
add(void *ctx, enum limit_metric metric, int64_t max, struct error *e)
{
	struct limits_option *o = ctx;

	if (metric == LIMIT_KEY_MODEL_REQUESTS_MINUTE ||
	    metric == LIMIT_KEY_MODEL_REQUESTS_HOUR)
		return error_set(e, ERR_BAD_PARAM, "%s is --per-%s",
		    limit_metric_names[metric],
		    metric == LIMIT_KEY_MODEL_REQUESTS_HOUR ? "hour"
							    : "minute");
	if (o->n == LIMITS_MAX)
		return error_set(e, ERR_BAD_PARAM, "too many limits");
	o->changes[o->n++] = (struct limit_change){ metric, max };
	return OK;
}

enum err
limits_read(struct admin *ad, struct limits_option *ret, struct error *e)
{
	struct str list = admin_opt(ad, "limit");
	struct error why;

	ret->n = 0;
	if (!list.p || !limit_list_parse(list, add, ret, &why))
		return OK;
	return admin_usage(e, "--limit: %s", why.internal);
}

enum err
limits_write(struct admin *ad, struct limit_holder holder,
    const struct limits_option *o, struct error *e)
{
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	return err ? err : store_limit_change(db, holder, o->changes, o->n, e);
}

struct str
limits_text(struct admin *ad, const struct limit_set *set)
{
	struct buf b;
	struct str text = { NULL, 0 };
	struct error ignored; /* a full arena shows where it is used */

	buf_init(&b, admin_arena(ad), TEXT_BYTES);
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (limit_set_states(set, m))
			buf_addf(&b, "%s%s=%lld", b.n ? "," : "",
			    limit_metric_names[m], (long long)set->max[m]);
	if (buf_finish(&b, &text, &ignored))
		return S("");
	return text;
}

enum err
limits_show(struct admin *ad, struct limit_holder holder, struct error *e)
{
	struct limit_set set;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_limit_load(db, holder, admin_arena(ad), &set, e);
	if (!err)
		admin_str(ad, "limits", limits_text(ad, &set));
	return err;
}

/* Of which both have one kind. */
static uint64_t
id_of(const struct limit_row *r)
{
	return r->api_key_id ? r->api_key_id : r->customer_id;
}

void
limits_show_next(struct admin *ad, struct limits_rows *rows,
    struct limit_holder holder)
{
	uint64_t id = holder.api_key_id ? holder.api_key_id
					: holder.customer_id;
	struct limit_set set = { 0 };

	while (rows->at < rows->n && id_of(&rows->rows[rows->at]) < id)
		rows->at++;
	for (; rows->at < rows->n && id_of(&rows->rows[rows->at]) == id;
	     rows->at++)
		limit_set_put(&set, rows->rows[rows->at].metric,
		    (int64_t)rows->rows[rows->at].max);
	admin_str(ad, "limits", limits_text(ad, &set));
}
