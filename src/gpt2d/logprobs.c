/* SPDX-License-Identifier: MIT */
#include "gpt2d/logprobs.h"

/* Of a token's JSON besides its name and its bytes, rounded up: "token":,
 * "logprob":-1.2345678e-05,"bytes":[],"top_logprobs":[]{}, and an offset. */
#define TOKEN_JSON_BYTES 80

void
logprobs_init(struct logprobs *l, enum completion_kind kind,
    const struct tokenizer *t, struct arena *a, size_t max_bytes,
    uint64_t offset_chars)
{
	*l = (struct logprobs){
		.kind = kind,
		.tokenizer = t,
		.offset_chars = offset_chars,
	};
	buf_init(&l->tokens, a, max_bytes);
	buf_init(&l->values, a, max_bytes);
	buf_init(&l->tops, a, max_bytes);
	buf_init(&l->offsets, a, max_bytes);
}

uint64_t
logprobs_chars(struct str text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

/* Half a character is told by its bytes, as OpenAI does. */
static void
add_token(struct buf *b, const struct logprobs *l, uint32_t id)
{
	struct str token = tokenizer_token(l->tokenizer, id);

	if (str_is_utf8(token)) {
		buf_json_string(b, token);
		return;
	}
	buf_add(b, l->kind == COMPLETION_TEXT ? S("\"bytes:") : S("\""));
	for (size_t i = 0; i < token.n; i++)
		buf_addf(b, "\\\\x%02x", (unsigned)(unsigned char)token.p[i]);
	buf_add_char(b, '"');
}

static void
add_value(struct buf *b, float logprob)
{
	double v = (double)logprob;

	buf_addf(b, "%.8g", v > LOGPROB_LOWEST ? v : LOGPROB_LOWEST);
}

static void
add_comma(struct buf *b, uint64_t n)
{
	if (n)
		buf_add_char(b, ',');
}

/* {"token":logprob,...}: the likeliest ones and the one that was taken. */
static void
add_text_tops(struct logprobs *l, const struct sampler_choice *token)
{
	struct buf *b = &l->tops;
	bool is_there = false;

	if (token->n_top == 0) {
		buf_add(b, S("null"));
		return;
	}
	buf_add_char(b, '{');
	for (uint32_t i = 0; i < token->n_top; i++) {
		add_comma(b, i);
		add_token(b, l, token->top_ids[i]);
		buf_add_char(b, ':');
		add_value(b, token->top_logprobs[i]);
		is_there |= token->top_ids[i] == token->id;
	}
	if (!is_there) {
		buf_add_char(b, ',');
		add_token(b, l, token->id);
		buf_add_char(b, ':');
		add_value(b, token->logprob);
	}
	buf_add_char(b, '}');
}

static void
add_text(struct logprobs *l, const struct sampler_choice *token)
{
	add_comma(&l->tokens, l->n);
	add_token(&l->tokens, l, token->id);
	add_comma(&l->values, l->n);
	add_value(&l->values, token->logprob);
	add_comma(&l->tops, l->n);
	add_text_tops(l, token);
	add_comma(&l->offsets, l->n);
	buf_add_u64(&l->offsets, l->offset_chars);
}

/* "token":…,"logprob":…,"bytes":[…] */
static void
add_chat_members(struct logprobs *l, uint32_t id, float logprob)
{
	struct str token = tokenizer_token(l->tokenizer, id);
	struct buf *b = &l->tokens;

	buf_add(b, S("\"token\":"));
	add_token(b, l, id);
	buf_add(b, S(",\"logprob\":"));
	add_value(b, logprob);
	buf_add(b, S(",\"bytes\":["));
	for (size_t i = 0; i < token.n; i++) {
		add_comma(b, i);
		buf_add_u64(b, (unsigned char)token.p[i]);
	}
	buf_add_char(b, ']');
}

static void
add_chat(struct logprobs *l, const struct sampler_choice *token)
{
	struct buf *b = &l->tokens;

	add_comma(b, l->n);
	buf_add_char(b, '{');
	add_chat_members(l, token->id, token->logprob);
	buf_add(b, S(",\"top_logprobs\":["));
	for (uint32_t i = 0; i < token->n_top; i++) {
		add_comma(b, i);
		buf_add_char(b, '{');
		add_chat_members(l, token->top_ids[i], token->top_logprobs[i]);
		buf_add_char(b, '}');
	}
	buf_add(b, S("]}"));
}

void
logprobs_add(struct logprobs *l, const struct sampler_choice *token)
{
	if (l->kind == COMPLETION_TEXT)
		add_text(l, token);
	else
		add_chat(l, token);
	l->n++;
	l->offset_chars += logprobs_chars(
	    tokenizer_token(l->tokenizer, token->id));
}

static void
write_array(struct buf *b, const char *name, const struct buf *values)
{
	buf_addf(b, "\"%s\":[", name);
	buf_add(b, buf_str(values));
	buf_add_char(b, ']');
}

static void
keep_failure(struct buf *b, const struct buf *from)
{
	if (from->sticky && !b->sticky)
		b->sticky = from->sticky;
}

void
logprobs_write(const struct logprobs *l, struct buf *b)
{
	keep_failure(b, &l->tokens);
	if (l->kind == COMPLETION_CHAT) {
		buf_add_char(b, '{');
		write_array(b, "content", &l->tokens);
		buf_add(b, S(",\"refusal\":null}"));
		return;
	}
	keep_failure(b, &l->values);
	keep_failure(b, &l->tops);
	keep_failure(b, &l->offsets);
	buf_add_char(b, '{');
	write_array(b, "tokens", &l->tokens);
	buf_add_char(b, ',');
	write_array(b, "token_logprobs", &l->values);
	buf_add_char(b, ',');
	write_array(b, "top_logprobs", &l->tops);
	buf_add_char(b, ',');
	write_array(b, "text_offset", &l->offsets);
	buf_add_char(b, '}');
}

void
logprobs_clear(struct logprobs *l)
{
	buf_reset(&l->tokens);
	buf_reset(&l->values);
	buf_reset(&l->tops);
	buf_reset(&l->offsets);
	l->n = 0;
}

/* ---- sizes ---- */

/* Of \xNN and \uNNNN, with quotes and what a completion puts before. */
static size_t
name_size(struct str token)
{
	size_t n = sizeof("\"bytes:\"");
	bool is_utf8 = str_is_utf8(token);

	for (size_t i = 0; i < token.n; i++) {
		unsigned char byte = (unsigned char)token.p[i];

		if (!is_utf8)
			n += sizeof("\\\\xNN") - 1;
		else if (byte < 0x20 || byte == 0x7f)
			n += sizeof("\\uNNNN") - 1;
		else
			n += byte == '"' || byte == '\\' ? 2 : 1;
	}
	return n;
}

/* Each byte that is no character's may become U+FFFD. */
static size_t
text_size(struct str token)
{
	return str_is_utf8(token) ? name_size(token)
				  : 3 * token.n + name_size(S(""));
}

/* "195,169," */
static size_t
list_size(struct str token)
{
	size_t n = 0;

	for (size_t i = 0; i < token.n; i++) {
		unsigned char byte = (unsigned char)token.p[i];

		n += byte < 10 ? 2 : byte < 100 ? 3 : 4;
	}
	return n;
}

/* The largest first; what is smaller than all of them goes. */
static void
insert_size(size_t sizes[LOGPROBS_TOKENS_MAX], size_t size)
{
	for (size_t i = 0; i < LOGPROBS_TOKENS_MAX; i++) {
		size_t smaller = sizes[i];

		if (size <= smaller)
			continue;
		sizes[i] = size;
		size = smaller;
	}
}

void
token_sizes_init(struct token_sizes *s, const struct tokenizer *t)
{
	size_t largest[LOGPROBS_TOKENS_MAX] = { 0 };

	*s = (struct token_sizes){ 0 };
	for (uint32_t i = 0; i < tokenizer_vocabulary(t); i++) {
		struct str token = tokenizer_token(t, i);

		if (text_size(token) > s->text)
			s->text = text_size(token);
		insert_size(largest, name_size(token) + list_size(token));
	}
	for (size_t i = 0; i < LOGPROBS_TOKENS_MAX; i++)
		s->names[i + 1] = s->names[i] + largest[i];
}

size_t
token_sizes_max(const struct token_sizes *s, uint32_t n_top)
{
	if (n_top == SAMPLER_NO_LOGPROBS)
		return s->text;
	/* the one that was taken, and again among the likeliest */
	return s->text + s->names[1] + s->names[n_top + 1] +
	       (n_top + 2) * TOKEN_JSON_BYTES;
}
