/* SPDX-License-Identifier: MIT */
#include "base/json_scan.h"
#include "upstream/openai.h"
#include "upstream/openai_text.h"

#define ANSWER_DEPTH_MAX     JSON_SCAN_DEPTH_MAX
/* An answer's own members are about ten; more are looked at by walking. */
#define ANSWER_MEMBERS_USUAL 24

static uint64_t
text_of(const struct json_member *m)
{
	return m->kind == JSON_STRING ? json_unescaped_bytes(m->value) : 0;
}

/* {"name":…,"arguments":…} of a function that is called. */
static uint64_t
function_bytes(const struct json_member *function)
{
	struct json_member m;
	struct json_walk w;
	uint64_t n = 0;

	if (function->kind != JSON_OBJECT)
		return 0;
	json_walk_init(&w, function->value);
	while (json_walk_next(&w, &m))
		if (str_eq(m.name, S("name")) || str_eq(m.name, S("arguments")))
			n += text_of(&m);
	return n;
}

static uint64_t
tool_call_bytes(const struct json_member *calls)
{
	struct json_member call, m;
	struct json_walk w;
	uint64_t n = 0;

	if (calls->kind != JSON_ARRAY)
		return 0;
	json_walk_init(&w, calls->value);
	while (json_walk_next(&w, &call))
		if (json_walk_find(call.value, S("function"), &m))
			n += function_bytes(&m);
	return n;
}

/* A message, or the delta of one. */
static uint64_t
message_bytes(const struct json_member *message)
{
	struct json_member m;
	struct json_walk w;
	uint64_t n = 0;

	if (message->kind != JSON_OBJECT)
		return 0;
	json_walk_init(&w, message->value);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, S("content")) ||
		    str_eq(m.name, S("refusal")) ||
		    str_eq(m.name, S("reasoning_content")) ||
		    str_eq(m.name, S("reasoning")))
			n += text_of(&m);
		else if (str_eq(m.name, S("tool_calls")))
			n += tool_call_bytes(&m);
		else if (str_eq(m.name, S("function_call")))
			n += function_bytes(&m);
	}
	return n;
}

void
openai_choices_read(struct str choices, struct openai_choices *ret)
{
	struct json_member choice, m;
	struct json_walk w, v;

	*ret = (struct openai_choices){ 0 };
	json_walk_init(&w, choices);
	while (json_walk_next(&w, &choice)) {
		ret->n++;
		if (choice.kind != JSON_OBJECT)
			continue;
		json_walk_init(&v, choice.value);
		while (json_walk_next(&v, &m)) {
			if (str_eq(m.name, S("delta")) ||
			    str_eq(m.name, S("message")))
				ret->text_bytes += message_bytes(&m);
			else if (str_eq(m.name, S("text")))
				ret->text_bytes += text_of(&m);
			else if (str_eq(m.name, S("finish_reason")) &&
				 m.kind != JSON_NULL)
				ret->has_finish = true;
		}
	}
}

bool
openai_is_error(struct str value)
{
	struct json_member m;

	return json_walk_find(value, S("message"), &m) && m.kind == JSON_STRING;
}

static struct str
error_code_of(struct str error)
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
		ret->error_code = error_code_of(m.error.value);
	}
	if (m.usage.kind != JSON_NONE)
		ret->has_usage = usage_read_openai(m.usage.value, &ret->usage);
	if (!ret->has_usage && m.choices.kind == JSON_ARRAY) {
		openai_choices_read(m.choices.value, &choices);
		ret->text_bytes = choices.text_bytes;
	}
}

enum err
openai_answer_text(struct arena *a, const struct openai_answer *answer,
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
