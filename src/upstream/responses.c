/* SPDX-License-Identifier: MIT */
/*
 * OpenAI's responses, whole and as events: text and usage. The last event
 * holds the whole response with its usage.
 * Source: its API reference, responses and their streaming events, 2026.
 */
#include "upstream/event.h"
#include "upstream/wire.h"

/* ---- texts ---- */

static void
read_part(struct str part, enum openai_text_kind kind, uint64_t place,
    struct openai_finder *f)
{
	struct json_member m;
	struct json_walk w;

	json_walk_init(&w, part);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("text")))
			openai_found(f, kind, place, &m);
		else if (str_eq(m.name, S("refusal")))
			openai_found(f, OPENAI_TEXT_REFUSAL, place, &m);
	}
}

static void
read_parts(const struct json_member *parts, enum openai_text_kind kind,
    struct openai_finder *f)
{
	struct json_member part;
	struct json_walk w;

	if (parts->kind != JSON_ARRAY)
		return;
	json_walk_init(&w, parts->value);
	for (uint64_t place = 0; json_walk_next(&w, &part); place++)
		if (part.kind == JSON_OBJECT)
			read_part(part.value, kind, place, f);
}

static bool
is_reasoning(struct str item)
{
	struct json_member m;

	return json_walk_find(item, S("type"), &m) &&
	       str_eq(m.value, S("\"reasoning\""));
}

/* Calls of functions have arguments, calls of other tools an input. */
static void
read_item(struct str item, struct openai_finder *f)
{
	enum openai_text_kind kind = is_reasoning(item) ? OPENAI_TEXT_REASONING
							: OPENAI_TEXT_CONTENT;
	struct json_member m;
	struct json_walk w;

	json_walk_init(&w, item);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("content")))
			read_parts(&m, kind, f);
		else if (str_eq(m.name, S("summary")))
			read_parts(&m, OPENAI_TEXT_REASONING, f);
		else if (str_eq(m.name, S("name")))
			openai_found(f, OPENAI_TEXT_NAME, 0, &m);
		else if (str_eq(m.name, S("arguments")) ||
			 str_eq(m.name, S("input")))
			openai_found(f, OPENAI_TEXT_ARGUMENTS, 0, &m);
	}
}

void
responses_output_read(struct str output, struct openai_finder *f)
{
	struct json_member item;
	struct json_walk w;

	json_walk_init(&w, output);
	for (; json_walk_next(&w, &item); f->choice++)
		if (item.kind == JSON_OBJECT)
			read_item(item.value, f);
}

/* ---- whole answers ---- */

void
responses_answer_read(struct str text, struct openai_answer *ret)
{
	struct json_member m;

	if (!wire_object_scan(text, ret))
		return;
	if (json_walk_find(ret->json, S("error"), &m) &&
	    openai_is_error(m.value)) {
		ret->is_error = true;
		ret->error_code = openai_error_code(m.value);
	}
	if (json_walk_find(ret->json, S("usage"), &m) && m.kind != JSON_NULL) {
		ret->has_usage = usage_read_openai(m.value, &ret->usage);
		ret->has_bad_usage = !ret->has_usage;
	}
	if (!ret->has_usage && json_walk_find(ret->json, S("output"), &m) &&
	    m.kind == JSON_ARRAY)
		wire_choices_set(WIRE_RESPONSE, m.value, ret);
}

/* ---- streams ---- */

static const struct {
	struct str type;
	enum openai_text_kind kind;
} deltas[] = {
	{ STR_INIT("response.output_text.delta"), OPENAI_TEXT_CONTENT },
	{ STR_INIT("response.refusal.delta"), OPENAI_TEXT_REFUSAL },
	{ STR_INIT("response.reasoning_text.delta"), OPENAI_TEXT_REASONING },
	{ STR_INIT("response.reasoning_summary_text.delta"),
	    OPENAI_TEXT_REASONING },
	{ STR_INIT("response.function_call_arguments.delta"),
	    OPENAI_TEXT_ARGUMENTS },
	{ STR_INIT("response.custom_tool_call_input.delta"),
	    OPENAI_TEXT_ARGUMENTS },
};

/* False: it is no event that brings text. What is said again at the end of
 * each text (…done) is not counted twice. */
static bool
add_delta(struct openai_stream *st, const struct event *ev)
{
	struct json_member m, item = event_member(ev, S("output_index"));
	struct json_member part = event_member(ev, S("content_index"));

	for (size_t i = 0; i < ARRAY_LEN(deltas); i++) {
		if (!str_eq(ev->type, deltas[i].type))
			continue;
		m = event_member(ev, S("delta"));
		event_text(st, deltas[i].kind, openai_index(&item, 0),
		    openai_index(&part, 0), &m);
		return true;
	}
	return false;
}

/* An item begins empty, but for the name of what is called. */
static void
begin_item(struct openai_stream *st, const struct event *ev)
{
	struct json_member index = event_member(ev, S("output_index"));
	struct json_member item = event_member(ev, S("item"));
	struct openai_finder f = event_finder(st, openai_index(&index, 0));

	if (item.kind == JSON_OBJECT)
		read_item(item.value, &f);
	event_found(st, &f);
}

static void
add_usage(struct openai_stream *st, const struct event *ev)
{
	struct json_member response = event_member(ev, S("response")), m;

	if (response.kind != JSON_OBJECT ||
	    !json_walk_find(response.value, S("usage"), &m) ||
	    m.kind == JSON_NULL)
		return;
	if (usage_read_openai(m.value, &st->usage))
		st->has_usage = true;
	else
		st->has_bad_usage = true;
}

void
responses_event(struct openai_stream *st, const struct event *ev,
    struct openai_out *out)
{
	bool is_failed = str_eq(ev->type, S("response.failed"));

	if (add_delta(st, ev))
		return;
	if (str_eq(ev->type, S("response.output_item.added"))) {
		begin_item(st, ev);
	} else if (is_failed || str_eq(ev->type, S("response.completed")) ||
		   str_eq(ev->type, S("response.incomplete"))) {
		add_usage(st, ev);
		st->is_finished = true;
		st->is_done = true;
		st->is_error = is_failed;
		out->is_error = is_failed;
		out->pass = OPENAI_FINISH;
	} else if (str_eq(ev->type, S("error"))) {
		st->is_error = true;
		out->is_error = true;
	}
}
