/* SPDX-License-Identifier: MIT */
/* Cells of usage's rows and sums, and where they go: members of JSON or a line
 * of CSV. */
#ifndef TG_DOMAIN_USAGE_TEXT_PRIV_H
#define TG_DOMAIN_USAGE_TEXT_PRIV_H

#include "base/money.h"
#include "domain/usage_text.h"

/* One value, ready for either format. */
enum cell_kind {
	CELL_NULL,
	CELL_NUMBER, /* written as it is */
	CELL_TEXT,
};

struct cell {
	enum cell_kind kind;
	struct str text;
	char own[MONEY_TEXT_BYTES + UUID7_TEXT_BYTES];
};

/* Where cells go: JSON members or a line of CSV. */
struct sink {
	struct json_out *j; /* or ... */
	struct buf *csv;
	bool is_head; /* ... of CSV: the names */
	bool has_cell;
};

/* Of a time's text: the second, the day, the month. */
#define TIME_CHARS  20
#define DAY_CHARS   10
#define MONTH_CHARS 7

/* What a cell is; texts of its own lie in it. */
void cell_set_u64(struct cell *c, uint64_t v);
/** 0 is "none". */
void cell_set_id(struct cell *c, uint64_t id);
/** Below 0 is "unknown". */
void cell_set_count(struct cell *c, int64_t v);
/** DB_MONEY_NULL is "unknown". */
void cell_set_usd(struct cell *c, int64_t pusd);
/** Memory: s is not copied. */
void cell_set_text(struct cell *c, struct str s);
/** The first n_chars of YYYY-MM-DDTHH:MM:SSZ. */
void cell_set_time(struct cell *c, int64_t ms, size_t n_chars);

/** The next cell; a head takes its name alone. */
void sink_put(struct sink *s, const char *name, const struct cell *c);
/** All sixteen counters, then the sums of both directions. */
void sink_put_tokens(struct sink *s,
    const uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX]);
void sink_end_line(struct sink *s);

#endif
