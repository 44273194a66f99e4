/* SPDX-License-Identifier: MIT */
#include "domain/flush_backlog.h"

#include <stdlib.h>
#include <string.h>

#include "domain/flush_priv.h"
#include "store/offset.h"

/* When the request began: the first 48 bits of its id. */
static int64_t
began_ms(const struct uuid7 *id)
{
	int64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | id->b[i];
	return ms;
}

/* When what the record tells of ended; 0: nothing has. */
static int64_t
ended_ms(const struct journal_rec *rec)
{
	struct journal_settle s;
	struct journal_refuse r;

	if (rec->type == JOURNAL_SETTLE &&
	    journal_decode_settle(rec->payload, &s))
		return began_ms(&s.request_id) + s.latency_ms;
	if (rec->type == JOURNAL_REFUSE &&
	    journal_decode_refuse(rec->payload, &r))
		return r.time_ms;
	return 0;
}

/* The ends behind off. They are in order of time, but for moments. */
static enum err
count_ends(struct journal_reader *r, struct flush_backlog *b, struct error *e)
{
	struct journal_rec rec;
	bool is_first = true;
	enum err err = OK;

	while (!err && b->n_waiting < FLUSH_BACKLOG_MAX) {
		int64_t ms = 0;

		err = journal_reader_next(r, false, &rec, e);
		if (!err)
			ms = ended_ms(&rec);
		if (!ms)
			continue;
		b->n_waiting++;
		if (is_first && (b->oldest_ms == 0 || ms < b->oldest_ms))
			b->oldest_ms = ms;
		is_first = false;
	}
	return err;
}

static enum err
look_at(const char *dir, const struct journal_series *id, uint64_t off,
    struct flush_backlog *b, struct error *e)
{
	struct journal_reader *r = NULL;
	enum err err = journal_reader_new(dir, id, off, &r, e);

	if (err)
		return err;
	err = count_ends(r, b, e);
	journal_reader_free(r);
	if (err == ERR_IO && b->n_unreadable++ == 0)
		b->unreadable = *id;
	return err == ERR_IO || err == ERR_NOT_FOUND ? OK : err;
}

enum err
flush_backlog(struct db *db, const char *journal_dir, struct arena *a,
    struct flush_backlog *ret, struct error *e)
{
	struct journal_offset *offsets = NULL;
	struct journal_entry *v = NULL;
	size_t n_offsets = 0, n = 0;
	enum err err;

	*ret = (struct flush_backlog){ 0 };
	/* The files first: what is flushed meanwhile does not wait. */
	err = journal_list(journal_dir, &v, &n, e);
	if (!err)
		err = store_offset_list(db, (struct str){ NULL, 0 }, a,
		    &offsets, &n_offsets, e);
	for (size_t i = 0; i < n && !err; i++) {
		uint64_t off = journal_pos_make(v[i].first_no, 0);

		for (size_t k = 0; k < n_offsets; k++)
			if (memcmp(offsets[k].series, v[i].id.b, 16) == 0 &&
			    offsets[k].off)
				off = offsets[k].off;
		if (v[i].first_no != 0 && !(off & FLUSH_CLOSED))
			err = look_at(journal_dir, &v[i].id, off, ret, e);
	}
	free(v);
	return err;
}
