/* SPDX-License-Identifier: MIT */
#include "journal/writer.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/writer_priv.h"

#define PROGRESS_KEPT 16 /* records of each open request */
/* The next file is made when half of this one is full, or so little left. */
#define NEXT_AT_BYTES MIB(4)

/* A record being made: payload first, frame when its place is known. */
struct draft {
	enum journal_type type;
	size_t payload_bytes;
	size_t n; /* of the whole record */
	_Alignas(8) uint8_t rec[JOURNAL_RECORD_MAX];
};

static uint8_t *
payload_of(struct draft *d)
{
	return d->rec + JOURNAL_FRAME_BYTES;
}

static void
draft_set(struct draft *d, enum journal_type type, size_t payload_bytes)
{
	d->type = type;
	d->payload_bytes = payload_bytes;
	d->n = journal_record_bytes(payload_bytes);
}

/* Make what a failed write may have left into what was there before. */
static void
wipe(struct journal *j, const struct journal_file *f, size_t n)
{
	static const uint8_t zeros[JOURNAL_RECORD_MAX];
	struct error ignored;

	/* A reader skips what can't be wiped, as damage. */
	if (n <= sizeof(zeros) &&
	    journal_pwrite(j->io, f->fd, zeros, n, f->off, &ignored) == OK)
		return;
	j->stats.has_failed = true;
}

/* Frame d and write it at the end of f. */
static enum err
append(struct journal *j, struct journal_file *f, struct draft *d,
    struct error *e)
{
	enum err err;

	(void)journal_frame(d->rec, d->type, d->payload_bytes,
	    f->salt + f->off);
	err = journal_pwrite(j->io, f->fd, d->rec, d->n, f->off, e);
	if (err) {
		wipe(j, f, d->n);
		if (err == ERR_JOURNAL_FAILED)
			j->stats.has_failed = true;
		return err;
	}
	f->off += (uint32_t)d->n;
	j->stats.n_records++;
	j->stats.n_bytes += d->n;
	if (!j->is_dirty) {
		j->is_dirty = true;
		j->dirty_us = clock_mono_us();
		(void)pthread_cond_signal(&j->wake);
	}
	return OK;
}

enum err
journal_write_mark(struct journal *j, struct journal_file *f,
    enum journal_type type, struct error *e)
{
	struct draft d;

	draft_set(&d, type, 0);
	return append(j, f, &d, e);
}

/* Room in the current file for n bytes, with what ends a file behind. */
static bool
fits(const struct journal *j, size_t n)
{
	return j->cur.fd >= 0 &&
	       (uint64_t)j->cur.off + n + JOURNAL_MARK_BYTES <=
		   j->opt.file_bytes;
}

/* What the settles of n open requests take at most. */
static size_t
settles_bytes(size_t n)
{
	return n * JOURNAL_RECORD_MAX;
}

/* What is kept for n requests when another is let in: their settles and some
 * seconds of progress, so that a disk that is slow to make a file refuses
 * requests before it cuts streams. */
static size_t
admission_bytes(size_t n)
{
	return settles_bytes(n) + n * PROGRESS_KEPT * JOURNAL_PROGRESS_MAX;
}

/* Whether the next file should be made now. */
static bool
is_next_due(const struct journal *j)
{
	uint64_t left = j->opt.file_bytes - j->cur.off;

	return left < j->opt.file_bytes / 2 || left < NEXT_AT_BYTES;
}

/* Add one record to the carry buffer. */
static void
carry_add(struct journal *j, const struct draft *src, size_t *off)
{
	uint8_t *rec = j->carry + *off;

	ASSERT(*off + src->n <= j->carry_cap);
	memcpy(rec, src->rec, JOURNAL_FRAME_BYTES + src->payload_bytes);
	*off += journal_frame(rec, src->type, src->payload_bytes,
	    j->next.salt + j->next.off + *off);
}

/* Write all that is open into the next file, in one write. */
static enum err
carry_over(struct journal *j, struct error *e)
{
	size_t n = 0;
	enum err err;

	for (uint32_t i = 0; i < j->opt.open_max; i++) {
		const struct journal_slot *slot = &j->slots[i];
		struct draft d;

		if (!slot->is_used)
			continue;
		memcpy(payload_of(&d), slot->open, slot->open_bytes);
		draft_set(&d, JOURNAL_OPEN, slot->open_bytes);
		carry_add(j, &d, &n);
		if (!slot->has_progress)
			continue;
		draft_set(&d, JOURNAL_PROGRESS,
		    journal_encode_progress(&slot->progress, payload_of(&d)));
		carry_add(j, &d, &n);
	}
	err = journal_pwrite(j->io, j->next.fd, j->carry, n, j->next.off, e);
	if (!err)
		j->next.off += (uint32_t)n;
	return err;
}

/*
 * Forget a next file into which a write failed: what is left in it must
 * never be read behind other records.
 */
static void
drop_next(struct journal *j)
{
	char path[JOURNAL_PATH_BYTES];

	journal_file_path(path, j->dir, &j->series, j->next.no);
	if (unlink(path) != 0)
		j->stats.has_failed = true;
	(void)close(j->next.fd); /* not needed any more */
	j->next.fd = -1;
}

void
journal_begin_first(struct journal *j)
{
	if (j->cur.fd >= 0 || j->next.fd < 0)
		return;
	j->cur = j->next;
	j->next.fd = -1;
	j->stats.n_files++;
}

/* Whether the current file may be left for the next one now. */
static bool
can_rotate(const struct journal *j)
{
	return j->cur.fd >= 0 && j->next.fd >= 0 && j->n_old < JOURNAL_OLD_MAX;
}

/*
 * Go on in the next file. What is open is in there before the mark leads a
 * reader to it.
 */
static enum err
rotate(struct journal *j, struct error *e)
{
	enum err err = carry_over(j, e);

	if (!err)
		err = journal_write_mark(j, &j->cur, JOURNAL_ROTATE, e);
	if (err) {
		drop_next(j);
		return err;
	}
	j->old_fds[j->n_old++] = j->cur.fd;
	j->cur = j->next;
	j->next.fd = -1;
	j->stats.n_files++;
	return OK;
}

void
journal_want_next(struct journal *j)
{
	if (j->next.fd >= 0 || j->wants_next)
		return;
	j->wants_next = true;
	(void)pthread_cond_signal(&j->wake);
}

/*
 * Write d, keeping reserved bytes free behind it. When a next file stands
 * ready it guarantees the reserve, for each file holds all that can be open.
 */
static enum err
place(struct journal *j, struct draft *d, size_t reserved, struct error *e)
{
	enum err err;

	journal_begin_first(j);
	if (j->next.fd < 0 && is_next_due(j))
		journal_want_next(j);
	if (!can_rotate(j)) {
		if (!fits(j, d->n + reserved)) {
			journal_want_next(j);
			j->stats.n_full++;
			return error_set(e, ERR_JOURNAL_FULL,
			    "journal: no room until the next file is made");
		}
	} else if (!fits(j, d->n)) {
		err = rotate(j, e);
		if (err)
			return err;
	}
	return append(j, &j->cur, d, e);
}

static enum err
check_failed(const struct journal *j, struct error *e)
{
	if (j->stats.has_failed)
		return error_set(e, ERR_JOURNAL_FAILED,
		    "journal: the disk failed earlier");
	return OK;
}

/* Fill the free slot at the head of the list. */
static uint32_t
slot_take(struct journal *j, const struct draft *d)
{
	uint32_t i = j->free_slot;
	struct journal_slot *slot = &j->slots[i];

	j->free_slot = slot->next_free;
	slot->is_used = true;
	slot->has_progress = false;
	slot->open_bytes = d->payload_bytes;
	memcpy(slot->open, d->rec + JOURNAL_FRAME_BYTES, d->payload_bytes);
	j->stats.n_open++;
	return i;
}

static void
slot_free(struct journal *j, uint32_t i)
{
	j->slots[i].is_used = false;
	j->slots[i].next_free = j->free_slot;
	j->free_slot = i;
	j->stats.n_open--;
}

static enum err
open_locked(struct journal *j, struct draft *d, uint32_t *ret_slot,
    struct error *e)
{
	enum err err = check_failed(j, e);

	if (err)
		return err;
	if (j->free_slot == j->opt.open_max) {
		j->stats.n_full++;
		return error_set(e, ERR_JOURNAL_FULL,
		    "journal: %u requests are open already", j->stats.n_open);
	}
	err = place(j, d, admission_bytes((size_t)j->stats.n_open + 1), e);
	if (err)
		return err;
	*ret_slot = slot_take(j, d);
	return OK;
}

enum err
journal_write_open(struct journal *j, const struct journal_open *o,
    uint32_t *ret_slot, struct error *e)
{
	struct draft d;
	enum err err;

	draft_set(&d, JOURNAL_OPEN, journal_encode_open(o, payload_of(&d)));
	(void)pthread_mutex_lock(&j->mutex);
	err = open_locked(j, &d, ret_slot, e);
	(void)pthread_mutex_unlock(&j->mutex);
	return err;
}

enum err
journal_write_progress(struct journal *j, uint32_t slot,
    const struct journal_progress *p, struct error *e)
{
	struct draft d;
	enum err err;

	draft_set(&d, JOURNAL_PROGRESS,
	    journal_encode_progress(p, payload_of(&d)));
	(void)pthread_mutex_lock(&j->mutex);
	ASSERT(slot < j->opt.open_max && j->slots[slot].is_used);
	err = check_failed(j, e);
	if (!err)
		err = place(j, &d, settles_bytes(j->stats.n_open), e);
	if (!err) {
		j->slots[slot].has_progress = true;
		j->slots[slot].progress = *p;
	}
	(void)pthread_mutex_unlock(&j->mutex);
	return err;
}

enum err
journal_write_settle(struct journal *j, uint32_t slot,
    const struct journal_settle *s, struct error *e)
{
	struct draft d;
	enum err err;

	draft_set(&d, JOURNAL_SETTLE, journal_encode_settle(s, payload_of(&d)));
	(void)pthread_mutex_lock(&j->mutex);
	ASSERT(slot < j->opt.open_max && j->slots[slot].is_used);
	/* Its room was reserved; tried even when the disk failed before. */
	err = place(j, &d, settles_bytes(j->stats.n_open - 1), e);
	if (!err)
		slot_free(j, slot);
	(void)pthread_mutex_unlock(&j->mutex);
	if (err)
		e->code = ERR_JOURNAL_FAILED;
	return err ? ERR_JOURNAL_FAILED : OK;
}

enum err
journal_write_refuse(struct journal *j, const struct journal_refuse *r,
    struct error *e)
{
	struct draft d;
	enum err err;

	draft_set(&d, JOURNAL_REFUSE, journal_encode_refuse(r, payload_of(&d)));
	(void)pthread_mutex_lock(&j->mutex);
	err = check_failed(j, e);
	if (!err)
		err = place(j, &d, admission_bytes(j->stats.n_open), e);
	(void)pthread_mutex_unlock(&j->mutex);
	return err;
}

bool
journal_has_room(struct journal *j)
{
	size_t need;
	bool has_room;

	(void)pthread_mutex_lock(&j->mutex);
	journal_begin_first(j);
	need = JOURNAL_RECORD_MAX +
	       admission_bytes((size_t)j->stats.n_open + 1);
	has_room = !j->stats.has_failed && (can_rotate(j) || fits(j, need));
	if (!has_room)
		journal_want_next(j);
	(void)pthread_mutex_unlock(&j->mutex);
	return has_room;
}

void
journal_stats(struct journal *j, struct journal_stats *ret)
{
	(void)pthread_mutex_lock(&j->mutex);
	*ret = j->stats;
	(void)pthread_mutex_unlock(&j->mutex);
}

const struct journal_series *
journal_id(const struct journal *j)
{
	return &j->series;
}
