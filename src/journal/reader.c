/* SPDX-License-Identifier: MIT */
#include "journal/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/file.h"

#define WINDOW_BYTES KIB(64)

struct journal_reader {
	char dir[JOURNAL_PATH_BYTES];
	struct journal_series series;
	int fd; /* of file_no; -1: not open */
	uint32_t file_no;
	uint32_t off;
	uint64_t salt;
	bool is_started; /* a file was opened before */
	struct journal_damage damage;
	uint32_t win_off; /* what of the file is in win */
	size_t win_n;
	uint8_t win[WINDOW_BYTES];
};

static void
seek_to(struct journal_reader *r, journal_pos pos)
{
	r->file_no = journal_pos_file(pos);
	r->off = journal_pos_offset(pos) & ~7u;
	if (r->off < JOURNAL_HEADER_BYTES)
		r->off = JOURNAL_HEADER_BYTES;
	r->win_n = 0;
	if (r->fd >= 0)
		(void)close(r->fd); /* was only read */
	r->fd = -1;
}

enum err
journal_reader_new(const char *dir, const struct journal_series *s,
    journal_pos pos, struct journal_reader **ret, struct error *e)
{
	struct journal_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return error_set(e, ERR_NO_MEMORY, "journal: no memory");
	(void)snprintf(r->dir, sizeof(r->dir), "%s", dir);
	r->series = *s;
	r->fd = -1;
	seek_to(r, pos);
	*ret = r;
	return OK;
}

void
journal_reader_free(struct journal_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		(void)close(r->fd);
	free(r);
}

journal_pos
journal_reader_pos(const struct journal_reader *r)
{
	return journal_pos_make(r->file_no, r->off);
}

const struct journal_damage *
journal_reader_damage(const struct journal_reader *r)
{
	return &r->damage;
}

static enum err
nothing_more(struct error *e)
{
	return error_set(e, ERR_NOT_FOUND, "journal: nothing more");
}

/* Fill the window from off on, reading the file anew. */
static enum err
load(struct journal_reader *r, uint32_t off, struct error *e)
{
	r->win_off = off;
	r->win_n = 0;
	while (r->win_n < WINDOW_BYTES) {
		ssize_t n = pread(r->fd, r->win + r->win_n,
		    WINDOW_BYTES - r->win_n, (off_t)(off + r->win_n));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(e, ERR_IO,
			    "journal: read of file %u: errno %d", r->file_no,
			    errno);
		if (n == 0)
			break;
		r->win_n += (size_t)n;
	}
	return OK;
}

/* What the window has from off on; loads when less than need is there. */
static enum err
view(struct journal_reader *r, uint32_t off, size_t need, struct str *ret,
    struct error *e)
{
	size_t skip;

	if (off < r->win_off || off + need > r->win_off + r->win_n) {
		enum err err = load(r, off, e);

		if (err)
			return err;
	}
	skip = off - r->win_off;
	ret->p = (const char *)r->win + skip;
	ret->n = r->win_n - skip;
	return OK;
}

/* A record at off? Fills ret but its next and returns its length, or 0. */
static size_t
parse(const struct journal_reader *r, struct str v, uint32_t off,
    struct journal_rec *ret)
{
	ret->pos = journal_pos_make(r->file_no, off);
	return journal_unframe((const uint8_t *)v.p, v.n, r->salt + off,
	    &ret->type, &ret->payload);
}

static bool
is_blank(struct str v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] != 0)
			return false;
	}
	return true;
}

static void
damaged(struct journal_reader *r, uint64_t n_bytes)
{
	r->damage.n_corrupt++;
	r->damage.corrupt_bytes += n_bytes;
	r->damage.last = journal_reader_pos(r);
}

/*
 * The salt of a file whose header is damaged, from its first record: the
 * record's own checksum then says whether that was right.
 */
static enum err
salvage_salt(struct journal_reader *r, bool *ret_found, struct error *e)
{
	struct str v = { NULL, 0 };
	struct journal_rec rec;
	uint64_t tag = 0;
	enum err err = view(r, JOURNAL_HEADER_BYTES, JOURNAL_RECORD_MAX, &v, e);

	if (err || v.n < JOURNAL_FRAME_BYTES)
		return err;
	for (size_t i = 0; i < 8; i++)
		tag |= (uint64_t)(uint8_t)v.p[8 + i] << (8 * i);
	r->salt = tag - JOURNAL_HEADER_BYTES;
	*ret_found = parse(r, v, JOURNAL_HEADER_BYTES, &rec) != 0;
	return OK;
}

/* Read the header of the file just opened. *ret_ok false: nothing of the
 * file can be made out. */
static enum err
read_header(struct journal_reader *r, bool *ret_ok, struct error *e)
{
	struct str v = { NULL, 0 };
	struct journal_header h;
	enum err err = view(r, 0, JOURNAL_HEADER_BYTES, &v, e);

	*ret_ok = false;
	if (err)
		return err;
	if (v.n >= JOURNAL_HEADER_BYTES &&
	    journal_header_decode((const uint8_t *)v.p, &h)) {
		r->salt = h.salt;
		*ret_ok = true;
		return OK;
	}
	damaged(r, JOURNAL_HEADER_BYTES);
	return salvage_salt(r, ret_ok, e);
}

static void
close_file(struct journal_reader *r)
{
	if (r->fd >= 0)
		(void)close(r->fd); /* was only read */
	r->fd = -1;
	r->win_n = 0;
}

/* The series' first file from number at_least on; 0: none. */
static enum err
find_file(struct journal_reader *r, uint32_t at_least, uint32_t *ret,
    struct error *e)
{
	struct journal_entry *all = NULL;
	size_t n = 0;
	enum err err;

	*ret = 0;
	err = journal_list_files(r->dir, &r->series, &all, &n, e);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		uint32_t no = all[i].first_no;

		if (no >= at_least && (*ret == 0 || no < *ret))
			*ret = no;
	}
	free(all);
	return OK;
}

/* Move to the next file that is there. */
static enum err
skip_missing(struct journal_reader *r, struct error *e)
{
	uint32_t found = 0;
	enum err err = find_file(r, r->file_no + 1, &found, e);

	if (err)
		return err;
	if (found == 0)
		return nothing_more(e);
	if (r->file_no > 0)
		r->damage.n_missing += found - r->file_no;
	seek_to(r, journal_pos_make(found, 0));
	return OK;
}

/* Open the file that the position is in, or the next that can be read. */
static enum err
open_file(struct journal_reader *r, struct error *e)
{
	bool is_readable = false;
	enum err err = OK;

	while (!err && !is_readable) {
		char path[JOURNAL_PATH_BYTES];

		journal_file_path(path, r->dir, &r->series, r->file_no);
		r->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (r->fd < 0 && errno == ENOENT) {
			err = skip_missing(r, e);
			continue;
		}
		if (r->fd < 0)
			return error_set(e, ERR_IO,
			    "journal: open %s: errno %d", path, errno);
		r->win_n = 0;
		err = read_header(r, &is_readable, e);
		if (err)
			close_file(r);
		else if (!is_readable)
			seek_to(r, journal_pos_make(r->file_no + 1, 0));
	}
	return err;
}

/* Position of the next valid record of the file behind off; 0: none. */
static enum err
scan(struct journal_reader *r, uint32_t off, uint32_t *ret, struct error *e)
{
	struct journal_rec rec;

	*ret = 0;
	for (;;) {
		struct str v = { NULL, 0 };
		enum err err;

		off += 8;
		err = view(r, off, JOURNAL_RECORD_MAX, &v, e);
		if (err)
			return err;
		if (v.n < JOURNAL_FRAME_BYTES)
			return OK;
		if (parse(r, v, off, &rec) != 0) {
			*ret = off;
			return OK;
		}
	}
}

/* Bytes behind off up to the last that is not 0. */
static enum err
count_torn(struct journal_reader *r, uint64_t *ret, struct error *e)
{
	uint32_t off = r->off;
	struct str v = { NULL, 0 };

	*ret = 0;
	do {
		enum err err = view(r, off, 1, &v, e);

		if (err)
			return err;
		for (size_t i = 0; i < v.n; i++) {
			if (v.p[i] != 0)
				*ret = off + i + 1 - r->off;
		}
		off += (uint32_t)v.n;
	} while (v.n > 0);
	return OK;
}

/*
 * Whether anything was written to a file. The last file of a worker that was
 * killed is often one made ahead and not begun.
 */
static bool
is_begun(const struct journal_reader *r, uint32_t file_no)
{
	char path[JOURNAL_PATH_BYTES];
	uint8_t p[JOURNAL_HEADER_BYTES + JOURNAL_FRAME_BYTES];
	struct journal_header h;
	ssize_t n;
	int fd;

	journal_file_path(path, r->dir, &r->series, file_no);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = pread(fd, p, sizeof(p), 0);
	(void)close(fd); /* was only read */
	if (n != (ssize_t)sizeof(p))
		return false;
	return !journal_header_decode(p, &h) ||
	       !is_blank(str_make((const char *)p + JOURNAL_HEADER_BYTES,
		   JOURNAL_FRAME_BYTES));
}

/* The end of a file of a dead series: on to the next one, if there is one. */
static enum err
end_of_file(struct journal_reader *r, struct error *e)
{
	uint64_t torn = 0;
	uint32_t found = 0;
	enum err err = count_torn(r, &torn, e);

	if (!err)
		err = find_file(r, r->file_no + 1, &found, e);
	if (err)
		return err;
	if (found == 0 || (found == r->file_no + 1 && !is_begun(r, found))) {
		r->damage.torn_bytes = torn;
		return nothing_more(e);
	}
	if (torn > 0)
		damaged(r, torn);
	r->damage.n_missing += found - r->file_no - 1;
	seek_to(r, journal_pos_make(found, 0));
	return OK;
}

/*
 * Nothing valid at the position. The file was read anew since then, so in a
 * live series a valid record further on proves that this one was whole once.
 * OK: look again.
 */
static enum err
no_record(struct journal_reader *r, bool is_final, struct error *e)
{
	struct journal_rec rec;
	struct str v = { NULL, 0 };
	uint32_t found = 0;
	enum err err = view(r, r->off, JOURNAL_RECORD_MAX, &v, e);

	if (err)
		return err;
	if (!is_final &&
	    is_blank((struct str){ v.p,
		v.n < JOURNAL_RECORD_MAX ? v.n : JOURNAL_RECORD_MAX }))
		return nothing_more(e);
	err = scan(r, r->off, &found, e);
	if (err)
		return err;
	if (found == 0)
		return is_final ? end_of_file(r, e) : nothing_more(e);
	err = load(r, r->off, e);
	if (!err)
		err = view(r, r->off, JOURNAL_RECORD_MAX, &v, e);
	if (err || parse(r, v, r->off, &rec) != 0)
		return err; /* it had only been on its way */
	damaged(r, found - r->off);
	r->off = found;
	return OK;
}

/* The record at the position, from the window or read anew. */
static enum err
record_here(struct journal_reader *r, struct journal_rec *ret, size_t *ret_n,
    struct error *e)
{
	struct str v = { NULL, 0 };
	enum err err = view(r, r->off, JOURNAL_FRAME_BYTES, &v, e);

	if (err)
		return err;
	*ret_n = parse(r, v, r->off, ret);
	if (*ret_n != 0)
		return OK;
	err = load(r, r->off, e); /* cut by the window, or since written */
	if (!err)
		err = view(r, r->off, 0, &v, e);
	if (err)
		return err;
	*ret_n = parse(r, v, r->off, ret);
	return OK;
}

enum err
journal_reader_next(struct journal_reader *r, bool is_final,
    struct journal_rec *ret, struct error *e)
{
	for (;;) {
		size_t n = 0;
		enum err err;

		if (r->fd < 0) {
			err = open_file(r, e);
			if (err)
				return err;
		}
		err = record_here(r, ret, &n, e);
		if (err)
			return err;
		if (n == 0) {
			err = no_record(r, is_final, e);
			if (err)
				return err;
		} else if (ret->type == JOURNAL_ROTATE) {
			seek_to(r, journal_pos_make(r->file_no + 1, 0));
		} else {
			r->off += (uint32_t)n;
			ret->next = journal_reader_pos(r);
			return OK;
		}
	}
}
