/* SPDX-License-Identifier: MIT */
/*
 * What a statement answers: all rows at once, each as it comes, or one.
 */
#include <stdlib.h>
#include <string.h>

#include <errmsg.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "store/db_priv.h"

#define ROWS_PER_LOOK 256 /* at the clock */

/* What one row is received in. */
struct receiver {
	MYSQL_BIND binds[STMT_TYPES_MAX];
	struct db_slot slots[STMT_TYPES_MAX];
	char texts[][DB_TEXT_BYTES];
};

/* The text of a received column: from its buffer, or fetched again whole. */
static enum err
column_text(struct db *db, enum stmt id, MYSQL_STMT *st, struct receiver *rc,
    unsigned i, struct arena *a, struct str *ret, struct error *e)
{
	size_t n = rc->slots[i].len;
	MYSQL_BIND b = rc->binds[i];

	*ret = str_make(rc->texts[i], n);
	if (rc->slots[i].is_null || n <= DB_TEXT_BYTES)
		return OK;
	b.buffer = arena_alloc(a, n + 1);
	b.buffer_length = (unsigned long)n;
	if (!b.buffer)
		return error_arena(e, a);
	if (mysql_stmt_fetch_column(st, &b, i, 0) != 0)
		return db_stmt_fail(db, id, st, e);
	*ret = str_make(b.buffer, n);
	return OK;
}

static enum err
take_row(struct db *db, enum stmt id, MYSQL_STMT *st, struct receiver *rc,
    const struct db_map *map, void *row, struct arena *a, struct error *e)
{
	for (unsigned i = 0; i < map->n; i++) {
		const struct db_field *f = &map->f[i];
		struct str text = { NULL, 0 };
		enum err err = OK;

		if (db_is_text(f->type))
			err = column_text(db, id, st, rc, i, a, &text, e);
		if (err == OK)
			err = db_take_column(&rc->slots[i], f, text,
			    (char *)row + f->off, a, e);
		if (err != OK)
			return err == ERR_CORRUPT || err == ERR_MONEY_RANGE
				   ? error_prefix(e, "%s: column %u",
					 stmt_info(id)->name, i + 1)
				   : err;
	}
	return OK;
}

/* One more row. *ret_is_end: there was none. */
static enum err
fetch_row(struct db *db, enum stmt id, MYSQL_STMT *st, struct receiver *rc,
    const struct db_map *map, void *row, struct arena *a, bool *ret_is_end,
    struct error *e)
{
	int rc_fetch = mysql_stmt_fetch(st);

	*ret_is_end = rc_fetch == MYSQL_NO_DATA;
	if (*ret_is_end)
		return OK;
	if (rc_fetch != 0 && rc_fetch != MYSQL_DATA_TRUNCATED)
		return db_stmt_fail(db, id, st, e);
	return take_row(db, id, st, rc, map, row, a, e);
}

/* Bind what the rows of an executed SELECT are received in; free(). */
static enum err
receiver_new(struct db *db, enum stmt id, MYSQL_STMT *st,
    const struct db_map *map, struct receiver **ret, struct error *e)
{
	struct receiver *rc;

	if (mysql_stmt_field_count(st) != map->n)
		return error_set(e, ERR_INTERNAL, "database: %s: %u columns",
		    stmt_info(id)->name, mysql_stmt_field_count(st));
	rc = calloc(1, sizeof(*rc) + map->n * DB_TEXT_BYTES);
	ASSERT(rc);
	for (size_t i = 0; i < map->n; i++)
		db_bind_column(&rc->binds[i], &rc->slots[i], map->f[i].type,
		    rc->texts[i]);
	if (mysql_stmt_bind_result(st, rc->binds) == 0) {
		*ret = rc;
		return OK;
	}
	free(rc);
	return db_stmt_fail(db, id, st, e);
}

static enum err
fetch_rows(struct db *db, enum stmt id, MYSQL_STMT *st, struct receiver *rc,
    const struct db_map *map, char *rows, size_t n, struct arena *a,
    struct error *e)
{
	bool is_end = false;
	enum err err = OK;

	for (size_t i = 0; i < n && !err; i++) {
		err = fetch_row(db, id, st, rc, map, rows + i * map->row_bytes,
		    a, &is_end, e);
		if (!err && is_end)
			err = error_set(e, ERR_INTERNAL,
			    "database: %s: rows are missing",
			    stmt_info(id)->name);
	}
	return err;
}

/* Everything of an executed SELECT: *ret_n rows in a. */
static enum err
receive(struct db *db, enum stmt id, MYSQL_STMT *st, const struct db_map *map,
    struct arena *a, char **ret_rows, size_t *ret_n, struct error *e)
{
	struct receiver *rc;
	enum err err = receiver_new(db, id, st, map, &rc, e);

	if (err)
		return err;
	if (mysql_stmt_store_result(st) != 0) {
		free(rc);
		return db_stmt_fail(db, id, st, e);
	}
	*ret_n = (size_t)mysql_stmt_num_rows(st);
	*ret_rows = arena_alloc_array(a, *ret_n, map->row_bytes);
	err = *ret_rows
		  ? fetch_rows(db, id, st, rc, map, *ret_rows, *ret_n, a, e)
		  : error_arena(e, a);
	free(rc);
	return err;
}

/* Texts need memory that stays. */
static enum err
check_no_texts(enum stmt id, const struct db_map *map, struct error *e)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->f[i].type == DB_STR || map->f[i].type == DB_BYTES ||
		    map->f[i].type == DB_LIMITS)
			return error_set(e, ERR_INTERNAL,
			    "database: %s: field %zu is text",
			    stmt_info(id)->name, i + 1);
	return OK;
}

/* An answer that takes too long is given up as a silent server's is, with the
 * connection: there may be much behind it. */
static enum err
check_deadline(struct db *db, enum stmt id, int64_t deadline_ms,
    struct error *e)
{
	if (clock_mono_ms() < deadline_ms)
		return OK;
	(void)shutdown(db_socket(db), SHUT_RDWR);
	return db_fail(db, CR_SERVER_LOST, "it takes too long",
	    stmt_info(id)->name, e);
}

/* Each row of an executed SELECT, into the same memory. */
static enum err
hand_out(struct db *db, enum stmt id, MYSQL_STMT *st, const struct db_map *map,
    db_row_fn *fn, void *arg, struct error *e)
{
	int64_t deadline_ms = clock_mono_ms() +
			      (int64_t)db->opt.query_timeout_s * 1000;
	void *row = calloc(1, map->row_bytes);
	struct receiver *rc = NULL;
	bool is_end = false;
	enum err err = OK;

	ASSERT(row);
	err = receiver_new(db, id, st, map, &rc, e);
	for (size_t n = 1; !err; n++) {
		err = fetch_row(db, id, st, rc, map, row, NULL, &is_end, e);
		if (err || is_end)
			break;
		err = fn(row, arg, e);
		if (!err && n % ROWS_PER_LOOK == 0)
			err = check_deadline(db, id, deadline_ms, e);
	}
	free(rc);
	free(row);
	return err;
}

enum err
db_all(struct db *db, enum stmt id, struct db_in in, struct arena *a,
    const struct db_map *map, void *ret_rows, size_t *ret_n, struct error *e)
{
	struct db_prepared *p = NULL;
	char *rows = NULL;
	size_t n = 0;
	enum err err = db_check_map(id, map, stmt_info(id)->columns, e);

	if (err != OK)
		return err;
	err = db_run_read(db, id, in, &p, e);
	if (err != OK)
		return err;
	err = receive(db, id, p->st, map, a, &rows, &n, e);
	(void)mysql_stmt_free_result(p->st); /* what was read is read */
	if (err != OK)
		return err;
	memcpy(ret_rows, &rows, sizeof(rows));
	*ret_n = n;
	return OK;
}

enum err
db_each(struct db *db, enum stmt id, struct db_in in, const struct db_map *map,
    db_row_fn *fn, void *arg, struct error *e)
{
	struct db_prepared *p = NULL;
	enum err err = db_check_map(id, map, stmt_info(id)->columns, e);

	if (!err)
		err = check_no_texts(id, map, e);
	if (!err)
		err = db_run_read(db, id, in, &p, e);
	if (err)
		return err;
	err = hand_out(db, id, p->st, map, fn, arg, e);
	(void)mysql_stmt_free_result(p->st); /* the rest is thrown away */
	return err;
}

enum err
db_one(struct db *db, enum stmt id, struct db_in in, struct arena *a,
    const struct db_map *map, void *ret_row, struct error *e)
{
	char *rows;
	size_t n;
	enum err err = db_all(db, id, in, a, map, &rows, &n, e);

	if (err != OK)
		return err;
	if (n == 0)
		return error_set(e, ERR_NOT_FOUND, "database: %s: no row",
		    stmt_info(id)->name);
	if (n > 1)
		return error_set(e, ERR_CORRUPT, "database: %s: %zu rows",
		    stmt_info(id)->name, n);
	memcpy(ret_row, rows, map->row_bytes);
	return OK;
}
