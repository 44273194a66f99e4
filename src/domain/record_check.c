/* SPDX-License-Identifier: MIT */
/* Bounds of a row's members. */
#include "domain/record_priv.h"

enum err
record_check_time(const struct record_member *m, int64_t ms, int64_t now_ms,
    struct error *e)
{
	if (ms > now_ms)
		return OK;
	return error_public(e, ERR_BAD_PARAM, m->name,
	    "%s must be a future time such as 2030-01-31T00:00:00Z.", m->name);
}

static bool
is_control(const struct record_member *m, char c)
{
	if ((m->flags & RECORD_LINES) && (c == '\n' || c == '\t'))
		return false;
	return (unsigned char)c < 0x20 || c == 0x7f;
}

enum err
record_check_text(const struct record_member *m, struct str v, struct error *e)
{
	if (v.n < m->min || v.n > m->max || !str_is_utf8(v))
		return error_public(e, ERR_BAD_PARAM, m->name,
		    "%s must be text of %llu to %llu bytes.", m->name,
		    (unsigned long long)m->min, (unsigned long long)m->max);
	for (size_t i = 0; i < v.n; i++)
		if (is_control(m, v.p[i]))
			return error_public(e, ERR_BAD_PARAM, m->name,
			    "%s holds a control character.", m->name);
	if (m->min && str_trim(v).n == 0)
		return error_public(e, ERR_BAD_PARAM, m->name,
		    "%s must not be blank.", m->name);
	return OK;
}

/* v: as record_u64() gives it. */
static enum err
check_number(const struct record_member *m, uint64_t v, struct error *e)
{
	if (v >= m->min && v <= m->max)
		return OK;
	return error_public(e, ERR_BAD_PARAM, m->name,
	    "%s must be a number from %llu to %llu.", m->name,
	    (unsigned long long)m->min, (unsigned long long)m->max);
}

/* Bounds of a value that stands in row. What is null was let through, or
 * cleared, by whoever filled row. */
static enum err
check_member(const struct record_member *m, const void *row, int64_t now_ms,
    struct error *e)
{
	switch (m->kind) {
	case RECORD_TEXT:
		return record_str(m, row).p
			   ? record_check_text(m, record_str(m, row), e)
			   : OK;
	case RECORD_TIME:
		return record_i64(m, row)
			   ? record_check_time(m, record_i64(m, row), now_ms, e)
			   : OK;
	case RECORD_COUNT:
		return record_i64(m, row) < 0
			   ? OK
			   : check_number(m, record_u64(m, row), e);
	case RECORD_U64:
	case RECORD_PPM:
		return check_number(m, record_u64(m, row), e);
	case RECORD_ID:
	case RECORD_BOOL:
	case RECORD_ENUM:
	case RECORD_BITS:
	case RECORD_TEXTS:
	case RECORD_IDS:
	case RECORD_LIMIT:
	case RECORD_LIMITS:
	case RECORD_JSON:
	case RECORD_OWN:
		break; /* no bounds, or the resource's own check has them */
	}
	return OK;
}

enum err
record_check(const struct record_type *t, const void *before, const void *row,
    int64_t now_ms, struct arena *a, struct error *e)
{
	unsigned flag = before ? RECORD_SET : RECORD_NEW;
	enum err err = OK;

	for (size_t i = 0; i < t->n_members && !err; i++)
		if ((t->members[i].flags & flag) &&
		    record_is_changed(&t->members[i], before, row, a))
			err = check_member(&t->members[i], row, now_ms, e);
	return err;
}
