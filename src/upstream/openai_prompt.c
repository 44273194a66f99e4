/* SPDX-License-Identifier: MIT */
/* Tokens of a prompt: its texts, and what stands around them. */
#include "tokenizer/tally.h"
#include "upstream/openai.h"
#include "upstream/openai_text.h"

/* What an image, a file or a sound is taken for. */
#define TOK_PER_MEDIUM 1000

/* Estimates: role, separators and so on of one message. */
#define GUESS_PER_MESSAGE 4
#define BYTES_PER_TOK     4

/* Around messages when they are counted. Source: OpenAI's cookbook, "How to
 * count tokens with tiktoken", section 6, for gpt-3.5-turbo-0125 and later. */
#define TOK_PER_MESSAGE 3
#define TOK_PER_NAME    1
#define TOK_PER_ANSWER  3

struct prompt {
	const struct tokenizer *t; /* NULL = estimate */
	uint64_t text_bytes;
	uint64_t n_tok;
	bool is_guess;   /* not all of it can be counted */
	bool has_failed; /* memory ran out */
};

static void
add_tally(struct prompt *p, struct tally *tally)
{
	p->n_tok += tally_count(tally);
	p->has_failed = p->has_failed || tally->has_failed;
}

/* JSON as it stands. */
static void
add_raw(struct prompt *p, struct str json)
{
	struct tally tally;

	if (!p->t) {
		p->text_bytes += json.n;
		return;
	}
	tally_init(&tally, p->t);
	tally_add(&tally, json);
	add_tally(p, &tally);
}

static void
add_string(struct prompt *p, struct str value)
{
	struct tally tally;

	if (!p->t) {
		p->text_bytes += json_unescaped_bytes(value);
		return;
	}
	tally_init(&tally, p->t);
	tally_add_json(&tally, value);
	add_tally(p, &tally);
}

static void
add_text(struct prompt *p, const struct json_member *m)
{
	if (m->kind == JSON_STRING)
		add_string(p, m->value);
	else if (m->kind == JSON_OBJECT || m->kind == JSON_ARRAY)
		add_raw(p, m->value);
}

static void
add_part(struct prompt *p, const struct json_member *part)
{
	struct json_member m;

	if (part->kind == JSON_OBJECT &&
	    !json_walk_find(part->value, S("text"), &m) &&
	    !json_walk_find(part->value, S("refusal"), &m)) {
		p->n_tok += TOK_PER_MEDIUM;
		p->is_guess = true;
		return;
	}
	add_text(p, part->kind == JSON_OBJECT ? &m : part);
}

static void
add_parts(struct prompt *p, const struct json_member *content)
{
	struct json_member part;
	struct json_walk w;

	json_walk_init(&w, content->value);
	while (json_walk_next(&w, &part))
		add_part(p, &part);
}

static void
add_call_text(void *ctx, const struct openai_text *text)
{
	add_string(ctx, text->value);
}

static void
add_member(struct prompt *p, const struct json_member *m)
{
	bool is_calls = str_eq(m->name, S("tool_calls")) ||
			str_eq(m->name, S("function_call"));

	if (!p->t && str_eq(m->name, S("role")))
		return; /* it is in GUESS_PER_MESSAGE */
	if (str_eq(m->name, S("content")) && m->kind == JSON_ARRAY)
		add_parts(p, m);
	else if (p->t && is_calls)
		openai_calls_read(m, add_call_text, p);
	else
		add_text(p, m);
	if (p->t && str_eq(m->name, S("name")) && m->kind == JSON_STRING)
		p->n_tok += TOK_PER_NAME;
}

static void
add_messages(struct prompt *p, struct str messages)
{
	struct json_member message, m;
	struct json_walk w, v;

	json_walk_init(&w, messages);
	while (json_walk_next(&w, &message)) {
		p->n_tok += p->t ? TOK_PER_MESSAGE : GUESS_PER_MESSAGE;
		if (message.kind != JSON_OBJECT)
			continue;
		json_walk_init(&v, message.value);
		while (json_walk_next(&v, &m))
			add_member(p, &m);
	}
	p->n_tok += p->t ? TOK_PER_ANSWER : 0;
}

static uint64_t
n_elements(struct str array)
{
	struct json_member m;
	struct json_walk w;
	uint64_t n = 0;

	json_walk_init(&w, array);
	while (json_walk_next(&w, &m))
		n++;
	return n;
}

/* A text, a list of texts, of token ids, or of lists of token ids. */
static void
add_input(struct prompt *p, const struct json_member *m)
{
	struct json_member item;
	struct json_walk w;

	if (m->kind != JSON_ARRAY) {
		add_text(p, m);
		return;
	}
	json_walk_init(&w, m->value);
	while (json_walk_next(&w, &item)) {
		if (item.kind == JSON_NUMBER)
			p->n_tok++;
		else if (item.kind == JSON_ARRAY)
			p->n_tok += n_elements(item.value);
		else
			add_text(p, &item);
	}
}

static void
add_all(struct prompt *p, enum wire_op op, const struct body *b)
{
	static const struct str extras[] = {
		STR_INIT("tools"),
		STR_INIT("functions"),
		STR_INIT("response_format"),
		STR_INIT("suffix"),
	};
	const struct json_member *m = body_value(b, openai_input_name(op));

	if (m && op != WIRE_CHAT)
		add_input(p, m);
	else if (m && m->kind == JSON_ARRAY)
		add_messages(p, m->value);
	for (size_t i = 0; i < ARRAY_LEN(extras) && op != WIRE_EMBEDDING; i++) {
		m = body_value(b, extras[i]);
		if (m)
			add_text(p, m);
	}
}

struct openai_count
openai_count_prompt(enum wire_op op, const struct body *b,
    const struct tokenizer *t)
{
	struct prompt p = { .t = t };

	add_all(&p, op, b);
	if (p.has_failed) {
		p = (struct prompt){ .t = NULL };
		add_all(&p, op, b);
	}
	if (!p.t)
		p.n_tok += p.text_bytes / BYTES_PER_TOK +
			   (p.text_bytes % BYTES_PER_TOK ? 1 : 0);
	return (struct openai_count){ p.n_tok, p.t && !p.is_guess };
}
