/* SPDX-License-Identifier: MIT */
/*
 * JSON written forwards into a buf: commas and nesting are kept by a small
 * stack, errors stick in the buf. Reading JSON is ext/json's and
 * upstream/body's work.
 */
#ifndef TG_BASE_JSON_OUT_H
#define TG_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define JSON_OUT_DEPTH_MAX 16

struct json_out {
	struct buf *b;
	unsigned depth;
	bool has_item[JSON_OUT_DEPTH_MAX + 1];
	bool after_key;
};

void json_out_init(struct json_out *j, struct buf *b);
void json_out_object(struct json_out *j);
void json_out_object_end(struct json_out *j);
void json_out_array(struct json_out *j);
void json_out_array_end(struct json_out *j);
/** Name of the next member; key is a literal or other text of ours, written
 * as it is: it holds nothing that JSON would escape. */
void json_out_key(struct json_out *j, const char *key);
void json_out_str(struct json_out *j, struct str s);
void json_out_u64(struct json_out *j, uint64_t v);
void json_out_i64(struct json_out *j, int64_t v);
void json_out_bool(struct json_out *j, bool v);
void json_out_null(struct json_out *j);
/** Bytes that are JSON already (a number in decimal, say). */
void json_out_raw(struct json_out *j, struct str json);
/** A UTC time as "YYYY-MM-DDTHH:MM:SSZ"; time_ms since the epoch. */
void json_out_time(struct json_out *j, int64_t time_ms);
/** An amount in USD as an exact JSON number without an exponent. */
void json_out_usd(struct json_out *j, int64_t amount_pusd);

/* Member = key and value in one call. */
void json_out_member_str(struct json_out *j, const char *key, struct str s);
void json_out_member_u64(struct json_out *j, const char *key, uint64_t v);
void json_out_member_i64(struct json_out *j, const char *key, int64_t v);
void json_out_member_bool(struct json_out *j, const char *key, bool v);
void json_out_member_null(struct json_out *j, const char *key);
void json_out_member_time(struct json_out *j, const char *key, int64_t t_ms);
void json_out_member_usd(struct json_out *j, const char *key, int64_t pusd);

#endif
