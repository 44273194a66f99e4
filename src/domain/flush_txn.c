/* SPDX-License-Identifier: MIT */
/* Items to the database: one transaction a batch. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/money.h"
#include "domain/budget_move.h"
#include "domain/flush_priv.h"
#include "store/idempotency.h"
#include "store/key.h"
#include "store/ledger.h"
#include "store/offset.h"
#include "store/refusal.h"
#include "store/rejected.h"
#include "store/rollup.h"

#define CAUSE_BYTES 32 /* series, new offset, customer id */

/* One run of the transaction over items[0..n). */
struct txn {
	struct flusher *f;
	struct flush_item *items;
	size_t n;
	bool is_probe;       /* roll back in the end; offsets stay */
	bool is_offset_lost; /* the compare-and-set failed */
	/* By kind, made of the items; in the arena. */
	struct usage_row *rows;
	size_t n_rows;
	struct usage_refusal *refusals;
	size_t n_refusals;
};

static enum err
move_offsets(struct txn *t, struct db *db, struct error *e)
{
	for (size_t i = 0; i < t->f->n_series; i++) {
		const struct flush_series *s = &t->f->series[i];
		enum err err;

		if (!s->is_loaded || s->new_off == s->off)
			continue;
		err = store_offset_move(db, s->files.id.b, s->off, s->new_off,
		    (s->new_off & FLUSH_CLOSED) != 0, e);
		if (err) {
			t->is_offset_lost = err == ERR_CONFLICT;
			return err;
		}
	}
	return OK;
}

static void
copy_rows(struct txn *t, bool is_usual)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->items[i].kind == FLUSH_ROW &&
		    usage_row_is_usual(&t->items[i].row) == is_usual)
			t->rows[t->n_rows++] = t->items[i].row;
}

/* Copy the rows, the usual ones first, and the refusals summed up by key, in
 * key order. */
static enum err
sort_items(struct txn *t, struct error *e)
{
	struct arena *a = &t->f->arena;
	size_t n = 0;

	t->n_rows = t->n_refusals = 0;
	t->rows = arena_array(a, struct usage_row, t->n);
	t->refusals = arena_array(a, struct usage_refusal, t->n);
	if (!t->rows || !t->refusals)
		return error_arena(e, a);
	copy_rows(t, true);
	copy_rows(t, false);
	for (size_t i = 0; i < t->n; i++)
		if (t->items[i].kind == FLUSH_REFUSAL)
			t->refusals[n++] = t->items[i].refusal;
	if (n == 0)
		return OK;
	qsort(t->refusals, n, sizeof(*t->refusals), usage_refusal_compare);
	t->n_refusals = 1;
	for (size_t i = 1; i < n; i++) {
		struct usage_refusal *last = &t->refusals[t->n_refusals - 1];

		if (usage_refusal_compare(last, &t->refusals[i]) == 0)
			last->refusals += t->refusals[i].refusals;
		else
			t->refusals[t->n_refusals++] = t->refusals[i];
	}
	return OK;
}

static int
compare_customers(const void *a, const void *b)
{
	const struct ledger_usage *x = a, *y = b;

	return (x->customer_id > y->customer_id) -
	       (x->customer_id < y->customer_id);
}

/*
 * The cause of a customer's transfer: this series reached that offset. Any
 * series of the batch will do, for its offset moves there but once.
 */
static struct str
cause_of(struct txn *t, uint64_t customer_id)
{
	const struct flush_series *s = t->items[0].series;
	uint8_t *p = arena_alloc(&t->f->arena, CAUSE_BYTES);

	if (!p)
		return (struct str){ NULL, 0 };
	memcpy(p, s->files.id.b, sizeof(s->files.id.b));
	for (unsigned i = 0; i < 8; i++) {
		p[16 + i] = (uint8_t)(s->new_off >> (56 - 8 * i));
		p[24 + i] = (uint8_t)(customer_id >> (56 - 8 * i));
	}
	return str_make((const char *)p, CAUSE_BYTES);
}

/* One post a customer; rows without a cost make none. */
static enum err
sum_customers(struct txn *t, struct ledger_usage *posts, size_t *ret_n,
    struct error *e)
{
	size_t n = 0, n_out = 0;

	for (size_t i = 0; i < t->n_rows; i++) {
		if (t->rows[i].cost_pusd == DB_MONEY_NULL)
			continue;
		posts[n].customer_id = t->rows[i].customer_id;
		posts[n++].amount_pusd = t->rows[i].cost_pusd;
	}
	qsort(posts, n, sizeof(*posts), compare_customers);
	for (size_t i = 0; i < n; i++) {
		struct ledger_usage *last = &posts[n_out ? n_out - 1 : 0];
		enum err err;

		if (n_out == 0 || last->customer_id != posts[i].customer_id) {
			posts[n_out++] = posts[i];
			continue;
		}
		err = money_add(last->amount_pusd, posts[i].amount_pusd,
		    &last->amount_pusd, e);
		if (err)
			return err;
	}
	*ret_n = n_out;
	return OK;
}

static enum err
post_ledger(struct txn *t, struct db *db, struct error *e)
{
	struct arena *a = &t->f->arena;
	struct ledger_usage *posts = arena_array(a, struct ledger_usage,
	    t->n_rows);
	size_t n = 0;
	enum err err;

	if (!posts)
		return error_arena(e, a);
	err = sum_customers(t, posts, &n, e);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		posts[i].cause = cause_of(t, posts[i].customer_id);
		if (!posts[i].cause.p)
			return error_arena(e, a);
	}
	return n > 0 ? store_ledger_usage(db, posts, n, a, e) : OK;
}

/* What the rows cost, in the budgets that they count for; then, of series that
 * end here, what they still hold. */
static enum err
move_budgets(struct txn *t, struct db *db, struct error *e)
{
	struct budget_event *v = arena_array(&t->f->arena, struct budget_event,
	    t->n_rows);
	size_t n = 0;

	if (!v)
		return error_arena(e, &t->f->arena);
	for (size_t i = 0; i < t->n; i++) {
		const struct flush_item *item = &t->items[i];
		const struct usage_row *row = &item->row;
		struct budget_event *ev = &v[n];

		if (item->kind != FLUSH_ROW ||
		    row->cost_pusd == DB_MONEY_NULL || row->cost_pusd == 0)
			continue;
		*ev = (struct budget_event){
			.customer_id = row->customer_id,
			.project_id = row->project_id,
			.api_key_id = row->api_key_id,
			.time_ms = row->request_timestamp_ms,
			.change_pusd = row->cost_pusd,
			.series = item->series->files.id.b,
			.draw_pusd = row->cost_pusd < item->hold_pusd
					 ? row->cost_pusd
					 : item->hold_pusd,
			.n_held = item->n_budgets,
		};
		memcpy(ev->held, item->budget_id, sizeof(ev->held));
		n++;
	}
	return n ? budget_move(db, v, n, &t->f->arena, e) : OK;
}

static enum err
end_leases(struct txn *t, struct db *db, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < t->f->n_series && !err; i++) {
		const struct flush_series *s = &t->f->series[i];

		if (s->is_loaded && s->new_off != s->off &&
		    (s->new_off & FLUSH_CLOSED) != 0)
			err = store_budget_end_series(db, s->files.id.b, NULL,
			    e);
	}
	return err;
}

static enum err
set_aside(struct txn *t, struct db *db, struct error *e)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct flush_item *item = &t->items[i];
		struct usage_rejected r;
		enum err err;

		if (item->kind != FLUSH_REJECT)
			continue;
		r = (struct usage_rejected){ .off = item->pos,
			.error = item->why,
			.record = item->record };
		memcpy(r.series, item->series->files.id.b, sizeof(r.series));
		err = store_rejected_insert(db, &r, e);
		if (err)
			return err;
	}
	return OK;
}

static enum err
write_all(struct txn *t, struct db *db, struct error *e)
{
	enum err err = sort_items(t, e);

	if (!err && !t->is_probe)
		err = move_offsets(t, db, e);
	if (!err && t->n_rows > 0)
		err = store_usage_insert(db, t->rows, t->n_rows, e);
	if (!err && t->n_rows > 0)
		err = store_rollup_usage(db, t->rows, t->n_rows, &t->f->arena,
		    e);
	if (!err && t->n_refusals > 0)
		err = store_refusal_add(db, t->refusals, t->n_refusals,
		    &t->f->arena, e);
	if (!err && t->n_rows > 0)
		err = post_ledger(t, db, e);
	if (!err && t->n_rows > 0)
		err = move_budgets(t, db, e);
	if (!err && !t->is_probe)
		err = end_leases(t, db, e);
	if (!err)
		err = set_aside(t, db, e);
	return err;
}

/* db_txn_fn: may run several times. */
static enum err
run(struct db *db, void *arg, struct error *e)
{
	struct txn *t = arg;
	struct arena_mark mark = arena_mark(&t->f->arena);
	enum err err;

	t->is_offset_lost = false;
	err = write_all(t, db, e);
	arena_rewind(&t->f->arena, mark);
	if (!err && t->is_probe) /* rolls back; probe() knows */
		return error_set(e, ERR_SHUTTING_DOWN, "flusher: a probe");
	return err;
}

/* After so many of them in a row an error that is not known is believed to
 * be a record's fault. */
#define QUERY_ERRORS_MAX 20

/* Whether the same items would fail again, whatever the time. */
static bool
is_permanent(const struct flusher *f, enum err err)
{
	return err == ERR_BAD_PARAM || err == ERR_CONFLICT ||
	       err == ERR_MONEY_RANGE || err == ERR_CORRUPT ||
	       (err == ERR_DB_QUERY && f->n_query_errors > QUERY_ERRORS_MAX);
}

static void
mark_rejected(struct flusher *f, struct flush_item *item, const struct error *e)
{
	item->kind = FLUSH_REJECT;
	item->why = arena_strdup(&f->arena, str_from(e->internal));
	if (!item->why.p)
		item->why = S("no memory for the reason");
}

/*
 * Find the items among [from, from + n) that can't be written, by halves, in
 * transactions that are rolled back. Depth is bounded by log2 of the batch.
 */
static enum err
probe(struct flusher *f, size_t from, size_t n, size_t *ret_n_bad,
    struct error *e)
{
	struct txn t = { .f = f,
		.items = f->batch.items + from,
		.n = n,
		.is_probe = true };
	enum err err = db_txn(f->db, run, &t, e);

	if (err == ERR_SHUTTING_DOWN)
		return OK;
	if (!is_permanent(f, err))
		return err;
	if (n == 1) {
		mark_rejected(f, &f->batch.items[from], e);
		++*ret_n_bad;
		return OK;
	}
	err = probe(f, from, n / 2, ret_n_bad, e);
	return err ? err : probe(f, from + n / 2, n - n / 2, ret_n_bad, e);
}

/* Somebody has to look at what was set aside. */
static void
log_rejects(const struct flusher *f)
{
	for (size_t i = 0; i < f->batch.n; i++) {
		const struct flush_item *item = &f->batch.items[i];
		char id[JOURNAL_SERIES_TEXT_BYTES];

		if (item->kind != FLUSH_REJECT)
			continue;
		journal_series_format(&item->series->files.id, id);
		log_event(LOG_LEVEL_ERROR, "usage_rejected",
		    "series %s file %u offset %u: %" PRI_STR, id,
		    journal_pos_file(item->pos), journal_pos_offset(item->pos),
		    STR_ARG(item->why));
	}
}

static int
compare_uses(const void *a, const void *b)
{
	const struct key_use *x = a, *y = b;

	return (x->api_key_id > y->api_key_id) -
	       (x->api_key_id < y->api_key_id);
}

/*
 * When each key of the batch was last used. Outside the transaction, since
 * usage must not depend on it: a restored database may lack a key.
 */
static void
touch_keys(struct flusher *f)
{
	struct key_use *uses = arena_array(&f->arena, struct key_use,
	    f->batch.n);
	struct error e;
	size_t n = 0, n_out = 0;

	for (size_t i = 0; uses && i < f->batch.n; i++) {
		const struct flush_item *item = &f->batch.items[i];

		if (item->kind == FLUSH_ROW)
			uses[n++] = (struct key_use){ item->row.api_key_id,
				item->row.request_timestamp_ms };
	}
	if (n == 0)
		return;
	qsort(uses, n, sizeof(*uses), compare_uses);
	for (size_t i = 0; i < n; i++) {
		struct key_use *last = &uses[n_out ? n_out - 1 : 0];

		if (n_out == 0 || last->api_key_id != uses[i].api_key_id)
			uses[n_out++] = uses[i];
		else if (last->last_used_at_ms < uses[i].last_used_at_ms)
			last->last_used_at_ms = uses[i].last_used_at_ms;
	}
	if (store_key_touch(f->db, uses, n_out, &e) != OK)
		log_event(LOG_LEVEL_DEBUG, "key_touch", "%s", e.internal);
}

/*
 * The Idempotency-Keys of requests whose worker is gone: who tries again need
 * not wait for their deadline. Outside the transaction, as above.
 */
static void
release_claims(struct flusher *f)
{
	struct error e;

	for (size_t i = 0; i < f->batch.n; i++) {
		const struct flush_item *item = &f->batch.items[i];

		if (item->kind == FLUSH_ROW && item->is_interrupted &&
		    store_idempotency_release(f->db, item->row.customer_id,
			&item->row.request_id, &e) != OK)
			log_event(LOG_LEVEL_DEBUG, "claim_release", "%s",
			    e.internal);
	}
}

/* The transaction is in: now it is true of what we remember, too. */
static void
committed(struct flusher *f)
{
	struct flush_stats *st = &f->stats;

	log_rejects(f);
	touch_keys(f);
	release_claims(f);
	(void)pthread_mutex_lock(&f->mutex);
	st->n_txns++;
	for (size_t i = 0; i < f->batch.n; i++) {
		const struct flush_item *item = &f->batch.items[i];

		st->n_rows += item->kind == FLUSH_ROW;
		st->n_interrupted += item->kind == FLUSH_ROW &&
				     item->is_interrupted;
		st->n_refusals += item->kind == FLUSH_REFUSAL;
		st->n_rejected += item->kind == FLUSH_REJECT;
	}
	(void)pthread_mutex_unlock(&f->mutex);
	for (size_t i = 0; i < f->batch.n; i++) {
		struct flush_item *item = &f->batch.items[i];

		if (item->open)
			open_set_remove(&item->series->open, item->open);
	}
	for (size_t i = 0; i < f->n_series; i++) {
		struct flush_series *s = &f->series[i];

		if (s->is_loaded)
			s->off = s->new_off;
	}
}

/* A record is set aside only when it was refused for so long: the database
 * may be in the middle of being restored or migrated. */
#define PATIENCE_MS   30000
/* The next bad ones within this time are not waited for again. */
#define IMPATIENCE_MS 600000

static bool
is_too_soon(struct flusher *f)
{
	int64_t now_ms = clock_mono_ms();

	if (f->opt.is_impatient ||
	    (f->rejected_ms != 0 && now_ms - f->rejected_ms < IMPATIENCE_MS))
		return false;
	if (f->refused_ms == 0)
		f->refused_ms = now_ms;
	return now_ms - f->refused_ms < PATIENCE_MS;
}

enum err
flush_commit(struct flusher *f, struct error *e)
{
	struct txn t = { .f = f, .items = f->batch.items, .n = f->batch.n };
	size_t n_bad = 0;
	enum err err = db_txn(f->db, run, &t, e);

	f->n_query_errors += err == ERR_DB_QUERY;
	if (is_permanent(f, err) && !t.is_offset_lost && t.n > 0) {
		bool is_known = err != ERR_DB_QUERY;
		struct error why = *e;

		if (is_too_soon(f))
			return error_prefix(e, "looked at again later");
		error_prefix(&why, "a batch of %zu records", t.n);
		log_error("flush_batch", &why);
		err = probe(f, 0, t.n, &n_bad, e);
		/* If nothing at all can be written, it's not the records. */
		if (!err && !is_known && n_bad == t.n) {
			*e = why;
			return ERR_DB_QUERY;
		}
		if (!err)
			err = db_txn(f->db, run, &t, e);
		f->rejected_ms = clock_mono_ms();
	}
	if (err)
		return err;
	f->refused_ms = 0;
	committed(f);
	return OK;
}
