/* SPDX-License-Identifier: MIT */
/* tollgate usage add, report */
#include "domain/usage_add.h"

#include "admin/admin.h"
#include "admin/usage_filter.h"
#include "base/clock.h"
#include "domain/idempotency_claim.h"
#include "domain/usage_report.h"
#include "domain/usage_text.h"

#define TEXT_MAX MIB(32)

const struct admin_option admin_usage_add_options[] = {
	{ "user", "ID|EMAIL", "Whom it is booked on.", true },
	{ "model", "NAME|ID", "Model.", true },
	{ "key", "ID|PUBLIC_ID", "API key that it was used with (none).",
	    false },
	{ "project", "ID", "Project (none).", false },
	{ "agent", "ID", "Agent (none).", false },
	{ "connector", "ID", "Connector (none).", false },
	{ "at", "TIME", "When it happened, a year ago at most (now).", false },
	{ "input", "N", "Input tokens (0).", false },
	{ "cached-input", "N", "Input from the provider's cache (0).", false },
	{ "cache-write", "N", "Input written to that cache (0).", false },
	{ "audio-input", "N", "Audio input (0).", false },
	{ "output", "N", "Output tokens (0).", false },
	{ "reasoning", "N", "Reasoning (0).", false },
	{ "audio-output", "N", "Audio output (0).", false },
	{ "image-output", "N", "Image output (0).", false },
	{ "long-input", "N", "The same beyond the model's long-context",
	    false },
	{ "long-cached-input", "N", "  threshold; the classes are disjoint,",
	    false },
	{ "long-cache-write", "N", "  so a token counts in one of them only.",
	    false },
	{ "long-audio-input", "N", "", false },
	{ "long-output", "N", "", false },
	{ "long-reasoning", "N", "", false },
	{ "long-audio-output", "N", "", false },
	{ "long-image-output", "N", "", false },
	{ "status", "STATUS", "How it ended (ok).", false },
	{ "latency-ms", "N", "How long it took (0).", false },
	{ "first-token-ms", "N", "How long until the first token (unknown).",
	    false },
	{ "usage-source", "SOURCE",
	    "Where the numbers come from: provider, counted or estimated "
	    "(provider).",
	    false },
	{ "idempotency-key", "KEY",
	    "Adds once: within a day the same key and options, whoever gives "
	    "them, add nothing.",
	    false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_usage_report_options[] = {
	{ "by", "DIM[,DIM]",
	    "One or two of key, user, project, customer, "
	    "model, provider, agent, connector, status, "
	    "hour, day, month.",
	    false },
	{ "from", "TIME", "From the hour of this time (a day before to).",
	    false },
	{ "to", "TIME", "To the hour of this time (now).", false },
	USAGE_FILTER_OPTIONS,
	{ "csv", NULL, "As CSV.", false },
	ADMIN_OPTIONS_END,
};

static const char *const token_options[TOK_CONTEXT__MAX][TOK_CLASS__MAX] = {
	{ "input", "cached-input", "cache-write", "audio-input", "output",
	    "reasoning", "audio-output", "image-output" },
	{ "long-input", "long-cached-input", "long-cache-write",
	    "long-audio-input", "long-output", "long-reasoning",
	    "long-audio-output", "long-image-output" }
};

static enum err
read_event(struct admin *ad, int64_t now_ms, struct usage_event *ev,
    struct error *e)
{
	unsigned status = USAGE_OK, source = USAGE_FROM_PROVIDER;
	uint64_t first_token_ms = 0;
	enum err err = usage_option_user(ad, &ev->user_id, e);

	if (!err)
		err = usage_option_model(ad, &ev->model_id, e);
	if (!err)
		err = usage_option_key(ad, &ev->api_key_id, e);
	if (!err)
		err = usage_option_labels(ad, &ev->project_id, &ev->agent_id,
		    &ev->connector_id, e);
	if (!err)
		err = admin_opt_time(ad, "at", &ev->time_ms, e);
	if (!err && ev->time_ms &&
	    (ev->time_ms > now_ms + USAGE_ADD_AHEAD_MS ||
		ev->time_ms < now_ms - USAGE_ADD_AGE_MS))
		err = admin_usage(e, "--at must be within the last 366 days");
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX && !err; i++)
			err = admin_opt_u64(ad, token_options[x][i], 0,
			    UINT32_MAX, &ev->tok[x][i], e);
	if (!err)
		err = admin_opt_u64(ad, "latency-ms", 0, UINT32_MAX,
		    &ev->latency_ms, e);
	if (!err)
		err = admin_opt_u64(ad, "first-token-ms", 0, UINT32_MAX,
		    &first_token_ms, e);
	if (admin_has(ad, "first-token-ms"))
		ev->time_to_first_token_ms = (int64_t)first_token_ms;
	if (!err)
		err = admin_opt_enum(ad, "usage-source", usage_source_names,
		    USAGE_FROM__MAX, &source, e);
	ev->usage_source = (enum usage_source)source;
	if (!err)
		err = admin_opt_enum(ad, "status", usage_status_names,
		    USAGE_STATUS__MAX, &status, e);
	ev->status = (enum usage_status)status;
	return err;
}

/* As JSON all of the row, else what matters. */
static enum err
show_row(const struct usage_view *rows, size_t n, void *arg, struct arena *a,
    struct str *ret, struct error *e)
{
	const struct usage_view *v = &rows[0];
	char id[UUID7_TEXT_BYTES];
	struct json_out j;
	struct buf b;

	(void)n;
	buf_init(&b, a, TEXT_MAX);
	if (*(const bool *)arg) {
		json_out_init(&j, &b);
		json_out_object(&j);
		usage_row_json(v, USAGE_FOR_OPERATOR, &j);
		json_out_object_end(&j);
		buf_add_char(&b, '\n');
		return buf_finish(&b, ret, e);
	}
	uuid7_format(&v->row.request_id, id);
	buf_addf(&b, "usage %llu, request %s\n",
	    (unsigned long long)v->usage_id, id);
	if (v->row.cost_pusd == DB_MONEY_NULL)
		buf_add(&b, S("no price was in force: its cost is unknown\n"));
	return buf_finish(&b, ret, e);
}

/* Whoever runs the script again, on whichever host, means the same usage. All
 * options are what is asked for, also how the answer is to look. */
static enum err
read_claim(struct admin *ad, struct idempotency *ret, struct error *e)
{
	const struct admin_option *o = admin_usage_add_options;
	enum err err = idempotency_claim(S("command usage"),
	    admin_opt(ad, "idempotency-key"), ret, e);

	if (err)
		return admin_usage(e, "%s", e->public_text);
	ret->request_id = uuid7_new(clock_now_ms()); /* of no request */
	ret->status = 201;
	for (; o->name; o++)
		idempotency_fold(ret, admin_opt(ad, o->name));
	idempotency_fold(ret, admin_is_json(ad) ? S("json") : S(""));
	return OK;
}

enum err
admin_usage_add(struct admin *ad, struct error *e)
{
	struct usage_event ev = usage_event_init();
	struct idempotency claim;
	bool is_json = admin_is_json(ad);
	struct usage_add u = { .events = &ev,
		.n = 1,
		.render = show_row,
		.arg = &is_json };
	struct manager m;
	enum err err = admin_manager(ad, &m, e);

	m.now_ms = clock_now_ms();
	if (!err)
		err = read_event(ad, m.now_ms, &ev, e);
	if (!err && admin_has(ad, "idempotency-key")) {
		err = read_claim(ad, &claim, e);
		u.idempotency = &claim;
	}
	if (!err)
		err = usage_add(&m, &u, admin_arena(ad), e);
	if (!err)
		admin_raw(ad, u.answer);
	if (!err && u.is_replay)
		admin_note(ad, "It was there already; nothing was added.");
	return err;
}

/* ---- report ---- */

static enum err
read_by(struct admin *ad, enum usage_dimension by[USAGE_BY_MAX],
    struct error *e)
{
	if (usage_dimensions_read(admin_opt(ad, "by"), by))
		return OK;
	return admin_usage(e, "--by takes one or two different ones of the "
			      "dimensions that the help lists");
}

static void
write_json(const struct usage_report *r, const struct usage_group_style *style,
    struct buf *b)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_array(&j);
	for (size_t i = 0; i < r->n; i++) {
		json_out_object(&j);
		usage_group_json(&r->groups[i], style, &j);
		json_out_object_end(&j);
	}
	json_out_array_end(&j);
	buf_add_char(b, '\n');
}

static void
write_csv(const struct usage_report *r, const struct usage_group_style *style,
    struct buf *b)
{
	usage_group_csv_head(style, b);
	for (size_t i = 0; i < r->n; i++)
		usage_group_csv(&r->groups[i], style, b);
}

static void
show_dimension(struct admin *ad, enum usage_dimension by, uint64_t v)
{
	char text[CLOCK_TEXT_BYTES];
	const char *name = usage_dimension_column(by);
	size_t n = by == USAGE_BY_MONTH ? 7 : by == USAGE_BY_DAY ? 10 : 20;

	if (by == USAGE_BY_NOTHING)
		return;
	if (by == USAGE_BY_STATUS && v >= 1 && v <= USAGE_STATUS__MAX) {
		admin_str(ad, name, str_from(usage_status_names[v - 1]));
	} else if (by >= USAGE_BY_HOUR) {
		clock_format((int64_t)v * 1000, text);
		admin_str(ad, name,
		    arena_strdup(admin_arena(ad), str_make(text, n)));
	} else {
		admin_count(ad, name, v ? (int64_t)v : -1);
	}
}

/* For people: what fits a terminal. */
static void
show_group(struct admin *ad, const struct usage_group *g,
    const struct usage_group_style *style)
{
	uint64_t in = 0, out = 0;

	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			*(i < TOK_CLASS_FIRST_OUT ? &in
						  : &out) += g->sums.tok[x][i];
	admin_rec(ad);
	for (int i = 0; i < USAGE_BY_MAX; i++)
		show_dimension(ad, style->by[i], g->by[i]);
	admin_u64(ad, "requests", g->sums.requests);
	admin_count(ad, "refusals",
	    style->has_refusals ? (int64_t)g->refusals : -1);
	admin_u64(ad, "errors", g->failed_requests);
	admin_u64(ad, "unpriced", g->sums.unpriced_requests);
	admin_u64(ad, "prompt_tokens", in);
	admin_u64(ad, "completion_tokens", out);
	admin_usd(ad, "cost_in_usd", g->sums.cost_pusd);
	admin_count(ad, "p50_ms",
	    histogram_percentile_ms(&g->sums.latency, 500));
	admin_count(ad, "p95_ms",
	    histogram_percentile_ms(&g->sums.latency, 950));
}

enum err
admin_usage_report(struct admin *ad, struct error *e)
{
	struct usage_group_style style = { .reader = USAGE_FOR_OPERATOR };
	struct usage_filter f = { 0 };
	int64_t now_ms = clock_now_ms();
	struct usage_report r;
	struct str text;
	struct db *db;
	struct buf b;
	enum err err = read_by(ad, style.by, e);

	if (!err)
		err = usage_options_filter(ad, now_ms, &f, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = usage_report(db, style.by, &f, now_ms, admin_arena(ad),
		    &r, e);
	if (err)
		return err;
	style.has_refusals = r.has_refusals;
	buf_init(&b, admin_arena(ad), TEXT_MAX);
	if (!admin_has(ad, "csv") && !admin_is_json(ad)) {
		admin_list(ad);
		for (size_t i = 0; i < r.n; i++)
			show_group(ad, &r.groups[i], &style);
		return OK;
	}
	if (admin_has(ad, "csv"))
		write_csv(&r, &style, &b);
	else
		write_json(&r, &style, &b);
	err = buf_finish(&b, &text, e);
	if (!err)
		admin_raw(ad, text);
	return err;
}
