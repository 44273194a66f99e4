/* SPDX-License-Identifier: MIT */
/* Values on their way between C structs and the client library. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "store/db_priv.h"

#define PPM_ONE UINT64_C(1000000)

/* The library takes pointers to data it only reads as void *. */
static void *
unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

static void
bind_number(MYSQL_BIND *b, enum enum_field_types type, const void *p,
    bool is_unsigned)
{
	b->buffer_type = type;
	b->buffer = unconst(p);
	b->is_unsigned = is_unsigned;
}

static void
bind_bytes(MYSQL_BIND *b, struct db_slot *s, enum enum_field_types type,
    const void *p, size_t n)
{
	b->buffer_type = type;
	b->buffer = unconst(p);
	b->buffer_length = (unsigned long)n;
	s->len = (unsigned long)n;
	b->length = &s->len;
}

static void
bind_time(MYSQL_BIND *b, struct db_slot *s, int64_t time_ms, bool is_day)
{
	struct clock_parts c;

	clock_split(time_ms, &c);
	memset(&s->time, 0, sizeof(s->time));
	s->time.year = (unsigned)c.year;
	s->time.month = (unsigned)c.month;
	s->time.day = (unsigned)c.day;
	if (!is_day) {
		s->time.hour = (unsigned)c.hour;
		s->time.minute = (unsigned)c.minute;
		s->time.second = (unsigned)c.second;
		s->time.second_part = (unsigned long)c.ms * 1000;
	}
	s->time.time_type = is_day ? MYSQL_TIMESTAMP_DATE
				   : MYSQL_TIMESTAMP_DATETIME;
	b->buffer_type = is_day ? MYSQL_TYPE_DATE : MYSQL_TYPE_DATETIME;
	b->buffer = &s->time;
}

static enum err
bind_enum(MYSQL_BIND *b, struct db_slot *s, const struct db_field *f,
    const void *p, struct error *e)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	if (value >= f->n_names)
		return error_set(e, ERR_BAD_PARAM, "database: enum value %u",
		    value);
	bind_bytes(b, s, MYSQL_TYPE_STRING, f->names[value],
	    strlen(f->names[value]));
	return OK;
}

static void
bind_decimal(MYSQL_BIND *b, struct db_slot *s)
{
	bind_bytes(b, s, MYSQL_TYPE_NEWDECIMAL, s->text, strlen(s->text));
}

enum err
db_bind_param(MYSQL_BIND *b, struct db_slot *s, const struct db_field *f,
    const void *p, struct error *e)
{
	const struct str *str = p;
	const uint64_t *u64 = p;
	const int64_t *i64 = p;

	memset(b, 0, sizeof(*b));
	s->is_null = 0;
	b->is_null = &s->is_null;
	switch (f->type) {
	case DB_ID:
		s->is_null = *u64 == 0;
		bind_number(b, MYSQL_TYPE_LONGLONG, p, true);
		return OK;
	case DB_U64:
		bind_number(b, MYSQL_TYPE_LONGLONG, p, true);
		return OK;
	case DB_U32:
		bind_number(b, MYSQL_TYPE_LONG, p, true);
		return OK;
	case DB_OPT:
		s->is_null = *i64 == -1;
		bind_number(b, MYSQL_TYPE_LONGLONG, p, false);
		return OK;
	case DB_I64:
		bind_number(b, MYSQL_TYPE_LONGLONG, p, false);
		return OK;
	case DB_BOOL:
		bind_number(b, MYSQL_TYPE_TINY, p, true);
		return OK;
	case DB_STR:
	case DB_BYTES:
		s->is_null = !str->p;
		bind_bytes(b, s,
		    f->type == DB_STR ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB,
		    str->p, str->n);
		return OK;
	case DB_B16:
		bind_bytes(b, s, MYSQL_TYPE_BLOB, p, 16);
		return OK;
	case DB_B32:
		bind_bytes(b, s, MYSQL_TYPE_BLOB, p, 32);
		return OK;
	case DB_TIME:
	case DB_DAY:
		s->is_null = *i64 == 0;
		bind_time(b, s, *i64, f->type == DB_DAY);
		return OK;
	case DB_MONEY:
		s->is_null = *i64 == DB_MONEY_NULL;
		money_to_decimal(s->is_null ? 0 : *i64, s->text);
		bind_decimal(b, s);
		return OK;
	case DB_PPM:
		(void)snprintf(s->text, sizeof(s->text),
		    "%llu.%06llu", /* always fits: 14 + 1 + 6 digits */
		    (unsigned long long)(*u64 / PPM_ONE),
		    (unsigned long long)(*u64 % PPM_ONE));
		bind_decimal(b, s);
		return OK;
	case DB_ENUM:
		return bind_enum(b, s, f, p, e);
	case DB_LIMITS:
	case DB_NONE:
		break;
	}
	return error_set(e, ERR_INTERNAL, "database: type %u", f->type);
}

bool
db_is_text(enum db_type type)
{
	return type == DB_STR || type == DB_BYTES || type == DB_B16 ||
	       type == DB_B32 || type == DB_MONEY || type == DB_PPM ||
	       type == DB_ENUM || type == DB_LIMITS;
}

void
db_bind_column(MYSQL_BIND *b, struct db_slot *s, enum db_type type, char *text)
{
	memset(b, 0, sizeof(*b));
	b->is_null = &s->is_null;
	b->error = &s->is_cut;
	b->length = &s->len;
	if (db_is_text(type)) {
		b->buffer_type = type == DB_BYTES || type == DB_B16 ||
					 type == DB_B32
				     ? MYSQL_TYPE_BLOB
				     : MYSQL_TYPE_STRING;
		b->buffer = text;
		b->buffer_length = DB_TEXT_BYTES;
	} else if (type == DB_TIME || type == DB_DAY) {
		b->buffer_type = MYSQL_TYPE_DATETIME;
		b->buffer = &s->time;
		b->buffer_length = sizeof(s->time);
	} else {
		b->buffer_type = MYSQL_TYPE_LONGLONG;
		b->buffer = &s->u64;
		b->buffer_length = sizeof(s->u64);
		b->is_unsigned = type != DB_I64 && type != DB_OPT;
	}
}

static int64_t
time_from(const MYSQL_TIME *t)
{
	struct clock_parts c = { .year = (int)t->year,
		.month = (int)t->month,
		.day = (int)t->day,
		.hour = (int)t->hour,
		.minute = (int)t->minute,
		.second = (int)t->second,
		.ms = (int)(t->second_part / 1000) };

	return clock_join(&c);
}

/* "1.250000" to 1250000. */
static enum err
take_ppm(struct str text, uint64_t *ret, struct error *e)
{
	size_t point = str_find(text, '.');
	uint64_t whole, rest = 0;

	if (!str_to_u64(str_make(text.p, point), 0, UINT64_MAX / PPM_ONE - 1,
		&whole) ||
	    (point < text.n &&
		(text.n - point != 7 || !str_to_u64(str_skip(text, point + 1),
					    0, PPM_ONE - 1, &rest))))
		return error_set(e, ERR_CORRUPT, "database: decimal");
	*ret = whole * PPM_ONE + rest;
	return OK;
}

static enum err
take_enum(const struct db_field *f, struct str text, void *p, struct error *e)
{
	for (uint32_t i = 0; i < f->n_names; i++)
		if (str_eq(text, str_from(f->names[i]))) {
			memcpy(p, &i, sizeof(i));
			return OK;
		}
	return error_set(e, ERR_CORRUPT, "database: unknown enum text");
}

static enum err
take_limits(struct str text, struct limit_set *ret, struct error *e)
{
	struct error why;

	*ret = (struct limit_set){ 0 };
	return limit_set_parse(text, ret, &why)
		   ? error_set(e, ERR_CORRUPT, "database: limits")
		   : OK;
}

static enum err
take_text(struct str text, struct str *ret, struct arena *a, struct error *e)
{
	*ret = arena_strdup(a, text);
	return ret->p ? OK : error_arena(e, a);
}

static enum err
take_fixed(struct str text, size_t n, void *p, struct error *e)
{
	if (text.n != n)
		return error_set(e, ERR_CORRUPT, "database: binary length");
	memcpy(p, text.p, n);
	return OK;
}

/* What NULL is in C; an error for types that have no such value. */
static enum err
take_null(const struct db_field *f, void *p, struct error *e)
{
	static const int64_t opt = -1, money = DB_MONEY_NULL, zero = 0;
	static const struct str none = { NULL, 0 };

	switch (f->type) {
	case DB_ID:
	case DB_TIME:
	case DB_DAY:
		memcpy(p, &zero, sizeof(zero));
		return OK;
	case DB_OPT:
		memcpy(p, &opt, sizeof(opt));
		return OK;
	case DB_MONEY:
		memcpy(p, &money, sizeof(money));
		return OK;
	case DB_STR:
	case DB_BYTES:
		memcpy(p, &none, sizeof(none));
		return OK;
	case DB_NONE:
	case DB_U64:
	case DB_U32:
	case DB_I64:
	case DB_BOOL:
	case DB_B16:
	case DB_B32:
	case DB_PPM:
	case DB_ENUM:
	case DB_LIMITS:
		break;
	}
	return error_set(e, ERR_CORRUPT, "database: unexpected NULL");
}

enum err
db_take_column(const struct db_slot *s, const struct db_field *f,
    struct str text, void *p, struct arena *a, struct error *e)
{
	if (s->is_null)
		return take_null(f, p, e);
	switch (f->type) {
	case DB_U64:
	case DB_ID:
	case DB_I64:
	case DB_OPT:
		memcpy(p, &s->u64, sizeof(s->u64));
		return OK;
	case DB_U32:
		if (s->u64 > UINT32_MAX)
			return error_set(e, ERR_CORRUPT, "database: number");
		*(uint32_t *)p = (uint32_t)s->u64;
		return OK;
	case DB_BOOL:
		*(bool *)p = s->u64 != 0;
		return OK;
	case DB_STR:
	case DB_BYTES:
		return take_text(text, p, a, e);
	case DB_B16:
		return take_fixed(text, 16, p, e);
	case DB_B32:
		return take_fixed(text, 32, p, e);
	case DB_TIME:
	case DB_DAY:
		*(int64_t *)p = time_from(&s->time);
		return OK;
	case DB_MONEY:
		return money_from_decimal(text, p, e);
	case DB_PPM:
		return take_ppm(text, p, e);
	case DB_ENUM:
		return take_enum(f, text, p, e);
	case DB_LIMITS:
		return take_limits(text, p, e);
	case DB_NONE:
		break;
	}
	return error_set(e, ERR_INTERNAL, "database: type %u", f->type);
}
