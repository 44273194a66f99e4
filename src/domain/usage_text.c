/* SPDX-License-Identifier: MIT */
#include "domain/usage_text.h"

#include <string.h>

#include "domain/usage_text_priv.h"

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
	{ "cost_in_usd", ROW_USD, AT(cost_pusd), false },
	{ "original_cost_in_usd", ROW_USD, AT(row.cost_pusd), false },
	{ "provider_cost_in_usd", ROW_USD, AT(provider_cost_pusd), true },
	{ "price_version_id", ROW_ID, AT(price_version_id), false },
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
	cell_set_text(c, str_from(c->own));
}

static void
set_row_cell(struct cell *c, const struct row_column *col, const char *p)
{
	switch (col->kind) {
	case ROW_ID:
		cell_set_id(c, u64_at(p));
		break;
	case ROW_U64:
		cell_set_u64(c, u64_at(p));
		break;
	case ROW_COUNT:
		cell_set_count(c, (int64_t)u64_at(p));
		break;
	case ROW_USD:
		cell_set_usd(c, (int64_t)u64_at(p));
		break;
	case ROW_PPM: /* a factor: 1 USD stands for 1 */
		cell_set_usd(c, (int64_t)u64_at(p) * 1000000);
		break;
	case ROW_TEXT:
		cell_set_text(c, str_at(p));
		break;
	case ROW_TIME:
		cell_set_time(c, (int64_t)u64_at(p), TIME_CHARS);
		break;
	case ROW_UUID:
		set_uuid(c, p);
		break;
	case ROW_STATUS:
		cell_set_text(c, name_at(p, usage_status_names));
		break;
	case ROW_SOURCE:
		cell_set_text(c, name_at(p, usage_source_names));
		break;
	case ROW_ORIGIN:
		cell_set_text(c, name_at(p, usage_origin_names));
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
			sink_put_tokens(s, v->row.tok);
			continue;
		}
		set_row_cell(&c, col, (const char *)v + col->off);
		sink_put(s, col->name, &c);
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
	sink_end_line(&s);
}

void
usage_row_csv(const struct usage_view *v, enum usage_reader reader,
    struct buf *b)
{
	struct sink s = { .csv = b };

	put_row(&s, v, reader);
	sink_end_line(&s);
}
