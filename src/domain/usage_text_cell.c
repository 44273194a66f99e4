/* SPDX-License-Identifier: MIT */
#include "domain/usage_text_priv.h"

#include <string.h>

#include "base/clock.h"

/* clang-format off */
const char *const usage_token_names[TOK_CONTEXT__MAX][TOK_CLASS__MAX] = {
	[TOK_NORMAL] = {
		[TOK_IN] = "token_in_count",
		[TOK_IN_CACHED] = "token_in_cached_context_count",
		[TOK_CACHE_WRITE] = "token_in_cache_write_count",
		[TOK_IN_AUDIO] = "token_in_audio_count",
		[TOK_OUT] = "token_out_count",
		[TOK_OUT_REASONING] = "token_out_reasoning_count",
		[TOK_OUT_AUDIO] = "token_out_audio_count",
		[TOK_OUT_IMAGE] = "token_out_image_count",
	},
	[TOK_LONG] = {
		[TOK_IN] = "long_context_token_in_count",
		[TOK_IN_CACHED] = "long_context_token_in_cached_context_count",
		[TOK_CACHE_WRITE] = "long_context_token_in_cache_write_count",
		[TOK_IN_AUDIO] = "long_context_token_in_audio_count",
		[TOK_OUT] = "long_context_token_out_count",
		[TOK_OUT_REASONING] = "long_context_token_out_reasoning_count",
		[TOK_OUT_AUDIO] = "long_context_token_out_audio_count",
		[TOK_OUT_IMAGE] = "long_context_token_out_image_count",
	},
};
/* clang-format on */

void
cell_set_u64(struct cell *c, uint64_t v)
{
	struct buf b;

	buf_init_fixed(&b, c->own, sizeof(c->own));
	buf_add_u64(&b, v);
	c->kind = CELL_NUMBER;
	c->text = buf_str(&b);
}

void
cell_set_id(struct cell *c, uint64_t id)
{
	cell_set_u64(c, id);
	if (id == 0)
		c->kind = CELL_NULL;
}

void
cell_set_count(struct cell *c, int64_t v)
{
	cell_set_u64(c, v < 0 ? 0 : (uint64_t)v);
	if (v < 0)
		c->kind = CELL_NULL;
}

void
cell_set_usd(struct cell *c, int64_t pusd)
{
	c->kind = CELL_NULL;
	if (pusd == DB_MONEY_NULL)
		return;
	money_to_text(pusd, c->own);
	c->kind = CELL_NUMBER;
	c->text = str_from(c->own);
}

void
cell_set_text(struct cell *c, struct str s)
{
	c->kind = s.p ? CELL_TEXT : CELL_NULL;
	c->text = s;
}

void
cell_set_time(struct cell *c, int64_t ms, size_t n_chars)
{
	_Static_assert(sizeof(c->own) >= CLOCK_TEXT_BYTES, "room for a time");
	clock_format(ms, c->own);
	c->kind = CELL_TEXT;
	c->text = str_make(c->own, n_chars);
}

static uint64_t
tokens_between(const uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX], int from,
    int to)
{
	uint64_t n = 0;

	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = from; i < to; i++)
			n += tok[x][i];
	return n;
}

void
usage_csv_text(struct buf *b, struct str s)
{
	bool is_quoted = false;

	for (size_t i = 0; i < s.n && !is_quoted; i++)
		is_quoted = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\r' ||
			    s.p[i] == '\n';
	if (is_quoted)
		buf_add_char(b, '"');
	if (s.n > 0 && memchr("=+-@\t\r", s.p[0], 6))
		buf_add_char(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_add_char(b, '"');
		buf_add_char(b, s.p[i]);
	}
	if (is_quoted)
		buf_add_char(b, '"');
}

void
sink_put(struct sink *s, const char *name, const struct cell *c)
{
	if (s->j) {
		json_out_key(s->j, name);
		if (c->kind == CELL_NULL)
			json_out_null(s->j);
		else if (c->kind == CELL_NUMBER)
			json_out_raw(s->j, c->text);
		else
			json_out_str(s->j, c->text);
		return;
	}
	if (s->has_cell)
		buf_add_char(s->csv, ',');
	s->has_cell = true;
	if (s->is_head)
		buf_add(s->csv, str_from(name));
	else if (c->kind == CELL_NUMBER)
		buf_add(s->csv, c->text);
	else if (c->kind == CELL_TEXT)
		usage_csv_text(s->csv, c->text);
}

void
sink_end_line(struct sink *s)
{
	buf_add(s->csv, S("\r\n"));
}

void
sink_put_tokens(struct sink *s,
    const uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX])
{
	struct cell c;

	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++) {
			cell_set_u64(&c, tok[x][i]);
			sink_put(s, usage_token_names[x][i], &c);
		}
	cell_set_u64(&c, tokens_between(tok, 0, TOK_CLASS_FIRST_OUT));
	sink_put(s, "prompt_tokens", &c);
	cell_set_u64(&c,
	    tokens_between(tok, TOK_CLASS_FIRST_OUT, TOK_CLASS__MAX));
	sink_put(s, "completion_tokens", &c);
}
