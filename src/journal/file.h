/* SPDX-License-Identifier: MIT */
/*
 * One journal file: its name, its header of 64 bytes, how it is made and
 * removed. Shared by writer and reader.
 *
 *   8 bytes  "TGJOURN1"        u32 file number      u32 process id
 *   u32 version   u32 64       i64 created, ms      u64 salt of the tags
 *   16 bytes series            u32 zero             u32 crc of the 60 before
 */
#ifndef TG_JOURNAL_FILE_H
#define TG_JOURNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "journal/reader.h"
#include "journal/writer.h"

#define JOURNAL_HEADER_BYTES 64
#define JOURNAL_VERSION      1

struct journal_header {
	struct journal_series series;
	uint32_t file_no;
	uint32_t pid; /* for people */
	int64_t created_ms;
	uint64_t salt;
};

void journal_header_encode(const struct journal_header *h,
    uint8_t ret[JOURNAL_HEADER_BYTES]);
/** False when it is not a whole, valid header of a version that we know. */
bool journal_header_decode(const uint8_t p[JOURNAL_HEADER_BYTES],
    struct journal_header *ret) ATTR_MUST_CHECK;

/* A file name of a series: "<32 hex digits>.<10 digits>.tgj", or ".lock". */
struct journal_name {
	struct journal_series series;
	uint32_t file_no; /* 0: the lock file */
};
bool journal_name_parse(const char *name,
    struct journal_name *ret) ATTR_MUST_CHECK;
void journal_lock_path(char ret[JOURNAL_PATH_BYTES], const char *dir,
    const struct journal_series *s);

/* System calls that tests let fail. */
struct journal_io {
	ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t off);
	int (*fdatasync)(int fd);
	int (*fallocate)(int fd, off_t off, off_t n);
};
extern const struct journal_io journal_io_real;

/**
 * Make the next file of a series: under a temporary name, locked, allocated
 * to size_bytes, its header written, then renamed and the folder synced.
 * Errors: ERR_JOURNAL_FULL the disk or max_bytes has no room; ERR_IO.
 */
enum err journal_file_make(const char *dir, const struct journal_header *h,
    uint64_t size_bytes, uint64_t max_bytes, const struct journal_io *io,
    int *ret_fd, struct error *e) ATTR_MUST_CHECK;

/** All of p, or: ERR_JOURNAL_FULL (no space, quota), ERR_JOURNAL_FAILED. */
enum err journal_pwrite(const struct journal_io *io, int fd, const uint8_t *p,
    size_t n, uint32_t off, struct error *e) ATTR_MUST_CHECK;

/** fsync of a folder, so that names in it last. */
enum err journal_dir_sync(const char *dir, struct error *e) ATTR_MUST_CHECK;

/**
 * One entry for each file, in order of series and number; a lock file has
 * number 0.
 * @s  only of this series; NULL: of all
 * Memory: *ret with malloc, free().
 */
enum err journal_list_files(const char *dir, const struct journal_series *s,
    struct journal_entry **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/** Bytes that all journal files of the folder have allocated. */
enum err journal_dir_bytes(const char *dir, uint64_t *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
