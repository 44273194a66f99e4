/* SPDX-License-Identifier: MIT */
/* tollgate usage list: rows, the newest first, page after page to standard
 * output, so that memory does not grow with their number. */
#include <stdio.h>

#include "admin/usage_filter.h"
#include "base/clock.h"
#include "domain/usage_text.h"

#define AT_ONCE    1000
#define PAGE_ARENA MIB(16)
#define LINES_MAX  MIB(8)

const struct admin_option admin_usage_list_options[] = {
	{ "request", "ID", "Only the row of this request, whenever it was.",
	    false },
	{ "from", "TIME", "From this time on (a day before to).", false },
	{ "to", "TIME", "To before this time (now).", false },
	USAGE_FILTER_OPTIONS,
	{ "source", "SOURCE", "Only from there: gateway or api.", false },
	ADMIN_OPTIONS_END,
};

static enum err
print_buf(struct buf *b, struct error *e)
{
	struct str text;
	enum err err = buf_finish(b, &text, e);

	if (!err && fwrite(text.p, 1, text.n, stdout) != text.n)
		err = error_errno(e, ERR_IO, "standard output");
	return err;
}

/* --json: a document a line; else CSV. */
static enum err
print_rows(const struct admin *ad, const struct usage_view *rows, size_t n,
    struct arena *a, struct error *e)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, a, LINES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!admin_is_json(ad)) {
			usage_row_csv(&rows[i], USAGE_FOR_OPERATOR, &b);
			continue;
		}
		json_out_init(&j, &b);
		json_out_object(&j);
		usage_row_json(&rows[i], USAGE_FOR_OPERATOR, &j);
		json_out_object_end(&j);
		buf_add_char(&b, '\n');
	}
	return n ? print_buf(&b, e) : OK;
}

static enum err
print_head(struct admin *ad, struct error *e)
{
	struct buf b;

	if (admin_is_json(ad))
		return OK;
	buf_init(&b, admin_arena(ad), KIB(4));
	usage_row_csv_head(USAGE_FOR_OPERATOR, &b);
	return print_buf(&b, e);
}

static enum err
print_one(struct admin *ad, struct db *db, struct error *e)
{
	struct usage_view v;
	struct uuid7 id;
	enum err err;

	if (!uuid7_parse(admin_opt(ad, "request"), &id))
		return admin_usage(e, "--request must be an id such as "
				      "x-request-id has it");
	err = store_usage_view(db, 0, &id, admin_arena(ad), &v, e);
	if (err == ERR_NOT_FOUND)
		return error_set(e, err, "there is no usage of that request");
	if (!err)
		err = print_head(ad, e);
	return err ? err : print_rows(ad, &v, 1, admin_arena(ad), e);
}

static enum err
print_all(struct admin *ad, struct db *db, const struct usage_filter *f,
    struct arena *a, struct error *e)
{
	struct usage_cursor after = { 0, 0 };
	enum err err = print_head(ad, e);

	do {
		struct usage_view *rows = NULL;
		size_t n = 0;

		arena_reset(a);
		if (!err)
			err = store_usage_page(db, 0, f, after, AT_ONCE, a,
			    &rows, &n, &after, e);
		if (!err)
			err = print_rows(ad, rows, n, a, e);
	} while (!err && after.usage_id);
	return err;
}

static enum err
read_source(struct admin *ad, struct usage_filter *f, struct error *e)
{
	unsigned source;
	enum err err;

	if (!admin_has(ad, "source"))
		return OK;
	err = admin_opt_enum(ad, "source", usage_origin_names,
	    USAGE_ORIGIN__MAX, &source, e);
	if (!err)
		f->origin = str_from(usage_origin_names[source]);
	return err;
}

enum err
admin_usage_list(struct admin *ad, struct error *e)
{
	struct usage_filter f = { 0 };
	struct arena a;
	struct db *db;
	enum err err = usage_options_filter(ad, clock_now_ms(), &f, e);

	if (!err)
		err = read_source(ad, &f, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (err)
		return err;
	arena_init(&a, PAGE_ARENA);
	err = admin_has(ad, "request") ? print_one(ad, db, e)
				       : print_all(ad, db, &f, &a, e);
	arena_fini(&a);
	if (!err && fflush(stdout) != 0)
		err = error_errno(e, ERR_IO, "standard output");
	if (!err)
		admin_raw(ad, S(""));
	return err;
}
