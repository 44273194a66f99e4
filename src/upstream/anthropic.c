/* SPDX-License-Identifier: MIT */
/*
 * Anthropic's messages, whole and as events: text and usage. A stream says
 * what the input was in message_start and what the output was in
 * message_delta, which may come more than once; message_stop ends it.
 * Source: its API reference, messages and streaming, versions 2023-06-01 and
 * 2026-10-21, which differ in what a request may hold.
 */
#include "upstream/event.h"
#include "upstream/wire.h"

/* ---- texts ---- */

/* A block: text, thinking, or a tool's call, whose input is an object. */
void
anthropic_block_read(struct str block, struct openai_finder *f)
{
	struct json_member m;
	struct json_walk w;

	json_walk_init(&w, block);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("text")))
			openai_found(f, OPENAI_TEXT_CONTENT, 0, &m);
		else if (str_eq(m.name, S("thinking")))
			openai_found(f, OPENAI_TEXT_REASONING, 0, &m);
		else if (str_eq(m.name, S("name")))
			openai_found(f, OPENAI_TEXT_NAME, 0, &m);
	}
}

/* The input of a call that came whole, as the text that it was made from. */
static void
read_input(struct str block, struct openai_finder *f)
{
	struct json_member m;

	if (json_walk_find(block, S("input"), &m) && m.kind == JSON_OBJECT)
		openai_found(f, OPENAI_TEXT_ARGUMENTS, 0, &m);
}

void
anthropic_content_read(struct str content, struct openai_finder *f)
{
	struct json_member block;
	struct json_walk w;

	json_walk_init(&w, content);
	for (; json_walk_next(&w, &block); f->choice++) {
		if (block.kind != JSON_OBJECT)
			continue;
		anthropic_block_read(block.value, f);
		read_input(block.value, f);
	}
}

/* ---- whole answers ---- */

static void
read_error(struct openai_answer *ret)
{
	struct json_member m;

	if (!json_walk_find(ret->json, S("error"), &m) ||
	    !openai_is_error(m.value))
		return;
	ret->is_error = true;
	ret->error_code = openai_error_code(m.value);
}

void
anthropic_answer_read(struct str text, struct openai_answer *ret)
{
	struct usage_anthropic u = { .has_in = false };
	struct json_member m;

	if (!wire_object_scan(text, ret))
		return;
	read_error(ret);
	if (json_walk_find(ret->json, S("usage"), &m) && m.kind != JSON_NULL)
		ret->has_bad_usage = !usage_add_anthropic(m.value, &u);
	ret->has_in = u.has_in;
	ret->has_out = u.has_out;
	ret->has_usage = u.has_in && u.has_out;
	ret->usage = u.n;
	if (!ret->has_usage && json_walk_find(ret->json, S("content"), &m) &&
	    m.kind == JSON_ARRAY)
		wire_choices_set(WIRE_MESSAGE, m.value, ret);
}

void
anthropic_count_read(struct str text, struct openai_answer *ret)
{
	if (!wire_object_scan(text, ret))
		return;
	read_error(ret);
	ret->has_usage = true; /* counting uses nothing */
}

/* ---- streams ---- */

/* False: there is no usage in object, or it can't be right. */
static bool
add_usage(struct openai_stream *st, struct str object, struct json_member *ret)
{
	if (!json_walk_find(object, S("usage"), ret) || ret->kind == JSON_NULL)
		return false;
	if (!usage_add_anthropic(ret->value, &st->anthropic)) {
		st->has_bad_usage = true;
		return false;
	}
	st->usage = st->anthropic.n;
	st->has_in = st->anthropic.has_in;
	return true;
}

/* The output that message_start speaks of is what there was then; only here
 * it is that of the whole answer. */
static void
add_last_usage(struct openai_stream *st, struct str json)
{
	struct json_member usage, out;

	if (add_usage(st, json, &usage) &&
	    json_walk_find(usage.value, S("output_tokens"), &out) &&
	    out.kind == JSON_NUMBER)
		st->has_usage = st->has_in;
}

static void
begin_block(struct openai_stream *st, const struct event *ev)
{
	struct json_member index = event_member(ev, S("index"));
	struct json_member block = event_member(ev, S("content_block"));
	struct openai_finder f = event_finder(st, openai_index(&index, 0));

	if (block.kind == JSON_OBJECT)
		anthropic_block_read(block.value, &f);
	event_found(st, &f);
}

/* Signatures and citations are not made of output tokens that one could
 * count. */
static void
add_delta(struct openai_stream *st, const struct event *ev)
{
	struct json_member index = event_member(ev, S("index")), m;
	struct json_member delta = event_member(ev, S("delta"));
	uint64_t choice = openai_index(&index, 0);
	struct json_walk w;

	if (delta.kind != JSON_OBJECT)
		return;
	json_walk_init(&w, delta.value);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("text")))
			event_text(st, OPENAI_TEXT_CONTENT, choice, 0, &m);
		else if (str_eq(m.name, S("thinking")))
			event_text(st, OPENAI_TEXT_REASONING, choice, 0, &m);
		else if (str_eq(m.name, S("partial_json")))
			event_text(st, OPENAI_TEXT_ARGUMENTS, choice, 0, &m);
	}
}

void
anthropic_event(struct openai_stream *st, const struct event *ev,
    struct openai_out *out)
{
	struct json_member m, usage;

	if (str_eq(ev->type, S("content_block_delta"))) {
		add_delta(st, ev);
	} else if (str_eq(ev->type, S("content_block_start"))) {
		begin_block(st, ev);
	} else if (str_eq(ev->type, S("message_start"))) {
		m = event_member(ev, S("message"));
		if (m.kind == JSON_OBJECT)
			(void)add_usage(st, m.value, &usage);
	} else if (str_eq(ev->type, S("message_delta"))) {
		add_last_usage(st, ev->json);
		st->is_finished = true;
	} else if (str_eq(ev->type, S("message_stop"))) {
		st->is_done = true;
		out->pass = OPENAI_FINISH;
	} else if (str_eq(ev->type, S("error"))) {
		st->is_error = true;
		out->is_error = true;
	}
}
