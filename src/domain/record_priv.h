/* SPDX-License-Identifier: MIT */
/* Within domain/record*.c: where a member lies, and what they share. */
#ifndef TG_DOMAIN_RECORD_PRIV_H
#define TG_DOMAIN_RECORD_PRIV_H

#include <string.h>

#include "domain/record.h"

#define RECORD_TEXT_BYTES_MAX MIB(1)

static inline const void *
record_at(const struct record_member *m, const void *row)
{
	return (const char *)row + m->off;
}

static inline uint64_t
record_u64(const struct record_member *m, const void *row)
{
	uint64_t v;

	memcpy(&v, record_at(m, row), sizeof(v));
	return v;
}

static inline int64_t
record_i64(const struct record_member *m, const void *row)
{
	int64_t v;

	memcpy(&v, record_at(m, row), sizeof(v));
	return v;
}

static inline struct str
record_str(const struct record_member *m, const void *row)
{
	struct str v;

	memcpy(&v, record_at(m, row), sizeof(v));
	return v;
}

static inline unsigned
record_enum(const struct record_member *m, const void *row)
{
	unsigned v;

	memcpy(&v, record_at(m, row), sizeof(v));
	return v;
}

static inline bool
record_bool(const struct record_member *m, const void *row)
{
	bool v;

	memcpy(&v, record_at(m, row), sizeof(v));
	return v;
}

/** "name":value. */
void record_write_member(const struct record_member *m, const void *row,
    struct json_out *j);
/** A member's JSON by itself: {"name":value}. Memory: in a. */
struct str record_member_text(const struct record_member *m, const void *row,
    struct arena *a);

/** Errors: ERR_BAD_PARAM naming the member. */
enum err record_check_text(const struct record_member *m, struct str v,
    struct error *e) ATTR_MUST_CHECK;
enum err record_check_time(const struct record_member *m, int64_t ms,
    int64_t now_ms, struct error *e) ATTR_MUST_CHECK;

/** Whether a member that doesn't move by itself differs. NULL: there is no
 * such row. Memory: scratch in a. */
bool record_is_changed(const struct record_member *m, const void *before,
    const void *after, struct arena *a);

#endif
