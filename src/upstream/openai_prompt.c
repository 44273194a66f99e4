/* SPDX-License-Identifier: MIT */
/* Tokens of a prompt: its texts, and what stands around them. The items of a
 * response's input and the blocks of Anthropic's messages count like messages
 * and their parts; nobody says what their models see between them. */
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
add_medium(struct prompt *p)
{
	p->n_tok += TOK_PER_MEDIUM;
	p->is_guess = true;
}

/* What can be read of a part; false when there is nothing, so that it is an
 * image or the like. Names, arguments and results are those of a tool. */
static bool
add_readable(struct prompt *p, struct str part, struct json_member *ret_content)
{
	static const struct str names[] = {
		STR_INIT("text"),
		STR_INIT("refusal"),
		STR_INIT("thinking"),
		STR_INIT("name"),
		STR_INIT("input"),
	};
	struct json_member m;
	struct json_walk w;
	bool has_any = false;

	json_walk_init(&w, part);
	while (json_walk_next(&w, &m)) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			if (!str_eq(m.name, names[i]))
				continue;
			add_text(p, &m);
			has_any = true;
		}
		if (str_eq(m.name, S("content")))
			*ret_content = m;
	}
	return has_any;
}

/* A part within a tool's result: nothing is nested deeper that is read. */
static void
add_inner_parts(struct prompt *p, const struct json_member *content)
{
	struct json_member part, deeper = { .kind = JSON_NONE };
	struct json_walk w;

	if (content->kind != JSON_ARRAY) {
		add_text(p, content);
		return;
	}
	json_walk_init(&w, content->value);
	while (json_walk_next(&w, &part)) {
		if (part.kind != JSON_OBJECT)
			add_text(p, &part);
		else if (!add_readable(p, part.value, &deeper))
			add_medium(p);
	}
}

static void
add_part(struct prompt *p, const struct json_member *part)
{
	struct json_member content = { .kind = JSON_NONE };
	bool has_any;

	if (part->kind != JSON_OBJECT) {
		add_text(p, part);
		return;
	}
	has_any = add_readable(p, part->value, &content);
	if (content.kind != JSON_NONE)
		add_inner_parts(p, &content);
	else if (!has_any)
		add_medium(p);
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

/* Of an item: no model reads these as they are. */
static bool
is_label(struct str name)
{
	return str_eq(name, S("type")) || str_eq(name, S("id")) ||
	       str_eq(name, S("status")) ||
	       str_eq(name, S("encrypted_content"));
}

static void
add_member(struct prompt *p, const struct json_member *m)
{
	bool is_calls = str_eq(m->name, S("tool_calls")) ||
			str_eq(m->name, S("function_call"));

	if (!p->t && str_eq(m->name, S("role")))
		return; /* it is in GUESS_PER_MESSAGE */
	if (is_label(m->name))
		return;
	if (m->kind == JSON_ARRAY &&
	    (str_eq(m->name, S("content")) || str_eq(m->name, S("output")) ||
		str_eq(m->name, S("summary"))))
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

/* The members that may hold text beside the prompt itself, by operation. */
#define OP(id)  (1u << WIRE_##id)
#define OP_LIKE (OP(CHAT) | OP(COMPLETION))
static const struct extra {
	struct str name;
	unsigned ops;
	bool has_parts; /* may be an array of them */
} extras[] = {
	{ STR_INIT("tools"), OP_LIKE | OP(RESPONSE) | OP(MESSAGE) | OP(COUNT),
	    false },
	{ STR_INIT("functions"), OP_LIKE, false },
	{ STR_INIT("response_format"), OP_LIKE, false },
	{ STR_INIT("suffix"), OP_LIKE, false },
	{ STR_INIT("instructions"), OP(RESPONSE), false },
	{ STR_INIT("text"), OP(RESPONSE), false },
	{ STR_INIT("system"), OP(MESSAGE) | OP(COUNT), true },
	{ STR_INIT("output_config"), OP(MESSAGE) | OP(COUNT), false },
};

static bool
has_messages(enum wire_op op, const struct json_member *m)
{
	return m->kind == JSON_ARRAY &&
	       (op == WIRE_CHAT || op == WIRE_RESPONSE || op == WIRE_MESSAGE ||
		   op == WIRE_COUNT);
}

static void
add_all(struct prompt *p, enum wire_op op, const struct body *b)
{
	const struct json_member *m = body_value(b, openai_input_name(op));

	if (m && has_messages(op, m))
		add_messages(p, m->value);
	else if (m && op != WIRE_CHAT)
		add_input(p, m);
	for (size_t i = 0; i < ARRAY_LEN(extras); i++) {
		m = extras[i].ops & 1u << op ? body_value(b, extras[i].name)
					     : NULL;
		if (m && extras[i].has_parts && m->kind == JSON_ARRAY)
			add_parts(p, m);
		else if (m)
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
