/* SPDX-License-Identifier: MIT */
/* Records to items: what each journal record means for the database. */
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/flush_priv.h"

/* Note an open, or what is new about it. Other records change nothing. */
enum err
flush_follow(struct flush_series *s, const struct journal_rec *rec,
    struct error *e)
{
	struct journal_open o;
	struct journal_progress p;
	struct open_entry *entry;

	if (rec->type == JOURNAL_OPEN && journal_decode_open(rec->payload, &o))
		return open_set_add(&s->open, &o.request_id, rec->payload,
		    rec->pos, e);
	if (rec->type == JOURNAL_PROGRESS &&
	    journal_decode_progress(rec->payload, &p)) {
		entry = open_set_find(&s->open, &p.request_id);
		if (entry)
			entry->progress = p;
	}
	return OK;
}

/* A new item at the end of the batch; NULL: no memory. */
static struct flush_item *
item_add(struct flusher *f, struct flush_series *s, enum flush_kind kind,
    journal_pos pos)
{
	struct flush_batch *b = &f->batch;
	struct flush_item *item;

	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 256;
		struct flush_item *v = arena_array(&f->arena, struct flush_item,
		    cap);

		if (!v)
			return NULL;
		if (b->n > 0)
			memcpy(v, b->items, b->n * sizeof(*v));
		b->items = v;
		b->cap = cap;
	}
	item = &b->items[b->n++];
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	item->series = s;
	item->pos = pos;
	return item;
}

/* The record's bytes as usage_rejected keeps them: framed, tag 0, so that
 * they can be decoded again. Behind the open's, if there is one. */
static enum err
keep_record(struct flusher *f, struct flush_item *item, enum journal_type type,
    struct str payload, struct error *e)
{
	size_t open_bytes = item->open
				? journal_record_bytes(item->open->open_bytes)
				: 0;
	uint8_t *p = arena_alloc(&f->arena,
	    open_bytes + journal_record_bytes(payload.n));
	size_t n = 0;

	if (!p)
		return error_arena(e, &f->arena);
	if (item->open) {
		memcpy(p + JOURNAL_FRAME_BYTES, item->open->open,
		    item->open->open_bytes);
		n = journal_frame(p, JOURNAL_OPEN, item->open->open_bytes, 0);
	}
	if (payload.n > 0) {
		memcpy(p + n + JOURNAL_FRAME_BYTES, payload.p, payload.n);
		n += journal_frame(p + n, type, payload.n, 0);
	}
	item->record = str_make((const char *)p, n);
	return OK;
}

static enum err
reject(struct flusher *f, struct flush_series *s, const struct journal_rec *rec,
    const char *why, struct error *e)
{
	struct flush_item *item = item_add(f, s, FLUSH_REJECT, rec->pos);

	if (!item)
		return error_arena(e, &f->arena);
	item->why = str_from(why);
	return keep_record(f, item, rec->type, rec->payload, e);
}

/* What a row takes from the open. Texts live as long as the entry. */
static void
row_from_open(const struct journal_open *o, struct usage_row *row)
{
	row->request_id = o->request_id;
	row->request_timestamp_ms = o->start_ms;
	row->customer_id = o->customer_id;
	row->api_key_id = o->api_key_id;
	row->user_id = o->user_id;
	row->project_id = o->project_id;
	row->agent_id = o->agent_id;
	row->connector_id = o->connector_id;
	row->model_id = o->model_id;
	row->model_requested = o->model_requested;
	row->provider_id = o->provider_id;
	row->provider_used = o->provider_used;
	row->price_version_id = o->price_version_id;
	row->markup_ppm = o->markup_ppm;
	row->origin = USAGE_GATEWAY;
}

/* Text of a record, which lives only until the next one, kept in the arena;
 * empty becomes NULL in SQL. */
static struct str
keep_text(struct flusher *f, struct str s)
{
	return s.n > 0 ? arena_strdup(&f->arena, s) : (struct str){ NULL, 0 };
}

static void
row_from_settle(struct flusher *f, const struct journal_settle *s,
    struct usage_row *row)
{
	memcpy(row->tok, s->tok, sizeof(row->tok));
	row->cost_pusd = s->is_unpriced ? DB_MONEY_NULL : s->cost_pusd;
	row->provider_cost_pusd = s->is_unpriced ? DB_MONEY_NULL
						 : s->provider_cost_pusd;
	if (s->provider_id != 0)
		row->provider_id = s->provider_id;
	if (s->provider_used.n > 0)
		row->provider_used = keep_text(f, s->provider_used);
	if (s->price_version_id != 0)
		row->price_version_id = s->price_version_id;
	row->status = s->status;
	row->error_code = keep_text(f, s->error_code);
	row->usage_source = s->source;
	row->latency_ms = s->latency_ms > 0 ? (uint64_t)s->latency_ms : 0;
	row->time_to_first_token_ms = s->ttft_ms;
	row->attempts = s->attempts;
	if (row->provider_used.n == 0)
		row->provider_used.p = NULL;
}

static void
note_hold(const struct journal_open *o, int64_t hold_pusd,
    struct flush_item *item)
{
	item->hold_pusd = hold_pusd;
	item->n_budgets = o->n_budgets;
	memcpy(item->budget_id, o->budget_id, sizeof(item->budget_id));
}

static enum err
add_refusal(struct flusher *f, struct flush_item *item,
    const struct journal_refuse *r, struct error *e)
{
	item->refusal = (struct usage_refusal){
		.customer_id = r->customer_id,
		.hour_ms = r->time_ms - r->time_ms % HOUR_MS,
		.api_key_id = r->api_key_id,
		.model_id = r->model_id,
		.reason = arena_strdup(&f->arena, r->reason),
		.refusals = 1,
	};
	return item->refusal.reason.p ? OK : error_arena(e, &f->arena);
}

static enum err
apply_refuse(struct flusher *f, struct flush_series *s,
    const struct journal_rec *rec, struct error *e)
{
	struct journal_refuse r;
	struct flush_item *item;
	enum err err;

	if (!journal_decode_refuse(rec->payload, &r))
		return reject(f, s, rec, "a refuse record that can't be read",
		    e);
	item = item_add(f, s, FLUSH_REFUSAL, rec->pos);
	if (!item)
		return error_arena(e, &f->arena);
	err = keep_record(f, item, rec->type, rec->payload, e);
	return err ? err : add_refusal(f, item, &r, e);
}

static enum err
apply_settle(struct flusher *f, struct flush_series *s,
    const struct journal_rec *rec, struct error *e)
{
	struct journal_settle settle;
	struct journal_open o;
	struct open_entry *entry;
	struct flush_item *item;
	enum err err;

	if (!journal_decode_settle(rec->payload, &settle))
		return reject(f, s, rec, "a settle that can't be read", e);
	entry = open_set_find(&s->open, &settle.request_id);
	if (!entry || entry->is_settled)
		return reject(f, s, rec, "a settle without its open", e);
	if (!journal_decode_open(open_entry_payload(entry), &o))
		return reject(f, s, rec, "an open that can't be read", e);
	item = item_add(f, s, FLUSH_ROW, rec->pos);
	if (!item)
		return error_arena(e, &f->arena);
	entry->is_settled = true;
	item->open = entry;
	err = keep_record(f, item, rec->type, rec->payload, e);
	if (err)
		return err;
	if (settle.refuse_reason.n > 0) {
		const struct journal_refuse r = { o.start_ms, o.customer_id,
			o.api_key_id, o.model_id, settle.refuse_reason };

		item->kind = FLUSH_REFUSAL;
		return add_refusal(f, item, &r, e);
	}
	row_from_open(&o, &item->row);
	row_from_settle(f, &settle, &item->row);
	note_hold(&o, settle.hold_pusd, item);
	return f->arena.sticky ? error_arena(e, &f->arena) : OK;
}

enum err
flush_apply(struct flusher *f, struct flush_series *s,
    const struct journal_rec *rec, struct error *e)
{
	switch (rec->type) {
	case JOURNAL_OPEN:
	case JOURNAL_PROGRESS:
		return flush_follow(s, rec, e);
	case JOURNAL_SETTLE:
		return apply_settle(f, s, rec, e);
	case JOURNAL_REFUSE:
		return apply_refuse(f, s, rec, e);
	case JOURNAL_ROTATE:
	case JOURNAL_END:
		break;
	}
	return OK;
}

/* prompt and delivered output at rate, in *ret_pusd. */
static enum err
charge(const struct journal_rate *rate, uint64_t in_tok, uint64_t out_tok,
    int64_t *ret_pusd, struct error *e)
{
	int64_t in_pusd = 0, out_pusd = 0;
	enum err err = money_mul_tok(rate->in_pusd, in_tok, &in_pusd, e);

	if (!err)
		err = money_mul_tok(rate->out_pusd, out_tok, &out_pusd, e);
	if (!err)
		err = money_add(in_pusd, out_pusd, &in_pusd, e);
	if (!err)
		err = money_add(in_pusd, rate->request_pusd, ret_pusd, e);
	return err;
}

/*
 * What a request costs whose worker died: prompt and what was delivered by
 * the last progress, if the client got anything; else nothing.
 */
static enum err
row_interrupted(const struct flush_series *s, const struct open_entry *entry,
    const struct journal_open *o, struct usage_row *row, struct error *e)
{
	const struct journal_progress *p = &entry->progress;
	unsigned context = o->is_long ? TOK_LONG : TOK_NORMAL;
	uint64_t prompt_tok = p->is_counted ? p->prompt_tok : o->prompt_tok;
	int64_t ms = s->files.last_mtime_ms - o->start_ms;
	int64_t cost_pusd = 0;
	enum err err;

	row_from_open(o, row);
	row->status = USAGE_INTERRUPTED;
	row->usage_source = p->is_counted ? USAGE_FROM_COUNT
					  : USAGE_FROM_ESTIMATE;
	row->error_code = S("interrupted");
	row->latency_ms = ms > 0 ? (uint64_t)ms : 0;
	row->time_to_first_token_ms = -1;
	row->attempts = 1;
	if (!p->has_output)
		return OK;
	row->tok[context][TOK_IN] = prompt_tok;
	row->tok[context][TOK_OUT] = p->delivered_tok;
	err = charge(&o->provider_price, prompt_tok, p->delivered_tok,
	    &row->provider_cost_pusd, e);
	if (!err)
		err = charge(&o->price, prompt_tok, p->delivered_tok,
		    &cost_pusd, e);
	if (!err)
		err = money_mul_ppm(cost_pusd, o->markup_ppm, &row->cost_pusd,
		    e);
	return err;
}

struct interrupt {
	struct flusher *f;
	struct flush_series *s;
	/* The journal's end was lost (power cut) after it had been flushed:
	 * what seems open may have its row. */
	bool is_cut;
};

/* Whether the request has its row already. */
static enum err
has_row(struct flusher *f, const struct uuid7 *id, bool *ret, struct error *e)
{
	struct usage_row row;
	enum err err = store_usage_by_request_id(f->db, id, &f->arena, &row, e);

	*ret = err == OK;
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err
interrupt_one(const struct open_entry *entry, void *arg, struct error *e)
{
	const struct interrupt *x = arg;
	struct journal_open o;
	struct flush_item *item;
	bool is_there = false;
	enum err err = OK;

	if (x->is_cut)
		err = has_row(x->f, &entry->id, &is_there, e);
	if (err || is_there || entry->is_settled)
		return err;
	item = item_add(x->f, x->s, FLUSH_ROW, entry->pos);
	if (!item)
		return error_arena(e, &x->f->arena);
	item->open = open_set_find(&x->s->open, &entry->id);
	item->is_interrupted = true;
	err = keep_record(x->f, item, JOURNAL_OPEN, (struct str){ NULL, 0 }, e);
	if (err)
		return err;
	if (!journal_decode_open(open_entry_payload(entry), &o) ||
	    row_interrupted(x->s, entry, &o, &item->row, e)) {
		item->kind = FLUSH_REJECT;
		item->why = S("an interrupted request that can't be priced");
		return OK;
	}
	note_hold(&o, o.hold_pusd, item);
	return OK;
}

enum err
flush_interrupt(struct flusher *f, struct flush_series *s, bool is_cut,
    struct error *e)
{
	struct interrupt x = { f, s, is_cut };

	return open_set_each(&s->open, interrupt_one, &x, e);
}
