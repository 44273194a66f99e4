/* SPDX-License-Identifier: MIT */
/* The part of provider.h that refuses members which would cost what the
 * price list does not say, or reach into objects kept at the provider. */
#include "upstream/provider.h"

#include "base/buf.h"

#define OP(id)      (1u << WIRE_##id)
#define OP_CHAT     OP(CHAT)
#define OP_RESPONSE OP(RESPONSE)
#define OP_MESSAGES (OP(MESSAGE) | OP(COUNT))
#define OP_OPENAI   (OP_ALL & ~OP_MESSAGES)
#define OP_ALL      ((1u << WIRE_OP__MAX) - 1)

/* Blocks within blocks of a message: a result of a tool with a document that
 * has blocks of its own has five. What is deeper is refused unread. */
#define BLOCKS_DEPTH_MAX 8

enum param_rule {
	PARAM_ANY,          /* whenever it is given */
	PARAM_NOT_FALSE,    /* unless false */
	PARAM_NOT_STANDARD, /* unless "auto", "default" or "standard…" */
	PARAM_NOT_TEXT,     /* unless ["text"] */
	PARAM_HOSTED_TOOLS, /* a tool that the client doesn't run */
	PARAM_FILE_IDS,     /* a message that names a stored file or audio */
	PARAM_STORED_ITEMS, /* an item that isn't wholly in the request */
	PARAM_CLAUDE_TOOLS, /* Anthropic's: a tool that the client doesn't run,
			       or a cache that lives longer than 5 minutes */
	PARAM_BLOCKS,       /* the same cache, a stored file */
	PARAM_LONG_CACHE,   /* the same cache */
};

struct param {
	unsigned ops;
	struct str member;
	enum param_rule rule;
	bool may_allow;
	const char *why;
};

#define PARAM_MAY   true
#define PARAM_NEVER false

static const struct param params[] = {
#define PROVIDER_PARAM(op_bits, name, rule_id, allow, doc) \
 { op_bits, STR_INIT(name), PARAM_##rule_id, PARAM_##allow, doc },
#include "upstream/providers.def"
};

/* ---- values ---- */

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

static bool
is_any_text(const struct json_member *m, const struct str *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_text(m, texts[i]))
			return true;
	return false;
}

/* Member `type` of an object; JSON_NONE: none. False when it can't be told: a
 * name written with escapes could hide it, and of two either may count. */
static bool
read_type(const struct json_member *object, struct json_member *ret)
{
	struct json_member m;
	struct json_walk w;

	*ret = (struct json_member){ .kind = JSON_NONE };
	if (object->kind != JSON_OBJECT)
		return false;
	json_walk_init(&w, object->value);
	while (json_walk_next(&w, &m)) {
		if (!m.is_name_escaped && !str_eq(m.name, S("type")))
			continue;
		if (m.is_name_escaped || ret->kind != JSON_NONE)
			return false;
		*ret = m;
	}
	return true;
}

/* Functions of the client's, and what OpenAI's models know how to call but
 * the client runs. */
static bool
is_function_tool(const struct json_member *tool)
{
	static const struct str types[] = {
		STR_INIT("function"),
		STR_INIT("custom"),
		STR_INIT("local_shell"),
		STR_INIT("apply_patch"),
		STR_INIT("computer"),
		STR_INIT("computer_use_preview"),
	};
	struct json_member type;

	return read_type(tool, &type) &&
	       (type.kind == JSON_NONE ||
		   is_any_text(&type, types, ARRAY_LEN(types)));
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

/* ---- items of a response's input ---- */

/*
 * Items that hold all they mean. Others name something at the provider
 * (item_reference, or an id alone), speak of tools that it runs, or bring
 * such tools along (additional_tools).
 */
static bool
is_known_item(const struct json_member *item)
{
	static const struct str types[] = {
		STR_INIT("message"),
		STR_INIT("reasoning"),
		STR_INIT("function_call"),
		STR_INIT("function_call_output"),
		STR_INIT("custom_tool_call"),
		STR_INIT("custom_tool_call_output"),
		STR_INIT("local_shell_call"),
		STR_INIT("local_shell_call_output"),
		STR_INIT("apply_patch_call"),
		STR_INIT("apply_patch_call_output"),
		STR_INIT("computer_call"),
		STR_INIT("computer_call_output"),
	};
	struct json_member type, role;

	if (!read_type(item, &type))
		return false;
	if (type.kind == JSON_NONE)
		return json_walk_find(item->value, S("role"), &role);
	return is_any_text(&type, types, ARRAY_LEN(types));
}

static bool
item_names_stored(const struct json_member *item)
{
	struct json_member m;
	struct json_walk w;

	if (!is_known_item(item) || names_stored(item->value, S("file_id")))
		return true;
	json_walk_init(&w, item->value);
	while (json_walk_next(&w, &m))
		if ((str_eq(m.name, S("content")) ||
			str_eq(m.name, S("output"))) &&
		    part_names_stored(&m))
			return true;
	return false;
}

static bool
has_stored_item(const struct json_member *input)
{
	struct json_member item;
	struct json_walk w;

	if (input->kind != JSON_ARRAY)
		return false;
	json_walk_init(&w, input->value);
	while (json_walk_next(&w, &item))
		if (item_names_stored(&item))
			return true;
	return false;
}

/* ---- blocks of Anthropic's messages ---- */

/* A cache is kept for 5 minutes unless it is said otherwise. */
static bool
is_long_cache(const struct json_member *cache)
{
	struct json_member m;
	struct json_walk w;

	if (cache->kind == JSON_NULL)
		return false;
	if (cache->kind != JSON_OBJECT)
		return true;
	json_walk_init(&w, cache->value);
	while (json_walk_next(&w, &m))
		if (m.is_name_escaped ||
		    (str_eq(m.name, S("ttl")) && m.kind != JSON_NULL &&
			!is_text(&m, S("5m"))))
			return true;
	return false;
}

/* The input of a tool's call is the client's and its model's own. */
static bool
is_nested(const struct json_member *m)
{
	return (m->kind == JSON_OBJECT || m->kind == JSON_ARRAY) &&
	       (m->name.n == 0 || str_eq(m->name, S("content")) ||
		   str_eq(m->name, S("source")));
}

static bool
has_odd_block(const struct json_member *blocks)
{
	struct json_walk stack[BLOCKS_DEPTH_MAX];
	struct json_member m;
	size_t depth = 1;

	if (blocks->kind != JSON_ARRAY && blocks->kind != JSON_OBJECT)
		return false;
	json_walk_init(&stack[0], blocks->value);
	while (depth > 0) {
		if (!json_walk_next(&stack[depth - 1], &m)) {
			depth--;
			continue;
		}
		if (m.is_name_escaped || str_eq(m.name, S("file_id")) ||
		    (str_eq(m.name, S("cache_control")) && is_long_cache(&m)))
			return true;
		if (!is_nested(&m))
			continue;
		if (depth == BLOCKS_DEPTH_MAX)
			return true;
		json_walk_init(&stack[depth++], m.value);
	}
	return false;
}

/* Tools without a type are the client's; of those that Anthropic defines,
 * each in versions with a date behind it, the client runs these. */
static bool
is_client_tool(const struct json_member *tool)
{
	static const struct str prefixes[] = {
		STR_INIT("\"bash_"),
		STR_INIT("\"text_editor_"),
		STR_INIT("\"memory_"),
		STR_INIT("\"computer_"),
		STR_INIT("\"browser_toolset_"),
	};
	struct json_member type;

	if (!read_type(tool, &type))
		return false;
	if (type.kind == JSON_NONE || type.kind == JSON_NULL ||
	    is_text(&type, S("custom")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(type.value, prefixes[i]))
			return true;
	return false;
}

static bool
has_odd_claude_tool(const struct json_member *tools)
{
	struct json_member tool, cache;
	struct json_walk w;

	if (tools->kind != JSON_ARRAY)
		return true;
	json_walk_init(&w, tools->value);
	while (json_walk_next(&w, &tool))
		if (!is_client_tool(&tool) ||
		    (json_walk_find(tool.value, S("cache_control"), &cache) &&
			is_long_cache(&cache)))
			return true;
	return false;
}

/* ---- judging ---- */

static bool
is_standard(const struct json_member *m)
{
	static const struct str names[] = {
		STR_INIT("auto"),
		STR_INIT("default"),
		STR_INIT("standard"),
		STR_INIT("standard_only"),
	};

	return is_any_text(m, names, ARRAY_LEN(names));
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
		return !is_standard(m);
	case PARAM_NOT_TEXT:
		return !is_only_text(m);
	case PARAM_HOSTED_TOOLS:
		return has_hosted_tool(m);
	case PARAM_FILE_IDS:
		return has_stored_object(m);
	case PARAM_STORED_ITEMS:
		return has_stored_item(m);
	case PARAM_CLAUDE_TOOLS:
		return has_odd_claude_tool(m);
	case PARAM_BLOCKS:
		return has_odd_block(m);
	case PARAM_LONG_CACHE:
		return is_long_cache(m);
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
	if (!(info->ops & 1u << op))
		return error_public(e, ERR_UNSUPPORTED_PARAM, "model",
		    "This model does not serve this kind of request.");
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		const struct param *p = &params[i];
		const struct json_member *m;

		if (!(p->ops & 1u << op))
			continue;
		m = body_value(b, p->member);
		if (!m || !is_refused(p, m) ||
		    (p->may_allow && is_listed(allowed, p->member)))
			continue;
		return error_public(e, ERR_UNSUPPORTED_PARAM, p->member.p,
		    "'%s' is not supported for this model: %s", p->member.p,
		    p->why);
	}
	return OK;
}

/* ---- what a model allows ---- */

static const struct param *
param_of(struct str member)
{
	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		if (str_eq(params[i].member, member))
			return &params[i];
	return NULL;
}

enum err
provider_members_read(struct arena *a, struct str list, struct str *ret,
    struct error *e)
{
	struct str rest = list, item;
	struct buf b;

	while (rest.n && str_split(&rest, ',', &item)) {
		const struct param *p = param_of(str_trim(item));

		if (!p || !p->may_allow)
			return error_public(e, ERR_BAD_PARAM, "allowed_members",
			    "'%.*s' is no member that a model may allow.",
			    item.n > 40 ? 40 : (int)item.n, item.p);
	}
	*ret = S("");
	buf_init(&b, a, PROVIDER_MEMBERS_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		/* A member may have rows for several operations. */
		if (param_of(params[i].member) != &params[i] ||
		    !is_listed(list, params[i].member))
			continue;
		if (b.n)
			buf_add_char(&b, ',');
		buf_add(&b, params[i].member);
	}
	return b.n ? buf_finish(&b, ret, e) : OK;
}
