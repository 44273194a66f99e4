/* SPDX-License-Identifier: MIT */
#include "domain/usage_text_priv.h"

/* USAGE_BY_NOTHING: there is no such. */
static enum usage_dimension
dimension_of(struct str name)
{
	for (int i = USAGE_BY_NOTHING + 1; i < USAGE_BY__N; i++)
		if (str_eq(name, str_from(usage_dimension_names[i])))
			return (enum usage_dimension)i;
	return USAGE_BY_NOTHING;
}

bool
usage_dimensions_read(struct str text, enum usage_dimension ret[USAGE_BY_MAX])
{
	struct str name;
	size_t n = 0;

	for (size_t i = 0; i < USAGE_BY_MAX; i++)
		ret[i] = USAGE_BY_NOTHING;
	while (text.p && str_split(&text, ',', &name)) {
		enum usage_dimension by = dimension_of(name);

		if (by == USAGE_BY_NOTHING || n == USAGE_BY_MAX)
			return false;
		for (size_t i = 0; i < n; i++)
			if (ret[i] == by)
				return false;
		ret[n++] = by;
	}
	return true;
}

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
		cell_set_text(c, v >= 1 && v <= USAGE_STATUS__MAX
				     ? str_from(usage_status_names[v - 1])
				     : (struct str){ NULL, 0 });
		break;
	case USAGE_BY_HOUR:
		cell_set_time(c, (int64_t)v * 1000, TIME_CHARS);
		break;
	case USAGE_BY_DAY:
		cell_set_time(c, (int64_t)v * 1000, DAY_CHARS);
		break;
	case USAGE_BY_MONTH:
		cell_set_time(c, (int64_t)v * 1000, MONTH_CHARS);
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
		cell_set_id(c, v);
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
			cell_set_count(&c,
			    histogram_percentile_ms(k ? &sums->ttft
						      : &sums->latency,
				rows[i].per_mille));
			sink_put(s, rows[i].names[k], &c);
		}
}

static void
put_group(struct sink *s, const struct usage_group *g,
    const struct usage_group_style *style)
{
	struct cell c;
	int last = 0;

	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (style->by[i]) {
			set_dimension(&c, style->by[i], g->by[i]);
			sink_put(s, usage_dimension_column(style->by[i]), &c);
			last = i;
		}
	if (style->name) {
		cell_set_text(&c, style->name(style->name_arg, g->by[last]));
		sink_put(s, usage_dimension_names[style->by[last]], &c);
	}
	cell_set_u64(&c, g->sums.requests);
	sink_put(s, "requests", &c);
	cell_set_count(&c, style->has_refusals ? (int64_t)g->refusals : -1);
	sink_put(s, "refusals", &c);
	cell_set_u64(&c, g->failed_requests);
	sink_put(s, "errors", &c);
	cell_set_u64(&c, g->sums.unpriced_requests);
	sink_put(s, "unpriced_requests", &c);
	cell_set_u64(&c, g->sums.estimated_requests);
	sink_put(s, "estimated_requests", &c);
	sink_put_tokens(s, g->sums.tok);
	cell_set_usd(&c, g->sums.cost_pusd);
	sink_put(s, "cost_in_usd", &c);
	if (style->reader == USAGE_FOR_OPERATOR) {
		cell_set_usd(&c, g->sums.provider_cost_pusd);
		sink_put(s, "provider_cost_in_usd", &c);
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
	sink_end_line(&s);
}

void
usage_group_csv(const struct usage_group *g,
    const struct usage_group_style *style, struct buf *b)
{
	struct sink s = { .csv = b };

	put_group(&s, g, style);
	sink_end_line(&s);
}
