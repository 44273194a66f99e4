/* SPDX-License-Identifier: MIT */
#include "base/error_json.h"

#include "base/json_out.h"

void
error_json(struct buf *b, const struct error *e)
{
	const struct err_info *info = err_info(e->code);
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j);
	json_out_key(&j, "error");
	json_out_object(&j);
	json_out_member_str(&j, "message",
	    str_from(e->public_text[0] ? e->public_text : info->public_text));
	json_out_member_str(&j, "type", str_from(info->api_type));
	if (e->param[0])
		json_out_member_str(&j, "param", str_from(e->param));
	else
		json_out_member_null(&j, "param");
	json_out_member_str(&j, "code", str_from(info->api_code));
	json_out_object_end(&j);
	json_out_object_end(&j);
}
