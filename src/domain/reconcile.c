/* SPDX-License-Identifier: MIT */
#include "domain/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "domain/flush_priv.h"
#include "domain/open_set.h"
#include "journal/reader.h"
#include "store/closing.h"
#include "store/offset.h"
#include "store/rejected.h"
#include "store/usage.h"

const char *const reconcile_fault_names[RECONCILE_FAULT__MAX] = {
	[RECONCILE_NO_ROW] = "no usage row",
	[RECONCILE_TWO_ROWS] = "more than one usage row",
	[RECONCILE_NO_OPEN] = "a settle without its open",
	[RECONCILE_UNREADABLE] = "a record that can't be read",
	[RECONCILE_NO_SERIES] = "a series that can't be read",
};

#define REJECTED_MAX 100000

/* A request that must have exactly one row. */
struct expected {
	struct uuid7 id;
	journal_pos pos;
};

/* One comparison of all journals, inside one snapshot. */
struct check {
	struct db *db;
	const char *journal_dir;
	struct arena *a;
	struct reconcile *ret;
	struct journal_offset *offsets;
	size_t n_offsets;
	struct usage_rejected *rejected; /* read when first needed */
	size_t n_rejected;
	bool has_rejected;
	int64_t closed_ms; /* rows of before are pruned; 0: none are */
	/* The series being read. */
	const struct journal_entry *files;
	struct open_set open;
	struct expected expected[USAGE_COUNT_MAX];
	size_t n_expected;
};

static void
fault(struct check *c, enum reconcile_fault what, journal_pos pos,
    const struct uuid7 *id, uint64_t n_rows)
{
	struct reconcile *r = c->ret;
	struct reconcile_request *x;

	r->n_faults++;
	if (r->n_listed == RECONCILE_LISTED_MAX)
		return;
	x = &r->faults[r->n_listed++];
	*x = (struct reconcile_request){ .fault = what,
		.series = c->files->id,
		.pos = pos,
		.n_rows = n_rows };
	if (id)
		x->request_id = *id;
}

/* Whether the record was set aside: then it has no row, and is counted
 * among the rejected ones. */
static enum err
is_rejected(struct check *c, journal_pos pos, bool *ret, struct error *e)
{
	*ret = false;
	if (!c->has_rejected) {
		enum err err = store_rejected_list(c->db, REJECTED_MAX, c->a,
		    &c->rejected, &c->n_rejected, e);

		if (err)
			return err;
		c->has_rejected = true;
	}
	for (size_t i = 0; i < c->n_rejected && !*ret; i++)
		*ret = c->rejected[i].off == pos &&
		       memcmp(c->rejected[i].series, c->files->id.b, 16) == 0;
	return OK;
}

/* Compare what was collected with the table. */
static enum err
compare(struct check *c, struct error *e)
{
	struct uuid7 ids[USAGE_COUNT_MAX];
	uint64_t counts[USAGE_COUNT_MAX];
	struct arena_mark mark = arena_mark(c->a);
	size_t n = c->n_expected;
	enum err err;

	for (size_t i = 0; i < n; i++)
		ids[i] = c->expected[i].id;
	err = store_usage_count(c->db, ids, n, c->a, counts, e);
	arena_rewind(c->a, mark);
	for (size_t i = 0; i < n && !err; i++) {
		const struct expected *x = &c->expected[i];
		bool is_aside = false;

		if (counts[i] == 1)
			continue;
		err = is_rejected(c, x->pos, &is_aside, e);
		if (err || (counts[i] == 0 && is_aside))
			continue;
		/* A file that was flushed late outlives its month. */
		if (counts[i] == 0 && uuid7_time_ms(&x->id) < c->closed_ms)
			continue;
		fault(c, counts[i] == 0 ? RECONCILE_NO_ROW : RECONCILE_TWO_ROWS,
		    x->pos, &x->id, counts[i]);
	}
	c->ret->n_journaled += n;
	c->n_expected = 0;
	return err;
}

static enum err
expect(struct check *c, const struct uuid7 *id, journal_pos pos,
    struct error *e)
{
	c->expected[c->n_expected].id = *id;
	c->expected[c->n_expected++].pos = pos;
	return c->n_expected == USAGE_COUNT_MAX ? compare(c, e) : OK;
}

static enum err
read_settle(struct check *c, const struct journal_rec *rec, uint64_t off,
    struct error *e)
{
	struct journal_settle s;
	struct open_entry *entry;
	bool is_aside = false;
	enum err err = OK;

	if (!journal_decode_settle(rec->payload, &s)) {
		fault(c, RECONCILE_UNREADABLE, rec->pos, NULL, 0);
		return OK;
	}
	if (rec->pos >= off) {
		c->ret->n_pending++;
		return OK;
	}
	entry = open_set_find(&c->open, &s.request_id);
	if (entry) {
		open_set_remove(&c->open, entry);
		if (s.refuse_reason.n == 0)
			err = expect(c, &s.request_id, rec->pos, e);
		return err;
	}
	err = is_rejected(c, rec->pos, &is_aside, e);
	if (!err && !is_aside)
		fault(c, RECONCILE_NO_OPEN, rec->pos, &s.request_id, 0);
	return err;
}

static enum err
read_record(struct check *c, const struct journal_rec *rec, uint64_t off,
    struct error *e)
{
	struct journal_open o;

	if (rec->type == JOURNAL_SETTLE)
		return read_settle(c, rec, off, e);
	if (rec->type != JOURNAL_OPEN || rec->pos >= off)
		return OK;
	if (journal_decode_open(rec->payload, &o))
		return open_set_add(&c->open, &o.request_id, rec->payload,
		    rec->pos, e);
	fault(c, RECONCILE_UNREADABLE, rec->pos, NULL, 0);
	return OK;
}

/* Of a closed series: what was still open has an interrupted row. */
static enum err
expect_open(const struct open_entry *entry, void *arg, struct error *e)
{
	return expect(arg, &entry->id, entry->pos, e);
}

static enum err
read_series(struct check *c, struct journal_reader *r, uint64_t off,
    struct error *e)
{
	struct journal_rec rec;
	bool is_closed = (off & FLUSH_CLOSED) != 0;
	enum err err;

	for (;;) {
		err = journal_reader_next(r, is_closed, &rec, e);
		if (err == ERR_NOT_FOUND)
			break;
		if (err == ERR_IO) {
			fault(c, RECONCILE_NO_SERIES, journal_reader_pos(r),
			    NULL, 0);
			is_closed = false; /* what is open is not known */
			break;
		}
		if (!err)
			err = read_record(c, &rec, off, e);
		if (err)
			return err;
	}
	err = OK;
	if (is_closed)
		err = open_set_each(&c->open, expect_open, c, e);
	if (!err && c->n_expected > 0)
		err = compare(c, e);
	c->ret->n_damaged += journal_reader_damage(r)->n_corrupt +
			     journal_reader_damage(r)->n_missing;
	return err;
}

static uint64_t
offset_of(const struct check *c, const struct journal_series *id)
{
	for (size_t i = 0; i < c->n_offsets; i++) {
		if (memcmp(c->offsets[i].series, id->b, sizeof(id->b)) == 0)
			return c->offsets[i].off;
	}
	return 0;
}

static enum err
check_series(struct check *c, const struct journal_entry *files,
    struct error *e)
{
	struct journal_reader *r = NULL;
	enum err err;

	if (files->first_no == 0)
		return OK;
	c->files = files;
	c->n_expected = 0;
	open_set_init(&c->open);
	err = journal_reader_new(c->journal_dir, &files->id,
	    journal_pos_make(files->first_no, 0), &r, e);
	if (!err)
		err = read_series(c, r, offset_of(c, &files->id), e);
	open_set_fini(&c->open);
	journal_reader_free(r);
	c->ret->n_series++;
	return err;
}

static bool
is_local(const struct journal_entry *v, size_t n, const uint8_t series[16])
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].first_no != 0 && memcmp(v[i].id.b, series, 16) == 0)
			return true;
	}
	return false;
}

/* Series that are not finished and whose files are not here. */
static enum err
list_unchecked(struct check *c, const struct journal_entry *v, size_t n,
    struct error *e)
{
	struct reconcile *r = c->ret;

	r->unchecked = arena_array(c->a, struct reconcile_series,
	    RECONCILE_LISTED_MAX);
	if (!r->unchecked)
		return error_arena(e, c->a);
	for (size_t i = 0; i < c->n_offsets; i++) {
		const struct journal_offset *o = &c->offsets[i];

		if ((o->off & FLUSH_CLOSED) != 0 || is_local(v, n, o->series))
			continue;
		if (r->n_unchecked < RECONCILE_LISTED_MAX) {
			struct reconcile_series *x =
			    &r->unchecked[r->n_unchecked];

			memcpy(x->id.b, o->series, sizeof(x->id.b));
			x->host = o->host;
		}
		r->n_unchecked++;
	}
	return OK;
}

/* db_txn_fn: everything about journals that reads the database. */
static enum err
check_journals(struct db *db, void *arg, struct error *e)
{
	struct check *c = arg;
	struct journal_entry *v = NULL;
	size_t n = 0;
	enum err err;

	(void)db; /* the same as c->db */
	err = store_offset_list(c->db, (struct str){ NULL, 0 }, c->a,
	    &c->offsets, &c->n_offsets, e);
	if (!err)
		err = store_closing_end(c->db, c->a, &c->closed_ms, e);
	if (!err)
		err = journal_list(c->journal_dir, &v, &n, e);
	for (size_t i = 0; i < n && !err; i++)
		err = check_series(c, &v[i], e);
	if (!err)
		err = list_unchecked(c, v, n, e);
	free(v);
	return err;
}

enum err
reconcile_run(struct db *db, const char *journal_dir, struct arena *a,
    struct reconcile *ret, struct error *e)
{
	struct check *c;
	enum err err;

	memset(ret, 0, sizeof(*ret));
	err = store_reconcile(db, a, &ret->books, e);
	if (err || !journal_dir)
		return err;
	ret->faults = arena_array(a, struct reconcile_request,
	    RECONCILE_LISTED_MAX);
	c = arena_new(a, struct check);
	if (!ret->faults || !c)
		return error_arena(e, a);
	c->db = db;
	c->journal_dir = journal_dir;
	c->a = a;
	c->ret = ret;
	return db_snapshot(db, check_journals, c, e);
}

bool
reconcile_is_clean(const struct reconcile *r)
{
	return r->books.n_diffs == 0 && r->n_faults == 0 && r->n_damaged == 0;
}
