/* SPDX-License-Identifier: MIT */
/*
 * A file of fixed size, mapped and shared by all processes of a host. Made
 * whole under a temporary name and renamed, with its blocks allocated, so
 * that nobody sees half of it and a full disk shows at the start and not as
 * a SIGBUS. What lies behind the header is the caller's, zero at first.
 */
#ifndef TG_BASE_MAPFILE_H
#define TG_BASE_MAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MAPFILE_MAGIC_BYTES  8
#define MAPFILE_HEADER_BYTES 64

struct mapfile_spec {
	char magic[MAPFILE_MAGIC_BYTES];
	uint32_t version;  /* of the layout of the body */
	size_t body_bytes; /* behind the header */
};

struct mapfile {
	int fd;
	void *base;       /* page-aligned; the header */
	void *body;       /* aligned to 64 */
	size_t map_bytes; /* of the whole */
};

/**
 * Map path; make it when it is missing, of another version or damaged (a new
 * file then takes its name; whoever has the old one mapped keeps that).
 * Two processes that do so at once get the same file.
 * @may_create  false: ERR_NOT_FOUND instead of making it
 * Errors: ERR_IO; ERR_NOT_FOUND.
 * Memory: a mapping; mapfile_close().
 */
enum err mapfile_open(const char *path, const struct mapfile_spec *spec,
    bool may_create, struct mapfile *ret, struct error *e) ATTR_MUST_CHECK;
/** Unmap and close; the file stays. Fine on a zeroed struct. */
void mapfile_close(struct mapfile *m);

/** Lock one byte number of the file for this process, without waiting. */
bool mapfile_lock_try(struct mapfile *m, unsigned number) ATTR_MUST_CHECK;
void mapfile_unlock(struct mapfile *m, unsigned number);

#endif
