/* SPDX-License-Identifier: MIT */
/*
 * Time zones for display, from the system's tz database (TZif, RFC 9636).
 * localtime() knows one zone a process; here each reader has one. The rule
 * behind a file's last transition is not read: Debian's files reach 2037.
 */
#ifndef TG_BASE_ZONE_H
#define TG_BASE_ZONE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define ZONE_NAME_BYTES_MAX 64

struct zone {
	struct str name; /* "Europe/Berlin" */
	struct str data; /* of the file; empty: UTC */
};

/**
 * @name  of the tz database; "UTC" needs no file
 * Errors: ERR_BAD_PARAM "time_zone" there is none of that name; ERR_NO_MEMORY.
 * Memory: in a.
 */
enum err zone_load(struct str name, struct arena *a, struct zone *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * What is added to UTC at that time.
 * @ret_abbreviation  "CET", or "UTC"; lives as the zone does
 * Returns seconds.
 */
int64_t zone_offset_s(const struct zone *z, int64_t time_ms,
    struct str *ret_abbreviation);

#endif
