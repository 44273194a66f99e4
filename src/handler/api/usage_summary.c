/* SPDX-License-Identifier: MIT */
/* GET /api/usage/summary: sums by one or two dimensions, from the rollups. */
#include "domain/usage_report.h"

#include "domain/usage_ids.h"
#include "handler/api/api.h"
#include "handler/api/usage_read.h"

#define GROUP_BY_BYTES 32

static const struct param_spec params[] = {
	FILTER_TEXT("group_by", GROUP_BY_BYTES), USAGE_FILTERS
};
#define N_PARAMS ARRAY_LEN(params)

static enum err
read_group_by(struct str text, enum usage_dimension by[USAGE_BY_MAX],
    struct error *e)
{
	if (usage_dimensions_read(text, by))
		return OK;
	return error_public(e, ERR_BAD_PARAM, "group_by",
	    "group_by must be one or two different ones of key, user, project, "
	    "customer, model, provider, agent, connector, status, hour, day, "
	    "month.");
}

static enum err
write_json(struct response *rs, const struct usage_report *r,
    const struct usage_group_style *style, struct error *e)
{
	struct usage_group_style total = *style;
	struct json_out j;

	total.by[0] = total.by[1] = USAGE_BY_NOTHING;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_str(&j, "object", S("usage_summary"));
	json_out_member_time(&j, "from", r->from_ms);
	json_out_member_time(&j, "to", r->to_ms);
	json_out_key(&j, "data");
	json_out_array(&j);
	for (size_t i = 0; i < r->n; i++) {
		json_out_object(&j);
		usage_group_json(&r->groups[i], style, &j);
		json_out_object_end(&j);
	}
	json_out_array_end(&j);
	json_out_key(&j, "total");
	json_out_object(&j);
	usage_group_json(&r->total, &total, &j);
	json_out_object_end(&j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

/* A few thousand lines at most. */
static enum err
write_lines(struct response *rs, const struct usage_report *r,
    const struct usage_group_style *style, enum usage_format format,
    struct error *e)
{
	struct buf *b = response_buf(rs);
	struct json_out j;

	usage_download(rs, format, "usage-summary", r->from_ms, r->to_ms);
	if (format == USAGE_CSV)
		usage_group_csv_head(style, b);
	for (size_t i = 0; i < r->n; i++) {
		if (format == USAGE_CSV) {
			usage_group_csv(&r->groups[i], style, b);
			continue;
		}
		json_out_init(&j, b);
		json_out_object(&j);
		usage_group_json(&r->groups[i], style, &j);
		json_out_object_end(&j);
		buf_add_char(b, '\n');
	}
	return response_check(rs, e);
}

enum err
api_usage_summary(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct usage_group_style style = { .reader = usage_reader_of(
					       app->who) };
	struct param_value v[N_PARAMS];
	enum usage_format format;
	struct usage_filter f;
	struct usage_report r;
	struct manager m;
	enum err err = param_parse(rq->arena, params, N_PARAMS, rq->query, v,
	    e);

	if (!err)
		err = read_group_by(v[0].text, style.by, e);
	if (!err)
		err = usage_filter_read(rq, app->who, v + 1, &f, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = usage_ids_filter(&m, &f, rq->arena, &f.customer_id, e);
	if (!err)
		err = usage_report(m.db, style.by, &f, m.now_ms, rq->arena, &r,
		    e);
	manager_end(app, &m);
	if (err)
		return err;
	style.has_refusals = r.has_refusals;
	format = usage_format_read(rq, v + 1);
	response_header(rs, "cache-control", S("no-store"));
	return format == USAGE_JSON ? write_json(rs, &r, &style, e)
				    : write_lines(rs, &r, &style, format, e);
}
