/* SPDX-License-Identifier: MIT */
/*
 * An inference request's body, validated in one pass and looked at in place.
 * The bytes go to the provider as they came (upstream/splice), so what we
 * understand of them and what it understands must be the same: a repeated
 * or escaped name on the top level is refused.
 */
#ifndef TG_UPSTREAM_BODY_H
#define TG_UPSTREAM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/str.h"

#define BODY_MEMBERS_MAX 256

struct body {
	struct str text;
	struct str inner; /* between the outermost braces */
	const struct json_member *members;
	size_t n_members;
};

/**
 * Validate text and note its top-level members.
 * Errors: ERR_BAD_JSON not one RFC 8259 object in UTF-8, or deeper than
 *         JSON_SCAN_DEPTH_MAX; ERR_BAD_PARAM a repeated or escaped top-level
 *         name (in e->param), or more than BODY_MEMBERS_MAX;
 *         ERR_NO_MEMORY/ERR_TOO_LARGE as the arena says.
 * Memory: the table of members in a; text is borrowed.
 */
enum err body_scan(struct arena *a, struct str text, struct body *ret,
    struct error *e) ATTR_MUST_CHECK;

/** Member `name`; NULL when absent. */
const struct json_member *body_member(const struct body *b, struct str name);
/** The same; NULL also when its value is null. */
const struct json_member *body_value(const struct body *b, struct str name);

/*
 * Typed members. Absent and null give OK and leave *ret as it was; another
 * type or a number out of bounds is ERR_BAD_PARAM with the name in e->param.
 */
enum err body_opt_str(const struct body *b, struct arena *a, const char *name,
    size_t max_bytes, struct str *ret, struct error *e) ATTR_MUST_CHECK;
enum err body_opt_u64(const struct body *b, const char *name, uint64_t min,
    uint64_t max, uint64_t *ret, struct error *e) ATTR_MUST_CHECK;
enum err body_opt_bool(const struct body *b, const char *name, bool *ret,
    struct error *e) ATTR_MUST_CHECK;
/** ERR_BAD_PARAM unless the member is there and not null. */
enum err body_need(const struct body *b, const char *name,
    struct error *e) ATTR_MUST_CHECK;

#endif
