/* SPDX-License-Identifier: MIT */
/* The part of provider.h that refuses members which would cost what the
 * price list does not say, or reach into objects kept at the provider. */
#include "upstream/provider.h"

#define OP_CHAT (1u << WIRE_CHAT)
#define OP_ALL  ((1u << WIRE_OP__MAX) - 1)

enum param_rule {
	PARAM_ANY,          /* whenever it is given */
	PARAM_NOT_FALSE,    /* unless false */
	PARAM_NOT_STANDARD, /* unless "auto" or "default" */
	PARAM_NOT_TEXT,     /* unless ["text"] */
	PARAM_HOSTED_TOOLS, /* a tool that is no function of the client's */
	PARAM_FILE_IDS,     /* a message that names a stored file or audio */
};

struct param {
	enum wire wire;
	unsigned ops;
	struct str member;
	enum param_rule rule;
	const char *why;
};

static const struct param params[] = {
#define PROVIDER_PARAM(wire_id, op_bits, name, rule_id, doc) \
 { WIRE_##wire_id, op_bits, STR_INIT(name), PARAM_##rule_id, doc },
#include "upstream/providers.def"
};

static bool
is_text(const struct json_member *m, struct str text)
{
	return m->kind == JSON_STRING && m->value.n == text.n + 2 &&
	       str_eq(str_make(m->value.p + 1, text.n), text);
}

static bool
is_only_text(const struct json_member *m)
{
	struct json_member item;
	struct json_walk w;

	if (m->kind != JSON_ARRAY)
		return false;
	json_walk_init(&w, m->value);
	while (json_walk_next(&w, &item))
		if (!is_text(&item, S("text")))
			return false;
	return true;
}

/* A name written with escapes could hide a type: it counts as hosted. */
static bool
is_function_tool(const struct json_member *tool)
{
	struct json_member m;
	struct json_walk w;

	if (tool->kind != JSON_OBJECT)
		return false;
	json_walk_init(&w, tool->value);
	while (json_walk_next(&w, &m)) {
		if (m.is_name_escaped)
			return false;
		if (str_eq(m.name, S("type")) && !is_text(&m, S("function")) &&
		    !is_text(&m, S("custom")))
			return false;
	}
	return true;
}

static bool
has_hosted_tool(const struct json_member *m)
{
	struct json_member tool;
	struct json_walk w;

	if (m->kind != JSON_ARRAY)
		return true;
	json_walk_init(&w, m->value);
	while (json_walk_next(&w, &tool))
		if (!is_function_tool(&tool))
			return true;
	return false;
}

/* Whether object (of a message's part) or one directly inside it names a
 * stored object by `name`; escaped names count as if they did. */
static bool
names_stored(struct str object, struct str name)
{
	struct json_member m, inner;
	struct json_walk w, v;

	json_walk_init(&w, object);
	while (json_walk_next(&w, &m)) {
		if (m.is_name_escaped || str_eq(m.name, name))
			return true;
		if (m.kind != JSON_OBJECT)
			continue;
		json_walk_init(&v, m.value);
		while (json_walk_next(&v, &inner))
			if (inner.is_name_escaped || str_eq(inner.name, name))
				return true;
	}
	return false;
}

static bool
part_names_stored(const struct json_member *content)
{
	struct json_member part;
	struct json_walk w;

	if (content->kind != JSON_ARRAY)
		return false;
	json_walk_init(&w, content->value);
	while (json_walk_next(&w, &part))
		if (part.kind == JSON_OBJECT &&
		    names_stored(part.value, S("file_id")))
			return true;
	return false;
}

static bool
message_names_stored(const struct json_member *message)
{
	struct json_member m;
	struct json_walk w;

	if (message->kind != JSON_OBJECT)
		return false;
	json_walk_init(&w, message->value);
	while (json_walk_next(&w, &m)) {
		if (m.is_name_escaped)
			return true;
		if (str_eq(m.name, S("content")) && part_names_stored(&m))
			return true;
		if (str_eq(m.name, S("audio")) && m.kind == JSON_OBJECT)
			return true;
	}
	return false;
}

static bool
has_stored_object(const struct json_member *messages)
{
	struct json_member message;
	struct json_walk w;

	if (messages->kind != JSON_ARRAY)
		return false;
	json_walk_init(&w, messages->value);
	while (json_walk_next(&w, &message))
		if (message_names_stored(&message))
			return true;
	return false;
}

static bool
is_refused(const struct param *p, const struct json_member *m)
{
	switch (p->rule) {
	case PARAM_ANY:
		return true;
	case PARAM_NOT_FALSE:
		return m->kind != JSON_BOOL || m->value.p[0] == 't';
	case PARAM_NOT_STANDARD:
		return !is_text(m, S("auto")) && !is_text(m, S("default"));
	case PARAM_NOT_TEXT:
		return !is_only_text(m);
	case PARAM_HOSTED_TOOLS:
		return has_hosted_tool(m);
	case PARAM_FILE_IDS:
		return has_stored_object(m);
	}
	return true;
}

static bool
is_listed(struct str list, struct str name)
{
	struct str item;

	while (str_split(&list, ',', &item))
		if (str_eq(str_trim(item), name))
			return true;
	return false;
}

enum err
provider_check_body(enum provider_kind kind, enum wire_op op,
    const struct body *b, struct str allowed, struct error *e)
{
	const struct provider_info *info = provider_info(kind);

	if (!info)
		return provider_unsupported(kind, e);
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		const struct param *p = &params[i];
		const struct json_member *m;

		if (p->wire != info->wire || !(p->ops & 1u << op))
			continue;
		m = body_value(b, p->member);
		if (!m || !is_refused(p, m) || is_listed(allowed, p->member))
			continue;
		return error_public(e, ERR_UNSUPPORTED_PARAM, p->member.p,
		    "'%s' is not supported for this model: %s", p->member.p,
		    p->why);
	}
	return OK;
}
