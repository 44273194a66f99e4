/* SPDX-License-Identifier: MIT */
/*
 * Rows of usage and sums of them as JSON and CSV, by one table of columns
 * each, so that both say the same. Amounts are exact decimals.
 *
 * CSV by RFC 4180, UTF-8. A text that a spreadsheet would take for a formula
 * gets an apostrophe before it; unknown is an empty cell.
 */
#ifndef TG_DOMAIN_USAGE_TEXT_H
#define TG_DOMAIN_USAGE_TEXT_H

#include "base/json_out.h"
#include "store/usage_summary.h"

/* Names of the counters, as columns and as document 004 has them. */
extern const char *const usage_token_names[TOK_CONTEXT__MAX][TOK_CLASS__MAX];

/* What of a row an operator alone may see: what it costs us. */
enum usage_reader {
	USAGE_FOR_CUSTOMER,
	USAGE_FOR_OPERATOR
};

/** The members of one row, between braces that the caller writes. */
void usage_row_json(const struct usage_view *v, enum usage_reader reader,
    struct json_out *j);
void usage_row_csv_head(enum usage_reader reader, struct buf *b);
void usage_row_csv(const struct usage_view *v, enum usage_reader reader,
    struct buf *b);

/** The same of sums. Refusals are null when has_refusals says so. */
struct usage_group_style {
	enum usage_dimension by[USAGE_BY_MAX];
	bool has_refusals;
	enum usage_reader reader;
	/* The name of a value of the last dimension, as one more member beside
	 * it; or NULL. */
	struct str (*name)(const void *arg, uint64_t value);
	const void *name_arg;
};
void usage_group_json(const struct usage_group *g,
    const struct usage_group_style *style, struct json_out *j);
void usage_group_csv_head(const struct usage_group_style *style, struct buf *b);
void usage_group_csv(const struct usage_group *g,
    const struct usage_group_style *style, struct buf *b);
/**
 * One or two dimensions, all different, by their names: "key,day".
 * @text  p == NULL: none
 * Returns false, and ret is undefined, if it is anything else.
 */
bool usage_dimensions_read(struct str text,
    enum usage_dimension ret[USAGE_BY_MAX]);
/** What a dimension is called in a row: "key" is "api_key_id". */
const char *usage_dimension_column(enum usage_dimension by);

/** A text as a cell of CSV. */
void usage_csv_text(struct buf *b, struct str s);

#endif
