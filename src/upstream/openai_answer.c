/* SPDX-License-Identifier: MIT */
#include "base/json_scan.h"
#include "upstream/openai.h"
#include "upstream/openai_text.h"

#define ANSWER_DEPTH_MAX     JSON_SCAN_DEPTH_MAX
/* An answer's own members are about ten; more are looked at by walking. */
#define ANSWER_MEMBERS_USUAL 24

/* ---- texts ---- */

void
openai_found(struct openai_finder *f, enum openai_text_kind kind, uint64_t call,
    const struct json_member *m)
{
	struct openai_text text = { kind, f->choice, call, m->value,
		m->kind == JSON_OBJECT };
	size_t n = text.is_object           ? m->value.n
		   : m->kind == JSON_STRING ? json_unescaped_bytes(m->value)
					    : 0;

	f->text_bytes += n;
	if (n > 0 && f->on_text)
		f->on_text(f->ctx, &text);
}

/* {"name":…,"arguments":…} of a function that is called. */
static void
find_in_function(struct openai_finder *f, uint64_t call,
    const struct json_member *function)
{
	struct json_member m;
	struct json_walk w;

	if (function->kind != JSON_OBJECT)
		return;
	json_walk_init(&w, function->value);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("name")))
			openai_found(f, OPENAI_TEXT_NAME, call, &m);
		else if (str_eq(m.name, S("arguments")))
			openai_found(f, OPENAI_TEXT_ARGUMENTS, call, &m);
	}
}

/* The member that numbers choices and calls, else their place. */
uint64_t
openai_index(const struct json_member *m, uint64_t place)
{
	uint64_t index = place;

	return m->kind == JSON_NUMBER &&
		       str_to_u64(m->value, 0, UINT32_MAX, &index)
		   ? index
		   : place;
}

static void
find_in_call(struct openai_finder *f, uint64_t place,
    const struct json_member *call)
{
	struct json_member m, index = { .kind = JSON_NONE };
	struct json_member function = { .kind = JSON_NONE };
	struct json_walk w;

	if (call->kind != JSON_OBJECT)
		return;
	json_walk_init(&w, call->value);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("index")))
			index = m;
		else if (str_eq(m.name, S("function")))
			function = m;
	}
	find_in_function(f, openai_index(&index, place), &function);
}

static void
find_in_calls(struct openai_finder *f, const struct json_member *calls)
{
	struct json_member call;
	struct json_walk w;

	if (calls->kind == JSON_OBJECT) { /* the older function_call */
		find_in_function(f, 0, calls);
		return;
	}
	if (calls->kind != JSON_ARRAY)
		return;
	json_walk_init(&w, calls->value);
	for (uint64_t place = 0; json_walk_next(&w, &call); place++)
		find_in_call(f, place, &call);
}

/* A message, or the delta of one. */
static void
find_in_message(struct openai_finder *f, const struct json_member *message)
{
	struct json_member m, reasoning = { .kind = JSON_NONE };
	struct json_walk w;

	if (message->kind != JSON_OBJECT)
		return;
	json_walk_init(&w, message->value);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("content")))
			openai_found(f, OPENAI_TEXT_CONTENT, 0, &m);
		else if (str_eq(m.name, S("refusal")))
			openai_found(f, OPENAI_TEXT_REFUSAL, 0, &m);
		else if (str_eq(m.name, S("reasoning_content")) ||
			 str_eq(m.name, S("reasoning")))
			reasoning = m; /* some say it under both names */
		else if (str_eq(m.name, S("tool_calls")) ||
			 str_eq(m.name, S("function_call")))
			find_in_calls(f, &m);
	}
	openai_found(f, OPENAI_TEXT_REASONING, 0, &reasoning);
}

static void
find_in_choice(struct openai_finder *f, uint64_t place, struct str choice,
    bool *ret_finish)
{
	struct json_member m, index = { .kind = JSON_NONE };
	struct json_member message = index, text = index;
	struct json_walk w;

	json_walk_init(&w, choice);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("delta")) || str_eq(m.name, S("message")))
			message = m;
		else if (str_eq(m.name, S("text")))
			text = m;
		else if (str_eq(m.name, S("index")))
			index = m;
		else if (str_eq(m.name, S("finish_reason")) &&
			 m.kind != JSON_NULL)
			*ret_finish = true;
	}
	f->choice = openai_index(&index, place);
	find_in_message(f, &message);
	openai_found(f, OPENAI_TEXT_CONTENT, 0, &text);
}

void
openai_choices_read(struct str choices, openai_text_fn *on_text, void *ctx,
    struct openai_choices *ret)
{
	struct openai_finder f = { .on_text = on_text, .ctx = ctx };
	struct json_member choice;
	struct json_walk w;

	*ret = (struct openai_choices){ 0 };
	json_walk_init(&w, choices);
	for (; json_walk_next(&w, &choice); ret->n++)
		if (choice.kind == JSON_OBJECT)
			find_in_choice(&f, ret->n, choice.value,
			    &ret->has_finish);
	ret->text_bytes = f.text_bytes;
}

void
openai_calls_read(const struct json_member *calls, openai_text_fn *on_text,
    void *ctx)
{
	struct openai_finder f = { .on_text = on_text, .ctx = ctx };

	find_in_calls(&f, calls);
}

bool
openai_is_error(struct str value)
{
	struct json_member m;

	return json_walk_find(value, S("message"), &m) && m.kind == JSON_STRING;
}

struct str
openai_error_code(struct str error)
{
	struct json_member m;

	if (json_walk_find(error, S("code"), &m) && m.kind == JSON_STRING)
		return str_make(m.value.p + 1, m.value.n - 2);
	if (json_walk_find(error, S("type"), &m) && m.kind == JSON_STRING)
		return str_make(m.value.p + 1, m.value.n - 2);
	return (struct str){ NULL, 0 };
}

/* What of an answer's members says what it is. The choices are looked at
 * afterwards, and only where nobody else says how much text there is. */
struct answer_members {
	struct json_member error, usage, choices;
};

static void
note_member(struct answer_members *to, const struct json_member *m)
{
	if (str_eq(m->name, S("error")))
		to->error = *m;
	else if (str_eq(m->name, S("usage")))
		to->usage = *m;
	else if (str_eq(m->name, S("choices")))
		to->choices = *m;
}

/* Of a name that is there twice the last one counts. */
static void
find_members(const struct json_scan *s, struct str json,
    struct answer_members *ret)
{
	struct json_member m;
	struct json_walk w;

	*ret = (struct answer_members){ .error = { .kind = JSON_NONE } };
	if (s->n_members <= s->members_cap) {
		for (size_t i = 0; i < s->n_members; i++)
			note_member(ret, &s->members[i]);
		return;
	}
	json_walk_init(&w, json);
	while (json_walk_next(&w, &m))
		note_member(ret, &m);
}

void
openai_answer_read(struct str text, struct openai_answer *ret)
{
	struct json_member members[ANSWER_MEMBERS_USUAL];
	struct json_scan s = {
		.depth_max = ANSWER_DEPTH_MAX,
		.members = members,
		.members_cap = ARRAY_LEN(members),
	};
	struct openai_choices choices;
	struct answer_members m;

	*ret = (struct openai_answer){ 0 };
	if (!json_scan(&s, text) || s.kind != JSON_OBJECT)
		return;
	ret->is_json = true;
	ret->json = str_make(s.inner.p - 1, s.inner.n + 2);
	find_members(&s, ret->json, &m);
	if (m.error.kind != JSON_NONE && openai_is_error(m.error.value)) {
		ret->is_error = true;
		ret->error_code = openai_error_code(m.error.value);
	}
	if (m.usage.kind != JSON_NONE)
		ret->has_usage = usage_read_openai(m.usage.value, &ret->usage);
	ret->has_bad_usage = !ret->has_usage && m.usage.kind != JSON_NONE &&
			     m.usage.kind != JSON_NULL;
	if (!ret->has_usage && m.choices.kind == JSON_ARRAY) {
		ret->choices = m.choices.value;
		openai_choices_read(ret->choices, NULL, NULL, &choices);
		ret->text_bytes = choices.text_bytes;
	}
}

/* What the client reads of an answer that has no choices. */
static void
add_read_text(void *ctx, const struct openai_text *text)
{
	struct buf *b = ctx;
	struct str rest = str_make(text->value.p + 1, text->value.n - 2), run;
	char escape[4];

	if (text->kind != OPENAI_TEXT_CONTENT &&
	    text->kind != OPENAI_TEXT_REFUSAL)
		return;
	while (json_text_next(&rest, escape, &run))
		buf_add(b, run);
}

static enum err
all_text(struct arena *a, const struct openai_answer *answer, struct str *ret,
    struct error *e)
{
	struct openai_choices found;
	struct json_member m;
	struct str output = answer->json, text;
	struct buf b;
	enum err rc;

	if (answer->op != WIRE_GENERATE) {
		if (!json_walk_find(answer->json,
			answer->op == WIRE_MESSAGE ? S("content") : S("output"),
			&m) ||
		    m.kind != JSON_ARRAY)
			return error_set(e, ERR_UPSTREAM,
			    "an answer without output");
		output = m.value;
	}
	buf_init(&b, a, SIZE_MAX / 2);
	wire_output_read(answer->op, output, add_read_text, &b, &found);
	rc = buf_finish(&b, &text, e);
	if (rc)
		return rc;
	*ret = text.p ? text : S("");
	return OK;
}

static enum err
text_of_choice(struct arena *a, const struct openai_answer *answer,
    struct str *ret, struct error *e)
{
	struct json_member choices, choice, m;
	struct json_walk w;
	struct str text;

	if (!answer->is_json ||
	    !json_walk_find(answer->json, S("choices"), &choices))
		return error_set(e, ERR_UPSTREAM, "an answer without choices");
	json_walk_init(&w, choices.value);
	if (choices.kind != JSON_ARRAY || !json_walk_next(&w, &choice))
		return error_set(e, ERR_UPSTREAM, "an answer without a choice");
	if (json_walk_find(choice.value, S("message"), &m)) {
		struct str message = m.value;

		if (!json_walk_find(message, S("content"), &m) ||
		    m.kind != JSON_STRING)
			(void)json_walk_find(message, S("refusal"), &m);
	} else {
		(void)json_walk_find(choice.value, S("text"), &m);
	}
	if (m.kind != JSON_STRING)
		return error_set(e, ERR_UPSTREAM, "a choice without text");
	text = json_unescape(a, m.value);
	if (!text.p)
		return error_arena(e, a);
	*ret = text;
	return OK;
}

enum err
openai_answer_text(struct arena *a, const struct openai_answer *answer,
    struct str *ret, struct error *e)
{
	switch (answer->op) {
	case WIRE_RESPONSE:
	case WIRE_MESSAGE:
	case WIRE_GENERATE:
		return answer->is_json
			   ? all_text(a, answer, ret, e)
			   : error_set(e, ERR_UPSTREAM, "an answer of no form");
	case WIRE_CHAT:
	case WIRE_COMPLETION:
	case WIRE_EMBEDDING:
	case WIRE_COUNT:
	case WIRE_OP__MAX:
		break;
	}
	return text_of_choice(a, answer, ret, e);
}
