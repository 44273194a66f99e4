/* SPDX-License-Identifier: MIT */
/*
 * GET /api/usage, /api/usage/{request_id}: rows, the newest first. As JSON a
 * page; as CSV or NDJSON all of them, page after page through a small arena,
 * so that memory does not grow with their number.
 */
#include "store/usage_page.h"

#include <string.h>

#include "domain/principal.h"
#include "domain/usage_ids.h"
#include "handler/api/api.h"
#include "handler/api/cursor.h"
#include "handler/api/usage_read.h"
#include "store/db_pool.h"

#define DB_WAIT_MS   2000
#define EXPORT_ROWS  1000
#define EXPORT_TRIES 3
#define EXPORT_ARENA MIB(16)
#define LINES_MAX    MIB(8)
#define HELD_BYTES   KIB(1)

/* The page's last row and, as "the last 24 hours" move on, since when. */
enum {
	CURSOR_TIME,
	CURSOR_ID,
	CURSOR_FROM,
	CURSOR__N
};

static const struct param_spec params[] = { LIST_PARAMS, USAGE_FILTERS,
	FILTER_ENUM("source", "gateway|api") };
#define N_PARAMS ARRAY_LEN(params)

/* One question. */
struct listing_of {
	struct app *app;
	const struct request *rq;
	uint64_t tenant;
	enum usage_reader reader;
	enum usage_format format;
	struct usage_filter filter;
	struct usage_cursor after;
	uint64_t limit; /* 0: all */
	uint32_t tie;   /* of its cursors */
	/* Of an export: the last bytes, kept back to have something to send
	 * while rows are looked through of which none is asked for. */
	char held[HELD_BYTES];
	size_t n_held;
};

static enum err
read_cursor(struct str text, struct listing_of *l, struct error *e)
{
	uint64_t words[CURSOR__N];
	enum err err = cursor_read(l->tie, text, words, CURSOR__N, e);

	if (err)
		return err;
	/* The checksum can be forged; the column's range can't be left. */
	if (words[CURSOR_ID] == 0 || words[CURSOR_TIME] > INT64_MAX / 1000 ||
	    words[CURSOR_FROM] > INT64_MAX / 1000)
		return cursor_refuse(e);
	l->after.time_ms = (int64_t)words[CURSOR_TIME];
	l->after.usage_id = words[CURSOR_ID];
	l->filter.from_ms = (int64_t)words[CURSOR_FROM];
	return OK;
}

static enum err
read_question(struct app *app, const struct request *rq, struct listing_of *l,
    struct error *e)
{
	struct param_value v[N_PARAMS];
	enum err err = param_parse(rq->arena, params, N_PARAMS, rq->query, v,
	    e);

	*l = (struct listing_of){ .app = app,
		.rq = rq,
		.tenant = principal_is_operator(app->who)
			      ? 0
			      : app->who->customer_id,
		.reader = usage_reader_of(app->who) };
	if (!err)
		err = usage_filter_read(rq, app->who, v + LIST_N_PARAMS,
		    &l->filter, e);
	if (err)
		return err;
	l->filter.origin = v[N_PARAMS - 1].text;
	l->format = usage_format_read(rq, v + LIST_N_PARAMS);
	l->limit = v[1].is_set               ? v[1].u64
		   : l->format == USAGE_JSON ? LIST_LIMIT
					     : 0;
	l->tie = cursor_tie(rq, params, v, N_PARAMS);
	return v[0].is_set ? read_cursor(v[0].text, l, e) : OK;
}

static enum err
check_filter(const struct listing_of *l, struct error *e)
{
	struct manager m;
	uint64_t whose;
	enum err err = manager_begin(l->app, l->rq, &m, e);

	if (err)
		return err;
	err = usage_ids_filter(&m, &l->filter, l->rq->arena, &whose, e);
	manager_end(l->app, &m);
	return err;
}

/* A connection is held for one page only. */
static enum err
fetch(const struct listing_of *l, uint64_t limit, struct arena *a,
    struct usage_view **ret, size_t *ret_n, struct usage_cursor *ret_next,
    struct error *e)
{
	struct db_pool *pool = l->app->shared->db;
	struct db *db = NULL;
	enum err err = db_pool_take(pool, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = store_usage_page(db, l->tenant, &l->filter, l->after, limit, a,
	    ret, ret_n, ret_next, e);
	db_pool_give(pool, db);
	return err;
}

static struct usage_cursor
cursor_behind(const struct usage_view *v)
{
	return (
	    struct usage_cursor){ v->row.request_timestamp_ms, v->usage_id };
}

static enum err
write_page(const struct listing_of *l, struct response *rs, struct error *e)
{
	char cursor[CURSOR_TEXT_BYTES];
	struct usage_view *rows = NULL;
	struct json_out j;
	struct usage_cursor next;
	size_t n = 0, n_shown;
	/* One more tells whether there is a next page. */
	enum err err = fetch(l, l->limit + 1, rs->arena, &rows, &n, &next, e);

	if (err)
		return err;
	n_shown = n > l->limit ? (size_t)l->limit : n;
	list_begin(rs, &j);
	for (size_t i = 0; i < n_shown; i++) {
		json_out_object(&j);
		usage_row_json(&rows[i], l->reader, &j);
		json_out_object_end(&j);
	}
	json_out_array_end(&j);
	if (n > n_shown)
		next = cursor_behind(&rows[n_shown - 1]);
	if (next.usage_id) {
		const uint64_t words[CURSOR__N] = {
			[CURSOR_TIME] = (uint64_t)next.time_ms,
			[CURSOR_ID] = next.usage_id,
			[CURSOR_FROM] = (uint64_t)l->filter.from_ms,
		};

		cursor_write(l->tie, words, CURSOR__N, cursor);
		json_out_member_str(&j, "next_cursor", str_from(cursor));
	} else {
		json_out_member_null(&j, "next_cursor");
	}
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

/* ---- exports ---- */

static void
add_line(const struct listing_of *l, const struct usage_view *v, struct buf *b)
{
	struct json_out j;

	if (l->format == USAGE_CSV) {
		usage_row_csv(v, l->reader, b);
		return;
	}
	json_out_init(&j, b);
	json_out_object(&j);
	usage_row_json(v, l->reader, &j);
	json_out_object_end(&j);
	buf_add_char(b, '\n');
}

/* The next lines, which may be none before the end. */
static enum err
next_lines(struct listing_of *l, struct arena *a, struct str *ret,
    bool *ret_is_last, struct error *e)
{
	bool is_limited = l->limit > 0;
	uint64_t want = l->limit && l->limit < EXPORT_ROWS ? l->limit
							   : EXPORT_ROWS;
	struct usage_view *rows = NULL;
	struct usage_cursor next;
	enum err err = ERR_DB_DOWN;
	struct buf b;
	size_t n = 0;

	/* A page can be asked for again: the first lines are out already. */
	for (int i = 0; i < EXPORT_TRIES && err; i++) {
		arena_reset(a);
		err = fetch(l, want, a, &rows, &n, &next, e);
	}
	if (err)
		return err;
	buf_init(&b, a, LINES_MAX);
	for (size_t i = 0; i < n; i++)
		add_line(l, &rows[i], &b);
	l->after = next;
	l->limit -= is_limited ? n : 0;
	*ret_is_last = next.usage_id == 0 || (is_limited && l->limit == 0);
	return buf_finish(&b, ret, e);
}

/* ---- what goes out ---- */

/* The first n bytes that are held. */
static enum err
give_held(struct listing_of *l, struct response *rs, size_t n, struct error *e)
{
	enum err err = n ? response_write(rs, str_make(l->held, n), e) : OK;

	l->n_held -= n;
	memmove(l->held, l->held + n, l->n_held);
	return err;
}

/* All but the last bytes. */
static enum err
give_lines(struct listing_of *l, struct response *rs, struct str lines,
    struct error *e)
{
	size_t n = l->n_held + lines.n;
	size_t n_out = n > HELD_BYTES ? n - HELD_BYTES : 0;
	size_t n_old = n_out < l->n_held ? n_out : l->n_held;
	size_t n_new = n_out - n_old;
	enum err err = give_held(l, rs, n_old, e);

	if (!err && n_new)
		err = response_write(rs, str_make(lines.p, n_new), e);
	memcpy(l->held + l->n_held, lines.p + n_new, lines.n - n_new);
	l->n_held += lines.n - n_new;
	return err;
}

static enum err
give_csv_head(struct listing_of *l, struct response *rs, struct error *e)
{
	struct str head;
	struct buf b;
	enum err err;

	buf_init(&b, rs->arena, LINES_MAX);
	usage_row_csv_head(l->reader, &b);
	err = buf_finish(&b, &head, e);
	return err ? err : give_lines(l, rs, head, e);
}

/* A page's lines. Of one that has none a byte of those before, so that
 * neither the web server nor the client takes a long search for a dead
 * connection. */
static enum err
give_page(struct listing_of *l, struct response *rs, struct str lines,
    bool is_last, struct error *e)
{
	enum err err = lines.n ? give_lines(l, rs, lines, e)
			       : give_held(l, rs, l->n_held ? 1 : 0, e);

	if (!err && is_last)
		err = give_held(l, rs, l->n_held, e);
	return err ? err : response_flush(rs, e);
}

/* Whoever reads on must not take what there is for all. */
static void
tell_end(struct listing_of *l, struct response *rs)
{
	struct error e;

	if (give_held(l, rs, l->n_held, &e) != OK ||
	    response_write(rs,
		l->format == USAGE_CSV
		    ? S("\"ERROR: this export ended early\"\r\n")
		    : S("{\"error\":{\"message\":\"This export ended early.\"}}"
			"\n"),
		&e) != OK)
		error_clear(&e); /* the client left: nobody reads it */
}

static enum err
stream(struct listing_of *l, struct response *rs, struct arena *a,
    struct error *e)
{
	struct str lines;
	bool is_last = false;
	enum err err = next_lines(l, a, &lines, &is_last, e);

	if (err)
		return err;
	usage_download(rs, l->format, "usage", l->filter.from_ms,
	    l->filter.to_ms);
	err = response_stream_begin(rs, e);
	if (err || rs->is_head)
		return err;
	if (l->format == USAGE_CSV)
		err = give_csv_head(l, rs, e);
	for (;;) {
		if (!err)
			err = give_page(l, rs, lines, is_last, e);
		if (err || is_last)
			return err;
		if (atomic_load(&l->app->shared->shutdown) == APP_CUT)
			err = error_set(e, ERR_SHUTTING_DOWN, "an export");
		if (!err)
			err = next_lines(l, a, &lines, &is_last, e);
		if (err) {
			tell_end(l, rs);
			return err;
		}
	}
}

static enum err
write_export(struct listing_of *l, struct response *rs, struct error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, EXPORT_ARENA);
	err = stream(l, rs, &a, e);
	arena_fini(&a);
	return err;
}

enum err
api_usage_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct listing_of l;
	enum err err = read_question(app, rq, &l, e);

	if (!err)
		err = check_filter(&l, e);
	if (err)
		return err;
	return l.format == USAGE_JSON ? write_page(&l, rs, e)
				      : write_export(&l, rs, e);
}

/* By what the client was told: its request's id, or the row's number. */
static enum err
find_row(const struct manager *m, struct str text, struct arena *a,
    struct usage_view *ret, struct error *e)
{
	struct uuid7 request_id;
	uint64_t usage_id;

	if (uuid7_parse(text, &request_id))
		return store_usage_view(m->db, m->tenant, &request_id, a, ret,
		    e);
	if (str_to_u64(text, 1, UINT64_MAX, &usage_id))
		return store_usage_view_by_id(m->db, m->tenant, usage_id, a,
		    ret, e);
	return error_set(e, ERR_NOT_FOUND, "no id");
}

enum err
api_usage_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct usage_view v;
	struct manager m;
	struct json_out j;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	err = find_row(&m, rq->path_param[0], rq->arena, &v, e);
	manager_end(app, &m);
	if (err == ERR_NOT_FOUND)
		return error_public(e, err, "request_id",
		    "There is no usage of such a request.");
	if (err)
		return err;
	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	usage_row_json(&v, usage_reader_of(app->who), &j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
