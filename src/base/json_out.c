/* SPDX-License-Identifier: MIT */
#include "base/json_out.h"

#include "base/clock.h"
#include "base/money.h"

void
json_out_init(struct json_out *j, struct buf *b)
{
	*j = (struct json_out){ .b = b };
}

/* A comma where one is due. */
static void
next_value(struct json_out *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->has_item[j->depth])
		buf_add_char(j->b, ',');
	j->has_item[j->depth] = true;
}

static void
begin(struct json_out *j, char c)
{
	next_value(j);
	ASSERT(j->depth < JSON_OUT_DEPTH_MAX);
	j->depth++;
	j->has_item[j->depth] = false;
	buf_add_char(j->b, c);
}

static void
end(struct json_out *j, char c)
{
	ASSERT(j->depth > 0);
	j->depth--;
	buf_add_char(j->b, c);
}

void
json_out_object(struct json_out *j)
{
	begin(j, '{');
}

void
json_out_object_end(struct json_out *j)
{
	end(j, '}');
}

void
json_out_array(struct json_out *j)
{
	begin(j, '[');
}

void
json_out_array_end(struct json_out *j)
{
	end(j, ']');
}

void
json_out_key(struct json_out *j, const char *key)
{
	next_value(j);
	buf_add_char(j->b, '"');
	buf_add(j->b, str_from(key));
	buf_add(j->b, S("\":"));
	j->after_key = true;
}

void
json_out_str(struct json_out *j, struct str s)
{
	next_value(j);
	buf_json_string(j->b, s);
}

void
json_out_u64(struct json_out *j, uint64_t v)
{
	next_value(j);
	buf_add_u64(j->b, v);
}

void
json_out_i64(struct json_out *j, int64_t v)
{
	next_value(j);
	buf_add_i64(j->b, v);
}

void
json_out_bool(struct json_out *j, bool v)
{
	next_value(j);
	buf_add(j->b, v ? S("true") : S("false"));
}

void
json_out_null(struct json_out *j)
{
	next_value(j);
	buf_add(j->b, S("null"));
}

void
json_out_raw(struct json_out *j, struct str json)
{
	next_value(j);
	buf_add(j->b, json);
}

void
json_out_time(struct json_out *j, int64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format(time_ms, text);
	json_out_str(j, str_from(text));
}

void
json_out_usd(struct json_out *j, int64_t amount_pusd)
{
	char text[MONEY_TEXT_BYTES];

	money_to_text(amount_pusd, text);
	json_out_raw(j, str_from(text));
}

void
json_out_member_str(struct json_out *j, const char *key, struct str s)
{
	json_out_key(j, key);
	json_out_str(j, s);
}

void
json_out_member_u64(struct json_out *j, const char *key, uint64_t v)
{
	json_out_key(j, key);
	json_out_u64(j, v);
}

void
json_out_member_i64(struct json_out *j, const char *key, int64_t v)
{
	json_out_key(j, key);
	json_out_i64(j, v);
}

void
json_out_member_bool(struct json_out *j, const char *key, bool v)
{
	json_out_key(j, key);
	json_out_bool(j, v);
}

void
json_out_member_null(struct json_out *j, const char *key)
{
	json_out_key(j, key);
	json_out_null(j);
}

void
json_out_member_time(struct json_out *j, const char *key, int64_t t_ms)
{
	json_out_key(j, key);
	json_out_time(j, t_ms);
}

void
json_out_member_usd(struct json_out *j, const char *key, int64_t pusd)
{
	json_out_key(j, key);
	json_out_usd(j, pusd);
}
