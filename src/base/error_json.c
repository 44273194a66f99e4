/* SPDX-License-Identifier: MIT */
#include "base/error_json.h"

#include "base/json_out.h"

static void
add_quota(struct json_out *j, const struct error_quota *q)
{
	json_out_member_usd(j, "limit", q->limit_pusd);
	json_out_member_usd(j, "spent", q->spent_pusd);
	json_out_key(j, "resets_at");
	if (q->resets_at_ms)
		json_out_time(j, q->resets_at_ms);
	else
		json_out_null(j);
}

static void
add_members(struct json_out *j, const struct error *e, const char *type)
{
	const struct err_info *info = err_info(e->code);

	json_out_member_str(j, "message",
	    str_from(e->public_text[0] ? e->public_text : info->public_text));
	json_out_member_str(j, "type", str_from(type));
	if (e->param[0])
		json_out_member_str(j, "param", str_from(e->param));
	else
		json_out_member_null(j, "param");
	json_out_member_str(j, "code", str_from(info->api_code));
	if (e->quota.is_set)
		add_quota(j, &e->quota);
}

void
error_json(struct buf *b, const struct error *e)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j);
	json_out_key(&j, "error");
	json_out_object(&j);
	add_members(&j, e, err_info(e->code)->api_type);
	json_out_object_end(&j);
	json_out_object_end(&j);
}

/* Source: Anthropic's API reference, errors, 2026. */
static const char *
anthropic_type(int status)
{
	static const struct {
		int status;
		const char *type;
	} types[] = {
		{ 401, "authentication_error" },
		{ 402, "billing_error" },
		{ 403, "permission_error" },
		{ 404, "not_found_error" },
		{ 413, "request_too_large" },
		{ 429, "rate_limit_error" },
		{ 503, "overloaded_error" },
		{ 504, "timeout_error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].status == status)
			return types[i].type;
	return status < 500 ? "invalid_request_error" : "api_error";
}

void
error_json_anthropic(struct buf *b, const struct error *e)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j);
	json_out_member_str(&j, "type", S("error"));
	json_out_key(&j, "error");
	json_out_object(&j);
	add_members(&j, e, anthropic_type(err_info(e->code)->http_status));
	json_out_object_end(&j);
	json_out_object_end(&j);
}
