/* SPDX-License-Identifier: MIT */
#include "upstream/body.h"

#include <stdio.h>

/* Most requests have fewer; those with more are scanned a second time. */
#define MEMBERS_FIRST 32

static enum err
not_json(const struct json_scan *s, struct error *e)
{
	return error_public(e, ERR_BAD_JSON, NULL,
	    "The request body is not valid JSON: %s at byte %zu.", s->failure,
	    s->failure_offset);
}

static enum err
bad_name(const struct json_member *m, const char *what, struct error *e)
{
	char name[sizeof(e->param)];

	(void)snprintf(name, sizeof(name), "%" PRI_STR, STR_ARG(m->name));
	return error_public(e, ERR_BAD_PARAM, name,
	    "The parameter '%.60s' is %s.", name, what);
}

static enum err
check_names(const struct json_scan *s, struct error *e)
{
	size_t repeated;

	for (size_t i = 0; i < s->n_members; i++)
		if (s->members[i].is_name_escaped)
			return bad_name(&s->members[i], "written with escapes",
			    e);
	repeated = json_scan_repeated(s);
	if (repeated < s->n_members)
		return bad_name(&s->members[repeated], "given twice", e);
	return OK;
}

static enum err
scan(struct arena *a, struct str text, size_t cap, struct json_scan *s,
    struct error *e)
{
	*s = (struct json_scan){
		.depth_max = JSON_SCAN_DEPTH_MAX,
		.members = arena_array(a, struct json_member, cap),
		.members_cap = cap,
	};
	if (!s->members)
		return error_arena(e, a);
	if (!json_scan(s, text))
		return not_json(s, e);
	return OK;
}

enum err
body_scan(struct arena *a, struct str text, struct body *ret, struct error *e)
{
	struct json_scan s;
	enum err err = scan(a, text, MEMBERS_FIRST, &s, e);

	if (err)
		return err;
	if (s.kind != JSON_OBJECT)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body must be a JSON object.");
	if (s.n_members > BODY_MEMBERS_MAX)
		return error_public(e, ERR_BAD_PARAM, NULL,
		    "The request has more than %d parameters.",
		    BODY_MEMBERS_MAX);
	if (s.n_members > s.members_cap) {
		err = scan(a, text, s.n_members, &s, e);
		if (err)
			return err;
	}
	err = check_names(&s, e);
	if (err)
		return err;
	*ret = (struct body){
		.text = text,
		.inner = s.inner,
		.members = s.members,
		.n_members = s.n_members,
	};
	return OK;
}

const struct json_member *
body_member(const struct body *b, struct str name)
{
	for (size_t i = 0; i < b->n_members; i++)
		if (str_eq(b->members[i].name, name))
			return &b->members[i];
	return NULL;
}

const struct json_member *
body_value(const struct body *b, struct str name)
{
	const struct json_member *m = body_member(b, name);

	return m && m->kind != JSON_NULL ? m : NULL;
}

enum err
body_opt_str(const struct body *b, struct arena *a, const char *name,
    size_t max_bytes, struct str *ret, struct error *e)
{
	const struct json_member *m = body_value(b, str_from(name));
	struct str text;

	if (!m)
		return OK;
	if (m->kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be a string.", name);
	if (json_unescaped_bytes(m->value) > max_bytes)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must not be longer than %zu bytes.", name, max_bytes);
	text = json_unescape(a, m->value);
	if (!text.p)
		return error_arena(e, a);
	*ret = text;
	return OK;
}

enum err
body_opt_u64(const struct body *b, const char *name, uint64_t min, uint64_t max,
    uint64_t *ret, struct error *e)
{
	const struct json_member *m = body_value(b, str_from(name));

	if (!m)
		return OK;
	if (m->kind != JSON_NUMBER || !str_to_u64(m->value, min, max, ret))
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be a whole number from %llu to %llu.", name,
		    (unsigned long long)min, (unsigned long long)max);
	return OK;
}

enum err
body_opt_bool(const struct body *b, const char *name, bool *ret,
    struct error *e)
{
	const struct json_member *m = body_value(b, str_from(name));

	if (!m)
		return OK;
	if (m->kind != JSON_BOOL)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be true or false.", name);
	*ret = m->value.p[0] == 't';
	return OK;
}

enum err
body_need(const struct body *b, const char *name, struct error *e)
{
	if (body_value(b, str_from(name)))
		return OK;
	return error_public(e, ERR_BAD_PARAM, name,
	    "The parameter '%s' is missing.", name);
}
