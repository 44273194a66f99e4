/* SPDX-License-Identifier: MIT */
/* Journals to items: which series there are, what their records mean. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/money.h"
#include "domain/flush_priv.h"
#include "store/offset.h"

/* A change of a folder within this time of our look at it may not show. */
#define MTIME_GRAIN_MS 100

void
flush_unload(struct flush_series *s)
{
	journal_reader_free(s->reader);
	s->reader = NULL;
	open_set_fini(&s->open);
	s->is_loaded = false;
	s->is_final = false;
}

static int
compare_ids(const struct flush_series *s, const struct journal_entry *x)
{
	return memcmp(&s->files.id, &x->id, sizeof(x->id));
}

/* Merge the list (by id) with what is known (by id). */
static enum err
merge(struct flusher *f, const struct journal_entry *list, size_t n,
    struct error *e)
{
	struct flush_series *v = calloc(n ? n : 1, sizeof(*v));
	size_t k = 0;

	if (!v)
		return error_set(e, ERR_NO_MEMORY, "flusher: no memory");
	for (size_t i = 0; i < n; i++) {
		while (
		    k < f->n_series && compare_ids(&f->series[k], &list[i]) < 0)
			flush_unload(&f->series[k++]);
		if (k < f->n_series &&
		    compare_ids(&f->series[k], &list[i]) == 0)
			v[i] = f->series[k++];
		v[i].files = list[i];
	}
	while (k < f->n_series)
		flush_unload(&f->series[k++]);
	free(f->series);
	f->series = v;
	f->n_series = n;
	return OK;
}

enum err
flush_list(struct flusher *f, struct error *e)
{
	struct journal_entry *list = NULL;
	struct stat st;
	size_t n = 0;
	enum err err;

	if (stat(f->opt.journal_dir, &st) != 0)
		return error_set(e, ERR_IO, "flusher: folder %s: errno %d",
		    f->opt.journal_dir, errno);
	if (f->is_listed && st.st_mtim.tv_sec == f->dir_mtime.tv_sec &&
	    st.st_mtim.tv_nsec == f->dir_mtime.tv_nsec)
		return OK;
	err = journal_list(f->opt.journal_dir, &list, &n, e);
	if (err)
		return err;
	err = merge(f, list, n, e);
	free(list);
	f->dir_mtime = st.st_mtim;
	f->is_listed = clock_now_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 +
					    st.st_mtim.tv_nsec / 1000000) >
		       MTIME_GRAIN_MS;
	return err;
}

/* Note an open, or what is new about it. Other records change nothing. */
static enum err
follow(struct flush_series *s, const struct journal_rec *rec, struct error *e)
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

/* Rebuild the set of open requests from the file that off is in. */
static enum err
rebuild(struct flush_series *s, struct error *e)
{
	struct journal_rec rec;
	struct journal_settle settle;
	struct open_entry *entry;

	while (journal_reader_pos(s->reader) < s->off) {
		/* What was flushed before was whole then. */
		enum err err = journal_reader_next(s->reader, true, &rec, e);

		if (err)
			return err == ERR_NOT_FOUND ? OK : err;
		if (rec.type == JOURNAL_SETTLE &&
		    journal_decode_settle(rec.payload, &settle)) {
			entry = open_set_find(&s->open, &settle.request_id);
			if (entry)
				open_set_remove(&s->open, entry);
		} else {
			err = follow(s, &rec, e);
			if (err)
				return err;
		}
	}
	return OK;
}

/* Most series are there; only a new one is written. */
static enum err
read_offset(struct flusher *f, struct flush_series *s, struct error *e)
{
	const uint8_t *id = s->files.id.b;
	struct journal_offset row;
	enum err err = store_offset_get(f->db, id, &f->arena, &row, e);

	if (err == ERR_NOT_FOUND)
		return store_offset_open(f->db, id, str_from(f->host), &s->off,
		    e);
	if (!err)
		s->off = row.off;
	return err;
}

enum err
flush_load(struct flusher *f, struct flush_series *s, struct error *e)
{
	const struct journal_series *id = &s->files.id;
	uint32_t file_no;
	enum err err;

	flush_unload(s);
	open_set_init(&s->open);
	err = read_offset(f, s, e);
	if (err)
		return err;
	s->is_loaded = true;
	s->new_off = s->off;
	if (s->off & FLUSH_CLOSED)
		return OK;
	/* A series begins with file 1; if that is gone, it is missed. */
	file_no = s->off ? journal_pos_file(s->off) : 1;
	err = journal_reader_new(f->opt.journal_dir, id,
	    journal_pos_make(file_no, 0), &s->reader, e);
	if (!err)
		err = rebuild(s, e);
	if (err)
		flush_unload(s);
	return err;
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
	return f->arena.sticky ? error_arena(e, &f->arena) : OK;
}

static enum err
apply(struct flusher *f, struct flush_series *s, const struct journal_rec *rec,
    struct error *e)
{
	switch (rec->type) {
	case JOURNAL_OPEN:
	case JOURNAL_PROGRESS:
		return follow(s, rec, e);
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
	unsigned context = o->is_long ? TOK_LONG : TOK_NORMAL;
	int64_t ms = s->files.last_mtime_ms - o->start_ms;
	int64_t cost_pusd = 0;
	enum err err;

	row_from_open(o, row);
	row->status = USAGE_INTERRUPTED;
	row->usage_source = USAGE_FROM_ESTIMATE;
	row->error_code = S("interrupted");
	row->latency_ms = ms > 0 ? (uint64_t)ms : 0;
	row->time_to_first_token_ms = -1;
	row->attempts = 1;
	if (!entry->progress.has_output)
		return OK;
	row->tok[context][TOK_IN] = o->prompt_tok;
	row->tok[context][TOK_OUT] = entry->progress.delivered_tok;
	err = charge(&o->provider_price, o->prompt_tok,
	    entry->progress.delivered_tok, &row->provider_cost_pusd, e);
	if (!err)
		err = charge(&o->price, o->prompt_tok,
		    entry->progress.delivered_tok, &cost_pusd, e);
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
	}
	return OK;
}

/* Tell about damage that was not told of before. */
static void
report_damage(struct flusher *f, struct flush_series *s)
{
	const struct journal_damage *now = journal_reader_damage(s->reader);
	char id[JOURNAL_SERIES_TEXT_BYTES];
	uint64_t more;

	if (now->last <= s->damage.last &&
	    now->n_missing <= s->damage.n_missing)
		return;
	more = now->n_corrupt > s->damage.n_corrupt
		   ? now->n_corrupt - s->damage.n_corrupt
		   : 0;
	journal_series_format(&s->files.id, id);
	log_event(LOG_LEVEL_ERROR, "journal_damaged",
	    "series %s: %ju damaged places (%ju bytes) up to file %u offset "
	    "%u, %ju files missing: usage may be lost",
	    id, (uintmax_t)now->n_corrupt, (uintmax_t)now->corrupt_bytes,
	    journal_pos_file(now->last), journal_pos_offset(now->last),
	    (uintmax_t)now->n_missing);
	s->damage = *now;
	(void)pthread_mutex_lock(&f->mutex);
	f->stats.n_corrupt += more;
	(void)pthread_mutex_unlock(&f->mutex);
}

/* Take records of s into the batch until it is full or s has no more. */
static enum err
take(struct flusher *f, struct flush_series *s, bool *ret_is_drained,
    struct error *e)
{
	struct journal_rec rec;
	enum err err = OK;

	*ret_is_drained = false;
	while (f->batch.n < f->opt.batch_rows) {
		err = journal_reader_next(s->reader, s->is_final, &rec, e);
		if (err == ERR_NOT_FOUND) {
			*ret_is_drained = true;
			err = OK;
			break;
		}
		if (!err)
			err = apply(f, s, &rec, e);
		if (err)
			break;
		s->new_off = rec.next;
	}
	report_damage(f, s);
	return err;
}

/* A drained series whose worker is gone: the open requests are its last. */
static enum err
finish(struct flusher *f, struct flush_series *s, struct error *e)
{
	journal_pos end = journal_reader_pos(s->reader);
	struct interrupt x = { f, s, end < s->off };
	char path[JOURNAL_PATH_BYTES];
	struct stat st;
	enum err err;

	journal_file_path(path, f->opt.journal_dir, &s->files.id,
	    journal_pos_file(end));
	if (stat(path, &st) == 0)
		s->files.last_mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
					 st.st_mtim.tv_nsec / 1000000;
	err = open_set_each(&s->open, interrupt_one, &x, e);
	if (!err)
		s->new_off = (end > s->off ? end : s->off) | FLUSH_CLOSED;
	return err;
}

static enum err
take_all(struct flusher *f, struct flush_series *s, struct error *e)
{
	bool is_drained = false, is_live = true;
	enum err err = take(f, s, &is_drained, e);

	if (err || !is_drained)
		return err;
	if (!s->is_final) {
		/* First the lock, then the rest: who died wrote no more. */
		err = journal_is_live(f->opt.journal_dir, &s->files.id,
		    &is_live, e);
		if (err || is_live)
			return err;
		s->is_final = true;
		err = take(f, s, &is_drained, e);
		if (err || !is_drained)
			return err;
	}
	return finish(f, s, e);
}

/* Whether the offset alone is worth a transaction: opens and progress are
 * read again after a restart anyway. */
static bool
is_due(const struct flush_series *s)
{
	return (s->new_off & FLUSH_CLOSED) != 0 ||
	       journal_pos_file(s->new_off) != journal_pos_file(s->off);
}

enum err
flush_fill(struct flusher *f, struct error *e)
{
	f->batch = (struct flush_batch){ NULL, 0, 0, false };
	arena_reset(&f->arena);
	for (size_t i = 0; i < f->n_series; i++) {
		struct flush_series *s =
		    &f->series[(f->first + i) % f->n_series];
		enum err err = OK;

		if (f->batch.n >= f->opt.batch_rows)
			break;
		if (!s->is_loaded)
			err = flush_load(f, s, e);
		if (!err && !(s->off & FLUSH_CLOSED))
			err = take_all(f, s, e);
		if (err == ERR_IO) {
			/* Its file can't be read: the others go on. What was
			 * taken before the error counts. */
			if (!s->is_unreadable)
				log_error("journal_unreadable", e);
			s->is_unreadable = true;
			err = OK;
		} else {
			s->is_unreadable = false;
		}
		if (err)
			return err;
		f->batch.is_due = f->batch.is_due ||
				  (s->is_loaded && is_due(s));
	}
	f->batch.is_due = f->batch.is_due || f->batch.n > 0;
	if (f->n_series > 0)
		f->first = (f->first + 1) % f->n_series;
	return OK;
}
