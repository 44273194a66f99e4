/* SPDX-License-Identifier: MIT */
#include "admin/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/money.h"
#include "journal/reader.h"

#define LINE_BYTES 4096 /* a record is at most 384 bytes */

static const char *const type_names[] = {
	[JOURNAL_OPEN] = "open",
	[JOURNAL_PROGRESS] = "progress",
	[JOURNAL_SETTLE] = "settle",
	[JOURNAL_REFUSE] = "refuse",
	[JOURNAL_ROTATE] = "rotate",
	[JOURNAL_END] = "end",
};
static const char *const status_names[] = { USAGE_STATUS_NAMES };
static const char *const source_names[] = { USAGE_FROM_NAMES };

/* Names of the classes as the database's columns have them. */
static const char *const tok_names[TOK_CONTEXT__MAX][TOK_CLASS__MAX] = {
	{ "token_in_count", "token_in_cached_context_count",
	    "token_in_cache_write_count", "token_in_audio_count",
	    "token_out_count", "token_out_reasoning_count",
	    "token_out_audio_count", "token_out_image_count" },
	{ "long_context_token_in_count",
	    "long_context_token_in_cached_context_count",
	    "long_context_token_in_cache_write_count",
	    "long_context_token_in_audio_count", "long_context_token_out_count",
	    "long_context_token_out_reasoning_count",
	    "long_context_token_out_audio_count",
	    "long_context_token_out_image_count" },
};

/* One run of the command. */
struct show {
	const struct journal_show *o;
	FILE *out;
	struct uuid7 request;
	bool has_request;
	bool has_records;
	uint64_t n_shown;
	bool has_lines;
	/* Of the series being read. */
	char id[JOURNAL_SERIES_TEXT_BYTES];
	bool is_live;
	uint64_t n[JOURNAL_END + 1];
	/* The line being made. */
	struct buf b;
	struct json_out j;
	char line[LINE_BYTES];
};

/* Both forms of a line are made of the same members: JSON as it is, for
 * people "name=value". */
static void
line_begin(struct show *s)
{
	buf_init_fixed(&s->b, s->line, sizeof(s->line));
	json_out_init(&s->j, &s->b);
	if (s->o->is_json)
		json_out_object(&s->j);
}

static void
line_end(struct show *s)
{
	if (s->o->is_json) {
		json_out_object_end(&s->j);
		(void)fputs(s->has_lines ? ",\n" : "[\n", s->out);
	}
	s->has_lines = true;
	(void)fwrite(s->b.p, 1, s->b.n, s->out);
	if (!s->o->is_json)
		(void)fputc('\n', s->out);
}

static void
add_str(struct show *s, const char *name, struct str value)
{
	if (s->o->is_json) {
		json_out_member_str(&s->j, name, value);
		return;
	}
	buf_addf(&s->b, s->b.n > 0 ? " %s=" : "%s=", name);
	buf_json_string(&s->b, value); /* quotes, so that nothing is hidden */
}

/* A word that needs no quotes. */
static void
add_word(struct show *s, const char *name, const char *value)
{
	if (s->o->is_json)
		json_out_member_str(&s->j, name, str_from(value));
	else
		buf_addf(&s->b, s->b.n > 0 ? " %s=%s" : "%s=%s", name, value);
}

static void
add_u64(struct show *s, const char *name, uint64_t value)
{
	if (s->o->is_json)
		json_out_member_u64(&s->j, name, value);
	else
		buf_addf(&s->b, s->b.n > 0 ? " %s=%" PRIu64 : "%s=%" PRIu64,
		    name, value);
}

static void
add_id(struct show *s, const char *name, uint64_t id)
{
	if (id != 0)
		add_u64(s, name, id);
}

static void
add_usd(struct show *s, const char *name, int64_t amount_pusd)
{
	char text[MONEY_TEXT_BYTES];

	money_to_text(amount_pusd, text);
	if (s->o->is_json) {
		json_out_key(&s->j, name);
		json_out_usd(&s->j, amount_pusd);
	} else {
		add_word(s, name, text);
	}
}

static void
add_time(struct show *s, const char *name, int64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_ms(time_ms, text);
	add_word(s, name, text);
}

static void
add_request(struct show *s, const struct uuid7 *id)
{
	char text[UUID7_TEXT_BYTES];

	uuid7_format(id, text);
	add_word(s, "request_id", text);
}

static void
add_open(struct show *s, const struct journal_open *o)
{
	add_request(s, &o->request_id);
	add_time(s, "request_timestamp", o->start_ms);
	add_u64(s, "customer_id", o->customer_id);
	add_id(s, "project_id", o->project_id);
	add_u64(s, "user_id", o->user_id);
	add_u64(s, "api_key_id", o->api_key_id);
	add_u64(s, "model_id", o->model_id);
	add_str(s, "model_requested", o->model_requested);
	add_id(s, "provider_id", o->provider_id);
	add_str(s, "provider_used", o->provider_used);
	add_id(s, "agent_id", o->agent_id);
	add_id(s, "connector_id", o->connector_id);
	add_id(s, "price_version_id", o->price_version_id);
	add_u64(s, "markup_ppm", o->markup_ppm);
	add_u64(s, "prompt_tokens", o->prompt_tok);
	add_usd(s, "hold_usd", o->hold_pusd);
	add_word(s, "stream", o->is_stream ? "yes" : "no");
}

static void
add_settle(struct show *s, const struct journal_settle *r)
{
	add_request(s, &r->request_id);
	if (r->refuse_reason.n > 0) {
		add_str(s, "refused", r->refuse_reason);
		return;
	}
	add_word(s, "request_status", status_names[r->status]);
	if (r->error_code.n > 0)
		add_str(s, "error_code", r->error_code);
	for (unsigned c = 0; c < TOK_CONTEXT__MAX; c++) {
		for (unsigned i = 0; i < TOK_CLASS__MAX; i++)
			add_id(s, tok_names[c][i], r->tok[c][i]);
	}
	if (!r->is_unpriced) {
		add_usd(s, "cost_in_usd", r->cost_pusd);
		add_usd(s, "provider_cost_in_usd", r->provider_cost_pusd);
	}
	add_word(s, "usage_source", source_names[r->source]);
	add_u64(s, "latency_ms",
	    r->latency_ms > 0 ? (uint64_t)r->latency_ms : 0);
	if (r->ttft_ms >= 0)
		add_u64(s, "time_to_first_token_ms", (uint64_t)r->ttft_ms);
	add_u64(s, "attempts", r->attempts);
}

/* Adds what the payload says; false when it can't be read. id is set if the
 * record is of a request. */
static bool
add_payload(struct show *s, const struct journal_rec *rec)
{
	struct journal_open o;
	struct journal_progress p;
	struct journal_settle t;
	struct journal_refuse r;

	switch (rec->type) {
	case JOURNAL_OPEN:
		if (!journal_decode_open(rec->payload, &o))
			return false;
		add_open(s, &o);
		break;
	case JOURNAL_PROGRESS:
		if (!journal_decode_progress(rec->payload, &p))
			return false;
		add_request(s, &p.request_id);
		add_u64(s, "delivered_tokens", p.delivered_tok);
		if (p.is_counted)
			add_u64(s, "prompt_tokens", p.prompt_tok);
		break;
	case JOURNAL_SETTLE:
		if (!journal_decode_settle(rec->payload, &t))
			return false;
		add_settle(s, &t);
		break;
	case JOURNAL_REFUSE:
		if (!journal_decode_refuse(rec->payload, &r))
			return false;
		add_time(s, "time", r.time_ms);
		add_u64(s, "customer_id", r.customer_id);
		add_u64(s, "api_key_id", r.api_key_id);
		add_id(s, "model_id", r.model_id);
		add_str(s, "refused", r.reason);
		break;
	case JOURNAL_ROTATE:
	case JOURNAL_END:
		break;
	}
	return true;
}

/* Whether the record is of the request that was asked for. All records of a
 * request begin with its id. */
static bool
is_wanted(const struct show *s, const struct journal_rec *rec)
{
	if (!s->has_request)
		return true;
	return (rec->type == JOURNAL_OPEN || rec->type == JOURNAL_PROGRESS ||
		   rec->type == JOURNAL_SETTLE) &&
	       rec->payload.n >= UUID7_BYTES &&
	       memcmp(rec->payload.p, s->request.b, UUID7_BYTES) == 0;
}

static void
show_record(struct show *s, const struct journal_rec *rec)
{
	line_begin(s);
	add_word(s, "series", s->id);
	add_u64(s, "file", journal_pos_file(rec->pos));
	add_u64(s, "offset", journal_pos_offset(rec->pos));
	add_word(s, "type", type_names[rec->type]);
	if (!add_payload(s, rec))
		add_word(s, "error", "unreadable");
	line_end(s);
	s->n_shown++;
}

static void
show_series(struct show *s, const struct journal_entry *x,
    const struct journal_damage *damage)
{
	line_begin(s);
	add_word(s, "series", s->id);
	add_word(s, "worker", s->is_live ? "living" : "gone");
	add_u64(s, "first_file", x->first_no);
	add_u64(s, "last_file", x->last_no);
	add_u64(s, "bytes", x->size_bytes);
	add_time(s, "written", x->last_mtime_ms);
	add_u64(s, "opens", s->n[JOURNAL_OPEN]);
	add_u64(s, "settles", s->n[JOURNAL_SETTLE]);
	add_u64(s, "refusals", s->n[JOURNAL_REFUSE]);
	add_u64(s, "damaged_places", damage->n_corrupt);
	add_u64(s, "damaged_bytes", damage->corrupt_bytes);
	add_u64(s, "torn_bytes", damage->torn_bytes);
	add_u64(s, "missing_files", damage->n_missing);
	line_end(s);
	s->n_shown++;
}

static enum err
read_series(struct show *s, const struct journal_entry *x,
    struct journal_reader *r, struct error *e)
{
	struct journal_rec rec;
	enum err err;

	memset(s->n, 0, sizeof(s->n));
	while ((err = journal_reader_next(r, !s->is_live, &rec, e)) == OK) {
		s->n[rec.type]++;
		if (s->has_records && is_wanted(s, &rec))
			show_record(s, &rec);
	}
	if (err != ERR_NOT_FOUND)
		return err;
	if (!s->has_records)
		show_series(s, x, journal_reader_damage(r));
	return OK;
}

static enum err
one_series(struct show *s, const struct journal_entry *x, struct error *e)
{
	struct journal_reader *r = NULL;
	enum err err;

	journal_series_format(&x->id, s->id);
	if (x->first_no == 0 || !str_starts(str_from(s->id), s->o->series))
		return OK;
	err = journal_is_live(s->o->dir, &x->id, &s->is_live, e);
	if (!err)
		err = journal_reader_new(s->o->dir, &x->id,
		    journal_pos_make(x->first_no, 0), &r, e);
	if (!err)
		err = read_series(s, x, r, e);
	journal_reader_free(r);
	return err;
}

enum err
admin_journal_show(const struct journal_show *o, FILE *out, struct error *e)
{
	struct show *s = calloc(1, sizeof(*s));
	struct journal_entry *v = NULL;
	size_t n = 0;
	enum err err = OK;

	if (!s)
		return error_set(e, ERR_NO_MEMORY, "journal show: no memory");
	s->o = o;
	s->out = out;
	s->has_request = o->request.n > 0;
	s->has_records = o->has_records || s->has_request || o->series.n > 0;
	if (s->has_request && !uuid7_parse(o->request, &s->request))
		err = error_public(e, ERR_BAD_PARAM, "request",
		    "%" PRI_STR " is not a request id", STR_ARG(o->request));
	if (!err)
		err = journal_list(o->dir, &v, &n, e);
	for (size_t i = 0; i < n && !err; i++)
		err = one_series(s, &v[i], e);
	if (!err && s->n_shown == 0 && (s->has_request || o->series.n > 0))
		err = error_public(e, ERR_NOT_FOUND, NULL,
		    "the journals of this host hold nothing of that");
	if (o->is_json && (s->has_lines || !err))
		(void)fputs(s->has_lines ? "\n]\n" : "[]\n", out);
	free(v);
	free(s);
	return err;
}
