/* SPDX-License-Identifier: MIT */
/*
 * A journal file of any bytes: the reader ends, goes forward only, and what
 * it returns can be decoded and encoded again, or is refused. As no fuzzer
 * guesses a checksum, the first byte says whether the rest is the file as it
 * lies on the disk, or payloads (type, length, bytes) that get valid frames.
 */
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/file.h"
#include "journal/reader.h"

#define SALT      UINT64_C(0x0123456789abcdef)
#define FILE_MAX  KIB(64)
#define IS_FRAMED 1

static const struct journal_series series = { { 0xfa } };

static char dir[64];

static void
clean_up(void)
{
	char path[JOURNAL_PATH_BYTES];

	journal_file_path(path, dir, &series, 1);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* The folder of the one file, made at the first call; in memory if it can be,
 * as nothing here is about disks. */
static const char *
folder(void)
{
	if (dir[0] != '\0')
		return dir;
	(void)snprintf(dir, sizeof(dir), "/dev/shm/tg-fuzz-journal-XXXXXX");
	if (!mkdtemp(dir)) {
		(void)snprintf(dir, sizeof(dir), "/tmp/tg-fuzz-journal-XXXXXX");
		ASSERT(mkdtemp(dir) != NULL);
	}
	ASSERT(atexit(clean_up) == 0);
	return dir;
}

static size_t
framed(uint8_t *file, size_t off, const uint8_t *p, size_t n)
{
	while (n >= 2) {
		enum journal_type type = p[0] % JOURNAL_END + 1;
		size_t len = p[1] < n - 2 ? p[1] : n - 2;

		if (off + JOURNAL_RECORD_MAX > FILE_MAX)
			break;
		memcpy(file + off + JOURNAL_FRAME_BYTES, p + 2, len);
		off += journal_frame(file + off, type, len, SALT + off);
		p += 2 + len;
		n -= 2 + len;
	}
	return off;
}

static void
write_file(const uint8_t *p, size_t n)
{
	static uint8_t file[FILE_MAX];
	const struct journal_header h = { .series = series,
		.file_no = 1,
		.salt = SALT };
	char path[JOURNAL_PATH_BYTES];
	size_t off = JOURNAL_HEADER_BYTES;
	int fd;

	memset(file, 0, sizeof(file));
	journal_header_encode(&h, file);
	if (n > 0 && p[0] == IS_FRAMED) {
		off = framed(file, off, p + 1, n - 1);
	} else if (n > 1) {
		off = n - 1 < FILE_MAX ? n - 1 : FILE_MAX;
		memcpy(file, p + 1, off);
	}
	journal_file_path(path, folder(), &series, 1);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ASSERT(fd >= 0);
	/* Not O_TRUNC: ext4 would write such a file out at once. */
	ASSERT(pwrite(fd, file, off, 0) == (ssize_t)off);
	ASSERT(ftruncate(fd, (off_t)off) == 0);
	(void)close(fd);
}

/* What can be decoded is the same after another round. */
static void
round_trip(const struct journal_rec *rec)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_open o;
	struct journal_settle s;
	struct journal_progress g;
	struct journal_refuse r;
	size_t n = 0;

	if (rec->type == JOURNAL_OPEN && journal_decode_open(rec->payload, &o))
		n = journal_encode_open(&o, p);
	if (rec->type == JOURNAL_SETTLE &&
	    journal_decode_settle(rec->payload, &s))
		n = journal_encode_settle(&s, p);
	if (rec->type == JOURNAL_PROGRESS &&
	    journal_decode_progress(rec->payload, &g))
		n = journal_encode_progress(&g, p);
	if (rec->type == JOURNAL_REFUSE &&
	    journal_decode_refuse(rec->payload, &r))
		n = journal_encode_refuse(&r, p);
	/* Older payloads lack the last members. */
	ASSERT(n <= rec->payload.n + sizeof(s.hold_pusd) && n <= sizeof(p));
}

static void
read_all(bool is_final)
{
	struct journal_reader *r = NULL;
	struct journal_rec rec;
	struct error e;
	journal_pos last = 0;

	ASSERT(journal_reader_new(folder(), &series, 0, &r, &e) == OK);
	while (journal_reader_next(r, is_final, &rec, &e) == OK) {
		ASSERT(rec.pos >= last && rec.next > rec.pos);
		last = rec.next;
		round_trip(&rec);
	}
	ASSERT(e.code == ERR_NOT_FOUND);
	journal_reader_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	write_file(p, n);
	read_all(false);
	read_all(true);
	return 0;
}
