/* SPDX-License-Identifier: MIT */
#include "base/chat_template.h"

#include <string.h>

#include "base/json_scan.h"

static const char param[] = "messages";

static const struct {
	struct str role;
	struct str label;
} roles[] = {
	{ STR_INIT("system"), STR_INIT("System:") },
	{ STR_INIT("developer"), STR_INIT("System:") },
	{ STR_INIT("user"), STR_INIT("User:") },
	{ STR_INIT("assistant"), STR_INIT("Assistant:") },
};

struct writer {
	chat_template_fn *on_part;
	void *ctx;
	bool owes_space; /* behind a label, unless the text has one */
};

/* ---- JSON strings, without memory for what their escapes stand for ---- */

static bool
is_word(const struct json_member *m, struct str word)
{
	struct str rest, run;
	char escape[4];

	if (m->kind != JSON_STRING)
		return false;
	rest = str_make(m->value.p + 1, m->value.n - 2);
	while (json_text_next(&rest, escape, &run)) {
		if (!str_starts(word, run))
			return false;
		word = str_skip(word, run.n);
	}
	return word.n == 0;
}

static bool
begins_with_space(struct str value)
{
	struct str rest = str_make(value.p + 1, value.n - 2), run;
	char escape[4];

	return json_text_next(&rest, escape, &run) && run.p[0] == ' ';
}

/* ---- parts ---- */

static void
add(const struct writer *w, struct str text)
{
	w->on_part(w->ctx, text, false);
}

static void
pay_space(struct writer *w)
{
	if (w->owes_space)
		add(w, S(" "));
	w->owes_space = false;
}

static void
add_text(struct writer *w, struct str value)
{
	if (json_unescaped_bytes(value) == 0)
		return;
	if (begins_with_space(value))
		w->owes_space = false;
	pay_space(w);
	w->on_part(w->ctx, value, true);
}

static enum err
add_label(struct writer *w, struct str message, struct error *e)
{
	struct json_member m;

	if (!json_walk_find(message, S("role"), &m) || m.kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, param,
		    "Each of 'messages' needs a 'role', a string.");
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (is_word(&m, roles[i].role)) {
			add(w, roles[i].label);
			w->owes_space = true;
			return OK;
		}
	}
	return error_public(e, ERR_UNSUPPORTED_PARAM, param,
	    "A 'role' must be system, developer, user or assistant.");
}

/* One of the pieces that a content may be made of. */
static enum err
add_piece(struct writer *w, const struct json_member *piece, struct error *e)
{
	struct json_member type, text;

	if (piece->kind != JSON_OBJECT ||
	    !json_walk_find(piece->value, S("type"), &type) ||
	    type.kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, param,
		    "Each part of a 'content' must be an object with a "
		    "'type'.");
	if (!is_word(&type, S("text")))
		return error_public(e, ERR_UNSUPPORTED_PARAM, param,
		    "This model reads text only.");
	if (!json_walk_find(piece->value, S("text"), &text) ||
	    text.kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, param,
		    "A part of type text needs a 'text', a string.");
	add_text(w, text.value);
	return OK;
}

static enum err
add_content(struct writer *w, struct str message, struct error *e)
{
	struct json_member m, piece;
	struct json_walk walk;
	enum err err = OK;

	if (!json_walk_find(message, S("content"), &m) ||
	    (m.kind != JSON_STRING && m.kind != JSON_ARRAY))
		return error_public(e, ERR_BAD_PARAM, param,
		    "Each of 'messages' needs a 'content', a string or an "
		    "array of parts.");
	if (m.kind == JSON_STRING) {
		add_text(w, m.value);
		return OK;
	}
	json_walk_init(&walk, m.value);
	while (!err && json_walk_next(&walk, &piece))
		err = add_piece(w, &piece, e);
	return err;
}

enum err
chat_template_write(struct str messages, chat_template_fn *on_part, void *ctx,
    struct error *e)
{
	struct writer w = { .on_part = on_part, .ctx = ctx };
	struct json_member m;
	struct json_walk walk;
	unsigned n = 0;

	json_walk_init(&walk, messages);
	for (; json_walk_next(&walk, &m); n++) {
		if (m.kind != JSON_OBJECT)
			return error_public(e, ERR_BAD_PARAM, param,
			    "Each of 'messages' must be an object.");
		if (n == CHAT_TEMPLATE_MESSAGES_MAX)
			return error_public(e, ERR_BAD_PARAM, param,
			    "'messages' holds more than %d.",
			    CHAT_TEMPLATE_MESSAGES_MAX);
		if (add_label(&w, m.value, e) || add_content(&w, m.value, e))
			return e->code;
		pay_space(&w);
		add(&w, S("\n"));
	}
	if (n == 0)
		return error_public(e, ERR_BAD_PARAM, param,
		    "'messages' must not be empty.");
	add(&w, S("Assistant:"));
	return OK;
}
