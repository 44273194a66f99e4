/* SPDX-License-Identifier: MIT */
#include "gpt2d/chat.h"

#include <string.h>

#include "base/buf.h"
#include "base/json_scan.h"

#define PROMPT_MAX_BYTES MIB(4)

static const char param[] = "messages";

static const struct {
	struct str role;
	struct str label;
} roles[] = {
	{ STR_INIT("system"), STR_INIT("System: ") },
	{ STR_INIT("developer"), STR_INIT("System: ") },
	{ STR_INIT("user"), STR_INIT("User: ") },
	{ STR_INIT("assistant"), STR_INIT("Assistant: ") },
};

static enum err
add_label(struct buf *b, struct arena *a, struct str message, struct error *e)
{
	struct json_member m;
	struct str role;

	if (!json_walk_find(message, S("role"), &m) || m.kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, param,
		    "Each of 'messages' needs a 'role', a string.");
	role = json_unescape(a, m.value);
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (str_eq(role, roles[i].role)) {
			buf_add(b, roles[i].label);
			return OK;
		}
	}
	return error_public(e, ERR_UNSUPPORTED_PARAM, param,
	    "A 'role' must be system, developer, user or assistant.");
}

/* One of the parts that a content may be made of. */
static enum err
add_part(struct buf *b, struct arena *a, const struct json_member *part,
    struct error *e)
{
	struct json_member type, text;

	if (part->kind != JSON_OBJECT ||
	    !json_walk_find(part->value, S("type"), &type) ||
	    type.kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, param,
		    "Each part of a 'content' must be an object with a "
		    "'type'.");
	if (!str_eq(json_unescape(a, type.value), S("text")))
		return error_public(e, ERR_UNSUPPORTED_PARAM, param,
		    "This model reads text only.");
	if (!json_walk_find(part->value, S("text"), &text) ||
	    text.kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, param,
		    "A part of type text needs a 'text', a string.");
	buf_add(b, json_unescape(a, text.value));
	return OK;
}

static enum err
add_content(struct buf *b, struct arena *a, struct str message, struct error *e)
{
	struct json_member m, part;
	struct json_walk walk;
	enum err err = OK;

	if (!json_walk_find(message, S("content"), &m) ||
	    (m.kind != JSON_STRING && m.kind != JSON_ARRAY))
		return error_public(e, ERR_BAD_PARAM, param,
		    "Each of 'messages' needs a 'content', a string or an "
		    "array of parts.");
	if (m.kind == JSON_STRING) {
		buf_add(b, json_unescape(a, m.value));
		return OK;
	}
	json_walk_init(&walk, m.value);
	while (!err && json_walk_next(&walk, &part))
		err = add_part(b, a, &part, e);
	return err;
}

/* An answer comes with GPT-2's own space before it, and is sent back so: it
 * takes the label's place. */
static void
join_spaces(struct buf *b, size_t content_at)
{
	if (content_at >= b->n || b->p[content_at] != ' ')
		return;
	b->n--;
	memmove(b->p + content_at, b->p + content_at + 1, b->n - content_at);
}

static enum err
add_message(struct buf *b, struct arena *a, struct str message, struct error *e)
{
	size_t content_at;

	if (add_label(b, a, message, e))
		return e->code;
	content_at = b->n;
	if (add_content(b, a, message, e))
		return e->code;
	join_spaces(b, content_at);
	buf_add_char(b, '\n');
	return OK;
}

enum err
chat_prompt(struct arena *a, struct str messages, struct str *ret,
    struct error *e)
{
	struct json_member m;
	struct json_walk walk;
	unsigned n = 0;
	struct buf b;

	buf_init(&b, a, PROMPT_MAX_BYTES);
	json_walk_init(&walk, messages);
	for (; json_walk_next(&walk, &m); n++) {
		if (m.kind != JSON_OBJECT)
			return error_public(e, ERR_BAD_PARAM, param,
			    "Each of 'messages' must be an object.");
		if (n == CHAT_MESSAGES_MAX)
			return error_public(e, ERR_BAD_PARAM, param,
			    "'messages' holds more than %d.",
			    CHAT_MESSAGES_MAX);
		if (add_message(&b, a, m.value, e))
			return e->code;
	}
	if (n == 0)
		return error_public(e, ERR_BAD_PARAM, param,
		    "'messages' must not be empty.");
	buf_add(&b, S("Assistant:"));
	if (a->sticky)
		return error_arena(e, a);
	return buf_finish(&b, ret, e);
}
