/* SPDX-License-Identifier: MIT */
#include "domain/usage_text.h"

#include <string.h>

#include "base/clock.h"
#include "base/money.h"

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

/* One value, ready for either format. */
enum cell_kind {
	CELL_NULL,
	CELL_NUMBER, /* written as it is */
	CELL_TEXT,
};

struct cell {
	enum cell_kind kind;
	struct str text;
	char own[MONEY_TEXT_BYTES + UUID7_TEXT_BYTES];
};

static void
set_u64(struct cell *c, uint64_t v)
{
	struct buf b;

	buf_init_fixed(&b, c->own, sizeof(c->own));
	buf_add_u64(&b, v);
	c->kind = CELL_NUMBER;
	c->text = buf_str(&b);
}

/* 0 is "none". */
static void
set_id(struct cell *c, uint64_t id)
{
	set_u64(c, id);
	if (id == 0)
		c->kind = CELL_NULL;
}

/* Below 0 is "unknown". */
static void
set_count(struct cell *c, int64_t v)
{
	set_u64(c, v < 0 ? 0 : (uint64_t)v);
	if (v < 0)
		c->kind = CELL_NULL;
}

static void
set_usd(struct cell *c, int64_t pusd)
{
	c->kind = CELL_NULL;
	if (pusd == DB_MONEY_NULL)
		return;
	money_to_text(pusd, c->own);
	c->kind = CELL_NUMBER;
	c->text = str_from(c->own);
}

static void
set_text(struct cell *c, struct str s)
{
	c->kind = s.p ? CELL_TEXT : CELL_NULL;
	c->text = s;
}

/* The first n_chars of YYYY-MM-DDTHH:MM:SSZ. */
static void
set_time(struct cell *c, int64_t ms, size_t n_chars)
{
	_Static_assert(sizeof(c->own) >= CLOCK_TEXT_BYTES, "room for a time");
	clock_format(ms, c->own);
	c->kind = CELL_TEXT;
	c->text = str_make(c->own, n_chars);
}
#define TIME_CHARS  20
#define DAY_CHARS   10
#define MONTH_CHARS 7

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

/* Where cells go: JSON members or a line of CSV. */
struct sink {
	struct json_out *j; /* or ... */
	struct buf *csv;
	bool is_head; /* ... of CSV: the names */
	bool has_cell;
};

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

static void
put(struct sink *s, const char *name, const struct cell *c)
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

static void
end_line(struct sink *s)
{
	buf_add(s->csv, S("\r\n"));
}

/* ---- rows ---- */

enum row_kind {
	ROW_ID,
	ROW_U64,
	ROW_COUNT,
	ROW_USD,
	ROW_PPM,
	ROW_TEXT,
	ROW_TIME,
	ROW_UUID,
	ROW_STATUS,
	ROW_SOURCE,
	ROW_ORIGIN,
	ROW_TOKENS, /* all sixteen columns, then both sums */
};

struct row_column {
	const char *name;
	enum row_kind kind;
	size_t off;
	bool is_operators;
};

#define AT(m) offsetof(struct usage_view, m)
/* clang-format off */
static const struct row_column row_columns[] = {
	{ "id", ROW_U64, AT(usage_id), false },
	{ "request_id", ROW_UUID, AT(row.request_id), false },
	{ "request_timestamp", ROW_TIME, AT(row.request_timestamp_ms), false },
	{ "created_at", ROW_TIME, AT(created_at_ms), false },
	{ "updated_at", ROW_TIME, AT(updated_at_ms), false },
	{ "customer_id", ROW_ID, AT(row.customer_id), false },
	{ "api_key_id", ROW_ID, AT(row.api_key_id), false },
	{ "user_id", ROW_ID, AT(row.user_id), false },
	{ "project_id", ROW_ID, AT(row.project_id), false },
	{ "agent_id", ROW_ID, AT(row.agent_id), false },
	{ "connector_id", ROW_ID, AT(row.connector_id), false },
	{ "model_id", ROW_ID, AT(row.model_id), false },
	{ "model_requested", ROW_TEXT, AT(row.model_requested), false },
	{ "provider_id", ROW_ID, AT(row.provider_id), false },
	{ "provider_used", ROW_TEXT, AT(row.provider_used), false },
	{ "", ROW_TOKENS, AT(row.tok), false },
	{ "cost_in_usd", ROW_USD, AT(row.cost_pusd), false },
	{ "provider_cost_in_usd", ROW_USD, AT(row.provider_cost_pusd), true },
	{ "price_version_id", ROW_ID, AT(row.price_version_id), false },
	{ "markup", ROW_PPM, AT(row.markup_ppm), true },
	{ "request_status", ROW_STATUS, AT(row.status), false },
	{ "error_code", ROW_TEXT, AT(row.error_code), false },
	{ "usage_source", ROW_SOURCE, AT(row.usage_source), false },
	{ "source", ROW_ORIGIN, AT(row.origin), false },
	{ "latency_ms", ROW_U64, AT(row.latency_ms), false },
	{ "time_to_first_token_ms", ROW_COUNT, AT(row.time_to_first_token_ms), false },
	{ "attempts", ROW_U64, AT(row.attempts), false },
};
/* clang-format on */
#undef AT

static void
put_tokens(struct sink *s, const uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX])
{
	struct cell c;

	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++) {
			set_u64(&c, tok[x][i]);
			put(s, usage_token_names[x][i], &c);
		}
	set_u64(&c, tokens_between(tok, 0, TOK_CLASS_FIRST_OUT));
	put(s, "prompt_tokens", &c);
	set_u64(&c, tokens_between(tok, TOK_CLASS_FIRST_OUT, TOK_CLASS__MAX));
	put(s, "completion_tokens", &c);
}

static uint64_t
u64_at(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static struct str
str_at(const char *p)
{
	struct str v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static struct str
name_at(const char *p, const char *const *names)
{
	unsigned v;

	memcpy(&v, p, sizeof(v));
	return str_from(names[v]);
}

static void
set_uuid(struct cell *c, const char *p)
{
	struct uuid7 id;

	_Static_assert(sizeof(c->own) >= UUID7_TEXT_BYTES, "room for an id");
	memcpy(&id, p, sizeof(id));
	uuid7_format(&id, c->own);
	set_text(c, str_from(c->own));
}

static void
set_row_cell(struct cell *c, const struct row_column *col, const char *p)
{
	switch (col->kind) {
	case ROW_ID:
		set_id(c, u64_at(p));
		break;
	case ROW_U64:
		set_u64(c, u64_at(p));
		break;
	case ROW_COUNT:
		set_count(c, (int64_t)u64_at(p));
		break;
	case ROW_USD:
		set_usd(c, (int64_t)u64_at(p));
		break;
	case ROW_PPM: /* a factor: 1 USD stands for 1 */
		set_usd(c, (int64_t)u64_at(p) * 1000000);
		break;
	case ROW_TEXT:
		set_text(c, str_at(p));
		break;
	case ROW_TIME:
		set_time(c, (int64_t)u64_at(p), TIME_CHARS);
		break;
	case ROW_UUID:
		set_uuid(c, p);
		break;
	case ROW_STATUS:
		set_text(c, name_at(p, usage_status_names));
		break;
	case ROW_SOURCE:
		set_text(c, name_at(p, usage_source_names));
		break;
	case ROW_ORIGIN:
		set_text(c, name_at(p, usage_origin_names));
		break;
	case ROW_TOKENS:
		break;
	}
}

static void
put_row(struct sink *s, const struct usage_view *v, enum usage_reader reader)
{
	for (size_t i = 0; i < ARRAY_LEN(row_columns); i++) {
		const struct row_column *col = &row_columns[i];
		struct cell c = { .kind = CELL_NULL };

		if (col->is_operators && reader != USAGE_FOR_OPERATOR)
			continue;
		if (col->kind == ROW_TOKENS) {
			put_tokens(s, v->row.tok);
			continue;
		}
		set_row_cell(&c, col, (const char *)v + col->off);
		put(s, col->name, &c);
	}
}

void
usage_row_json(const struct usage_view *v, enum usage_reader reader,
    struct json_out *j)
{
	struct sink s = { .j = j };

	put_row(&s, v, reader);
}

void
usage_row_csv_head(enum usage_reader reader, struct buf *b)
{
	static const struct usage_view none;
	struct sink s = { .csv = b, .is_head = true };

	put_row(&s, &none, reader);
	end_line(&s);
}

void
usage_row_csv(const struct usage_view *v, enum usage_reader reader,
    struct buf *b)
{
	struct sink s = { .csv = b };

	put_row(&s, v, reader);
	end_line(&s);
}

/* ---- sums ---- */

const char *
usage_dimension_column(enum usage_dimension by)
{
	static const char *const names[USAGE_BY__N] = {
		[USAGE_BY_NOTHING] = "",
		[USAGE_BY_KEY] = "api_key_id",
		[USAGE_BY_USER] = "user_id",
		[USAGE_BY_PROJECT] = "project_id",
		[USAGE_BY_CUSTOMER] = "customer_id",
		[USAGE_BY_MODEL] = "model_id",
		[USAGE_BY_PROVIDER] = "provider_id",
		[USAGE_BY_AGENT] = "agent_id",
		[USAGE_BY_CONNECTOR] = "connector_id",
		[USAGE_BY_STATUS] = "request_status",
		[USAGE_BY_HOUR] = "hour",
		[USAGE_BY_DAY] = "day",
		[USAGE_BY_MONTH] = "month",
	};

	return names[by];
}

static void
set_dimension(struct cell *c, enum usage_dimension by, uint64_t v)
{
	switch (by) {
	case USAGE_BY_STATUS:
		set_text(c, v >= 1 && v <= USAGE_STATUS__MAX
				? str_from(usage_status_names[v - 1])
				: (struct str){ NULL, 0 });
		break;
	case USAGE_BY_HOUR:
		set_time(c, (int64_t)v * 1000, TIME_CHARS);
		break;
	case USAGE_BY_DAY:
		set_time(c, (int64_t)v * 1000, DAY_CHARS);
		break;
	case USAGE_BY_MONTH:
		set_time(c, (int64_t)v * 1000, MONTH_CHARS);
		break;
	case USAGE_BY_NOTHING:
	case USAGE_BY_KEY:
	case USAGE_BY_USER:
	case USAGE_BY_PROJECT:
	case USAGE_BY_CUSTOMER:
	case USAGE_BY_MODEL:
	case USAGE_BY_PROVIDER:
	case USAGE_BY_AGENT:
	case USAGE_BY_CONNECTOR:
	case USAGE_BY__N:
		set_id(c, v);
		break;
	}
}

static void
put_times(struct sink *s, const struct rollup_sums *sums)
{
	static const struct {
		const char *names[2];
		unsigned per_mille;
	} rows[] = { { { "latency_p50_ms", "time_to_first_token_p50_ms" },
			 500 },
		{ { "latency_p95_ms", "time_to_first_token_p95_ms" }, 950 } };
	struct cell c;

	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			set_count(&c,
			    histogram_percentile_ms(k ? &sums->ttft
						      : &sums->latency,
				rows[i].per_mille));
			put(s, rows[i].names[k], &c);
		}
}

static void
put_group(struct sink *s, const struct usage_group *g,
    const struct usage_group_style *style)
{
	struct cell c;

	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (style->by[i]) {
			set_dimension(&c, style->by[i], g->by[i]);
			put(s, usage_dimension_column(style->by[i]), &c);
		}
	set_u64(&c, g->sums.requests);
	put(s, "requests", &c);
	set_count(&c, style->has_refusals ? (int64_t)g->refusals : -1);
	put(s, "refusals", &c);
	set_u64(&c, g->failed_requests);
	put(s, "errors", &c);
	set_u64(&c, g->sums.unpriced_requests);
	put(s, "unpriced_requests", &c);
	set_u64(&c, g->sums.estimated_requests);
	put(s, "estimated_requests", &c);
	put_tokens(s, g->sums.tok);
	set_usd(&c, g->sums.cost_pusd);
	put(s, "cost_in_usd", &c);
	if (style->reader == USAGE_FOR_OPERATOR) {
		set_usd(&c, g->sums.provider_cost_pusd);
		put(s, "provider_cost_in_usd", &c);
	}
	put_times(s, &g->sums);
}

void
usage_group_json(const struct usage_group *g,
    const struct usage_group_style *style, struct json_out *j)
{
	struct sink s = { .j = j };

	put_group(&s, g, style);
}

void
usage_group_csv_head(const struct usage_group_style *style, struct buf *b)
{
	static const struct usage_group none;
	struct sink s = { .csv = b, .is_head = true };

	put_group(&s, &none, style);
	end_line(&s);
}

void
usage_group_csv(const struct usage_group *g,
    const struct usage_group_style *style, struct buf *b)
{
	struct sink s = { .csv = b };

	put_group(&s, g, style);
	end_line(&s);
}
