/* SPDX-License-Identifier: MIT */
/*
 * Statements: prepared at their first use on a connection and kept as long
 * as it lives. A BULK statement's text holds '@' where its groups of
 * parameters go, and is prepared for 64, 8 and 1 of them: multi-row
 * statements of fixed sizes are what MariaDB and MySQL both have.
 */
#include <stdlib.h>
#include <string.h>

#include <errmsg.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/histogram.h" /* HISTOGRAM_EDGES_MS in statements */
#include "store/db_priv.h"

#define ROWS_PER_LOOK 256 /* at the clock */

const unsigned db_group_sizes[DB_SIZES] = { 64, 8, 1 };

/* The upserts of the rollups name over 100 columns twice. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* clang-format off */
enum {
	U64 = DB_U64, U32 = DB_U32, I64 = DB_I64, BOOL = DB_BOOL, ID = DB_ID,
	OPT = DB_OPT, STR = DB_STR, BYTES = DB_BYTES, B16 = DB_B16,
	B32 = DB_B32, TIME = DB_TIME, DAY = DB_DAY, MONEY = DB_MONEY,
	PPM = DB_PPM, ENUM = DB_ENUM, LIMITS = DB_LIMITS,
};
#define P(...) { __VA_ARGS__ }
#define R(...) { __VA_ARGS__ }
#define NONE { DB_NONE }
static const struct stmt_info infos[STMT__MAX] = {
#define STMT(id, access, params, columns, text) \
	[STMT_##id] = { #id, STMT_##access, params, columns, text, false },
#define BULK(id, access, params, text) \
	[STMT_##id] = { #id, STMT_##access, params, NONE, text, true },
#include "store/stmts.def"
};
#undef P
#undef R
#undef NONE
/* clang-format on */

const struct stmt_info *
stmt_info(enum stmt id)
{
	return &infos[id];
}

size_t
stmt_types_n(const uint8_t types[STMT_TYPES_MAX])
{
	size_t n = 0;

	while (n < STMT_TYPES_MAX && types[n] != DB_NONE)
		n++;
	return n;
}

/* Append "(?,?,?)," n_groups times, without the last comma. */
static char *
add_groups(char *out, size_t n_params, unsigned n_groups)
{
	for (unsigned i = 0; i < n_groups; i++) {
		*out++ = '(';
		for (size_t k = 0; k < n_params; k++) {
			*out++ = '?';
			*out++ = ',';
		}
		out[-1] = ')';
		*out++ = ',';
	}
	return out - 1;
}

char *
stmt_text(enum stmt id, unsigned n_groups)
{
	const struct stmt_info *info = &infos[id];
	const char *mark = info->is_bulk ? strchr(info->text, '@') : NULL;
	size_t n_params = stmt_types_n(info->params);
	size_t n_text = strlen(info->text);
	char *text = malloc(n_text + (n_params * 2 + 2) * n_groups + 1);
	char *out = text;

	ASSERT(text);
	ASSERT(mark || !info->is_bulk);
	if (!mark) {
		memcpy(text, info->text, n_text + 1);
		return text;
	}
	memcpy(out, info->text, (size_t)(mark - info->text));
	out = add_groups(out + (mark - info->text), n_params, n_groups);
	memcpy(out, mark + 1, strlen(mark + 1) + 1);
	return text;
}

static void
unprepare_one(struct db_prepared *p)
{
	if (p->st)
		(void)mysql_stmt_close(p->st); /* the connection may be gone */
	free(p->params);
	free(p->slots);
	memset(p, 0, sizeof(*p));
}

void
db_unprepare(struct db *db)
{
	for (int i = 0; i < STMT__MAX; i++)
		for (int k = 0; k < DB_SIZES; k++)
			unprepare_one(&db->prepared[i][k]);
}

/* An error of a statement. A change that was sent outside a transaction may
 * have been made if the answer is lost. */
static enum err
stmt_fail(struct db *db, enum stmt id, MYSQL_STMT *st, struct error *e)
{
	unsigned number = mysql_stmt_errno(st);
	const char *words = mysql_stmt_error(st);
	enum err err;

	/* What ends rows that are read as they come is said of the connection,
	 * or not at all. */
	if (!number) {
		number = mysql_errno(&db->my);
		words = mysql_error(&db->my);
	}
	if (!number) {
		number = CR_SERVER_LOST;
		words = "lost while rows were read";
	}
	err = db_fail(db, number, words, infos[id].name, e);
	if (!db->in_txn && infos[id].access != STMT_RO &&
	    (number == CR_SERVER_LOST || number == CR_SERVER_LOST_EXTENDED ||
		number == CR_MALFORMED_PACKET))
		return error_set(e, ERR_DB_UNCERTAIN,
		    "database: %s: answer lost: %u", infos[id].name, number);
	return err;
}

static enum err
prepare_text(struct db *db, enum stmt id, struct db_prepared *p,
    const char *text, struct error *e)
{
	MYSQL_STMT *st = mysql_stmt_init(&db->my);

	if (!st)
		return error_set(e, ERR_NO_MEMORY, "database statement");
	p->st = st;
	if (mysql_stmt_prepare(st, text, (unsigned long)strlen(text)) != 0) {
		enum err err = db_fail(db, mysql_stmt_errno(st),
		    mysql_stmt_error(st), infos[id].name, e);

		unprepare_one(p);
		return err;
	}
	if (mysql_stmt_param_count(st) == p->n_params)
		return OK;
	unprepare_one(p);
	return error_set(e, ERR_INTERNAL, "database: %s: parameter count",
	    infos[id].name);
}

/* The statement on this connection, prepared now or before. */
static enum err
get_prepared(struct db *db, enum stmt id, int size, struct db_prepared **ret,
    struct error *e)
{
	struct db_prepared *p = &db->prepared[id][size];
	unsigned n_groups = infos[id].is_bulk ? db_group_sizes[size] : 1;
	enum err err;
	char *text;

	*ret = p;
	if (p->st)
		return OK;
	p->n_params = stmt_types_n(infos[id].params) * n_groups;
	p->params = calloc(p->n_params + 1, sizeof(*p->params));
	p->slots = calloc(p->n_params + 1, sizeof(*p->slots));
	ASSERT(p->params && p->slots);
	text = stmt_text(id, n_groups);
	err = prepare_text(db, id, p, text, e);
	free(text);
	return err;
}

static enum err
execute(struct db *db, enum stmt id, struct db_prepared *p, struct error *e)
{
	if (p->n_params > 0 && mysql_stmt_bind_param(p->st, p->params) != 0)
		return stmt_fail(db, id, p->st, e);
	if (mysql_stmt_execute(p->st) != 0)
		return stmt_fail(db, id, p->st, e);
	return OK;
}

/* The C value of a parameter. */
static const void *
val_data(const struct db_val *v)
{
	if (v->type == DB_B16 || v->type == DB_B32)
		return v->bytes;
	return &v->u64;
}

static enum err
bind_in(enum stmt id, struct db_prepared *p, struct db_in in, struct error *e)
{
	if (in.n != p->n_params)
		return error_set(e, ERR_INTERNAL, "database: %s: %zu values",
		    infos[id].name, in.n);
	for (size_t i = 0; i < in.n; i++) {
		struct db_field f = { .type = in.v[i].type };
		enum err err;

		if (in.v[i].type != infos[id].params[i])
			return error_set(e, ERR_INTERNAL,
			    "database: %s: type of value %zu", infos[id].name,
			    i + 1);
		err = db_bind_param(&p->params[i], &p->slots[i], &f,
		    val_data(&in.v[i]), e);
		if (err != OK)
			return err;
	}
	return OK;
}

/* Prepare, bind and execute a statement that is no BULK. */
static enum err
run(struct db *db, enum stmt id, struct db_in in, struct db_prepared **ret,
    struct error *e)
{
	enum err err = db_ready(db, e);

	if (err == OK)
		err = get_prepared(db, id, infos[id].is_bulk ? DB_SIZES - 1 : 0,
		    ret, e);
	if (err == OK)
		err = bind_in(id, *ret, in, e);
	if (err == OK)
		err = execute(db, id, *ret, e);
	return err;
}

/* run() for reading: on a connection that proves dead, once more. */
static enum err
run_read(struct db *db, enum stmt id, struct db_in in, struct db_prepared **ret,
    struct error *e)
{
	enum err err = run(db, id, in, ret, e);

	if (err == ERR_DB_DOWN && db->is_open && db->is_broken && !db->in_txn &&
	    infos[id].access == STMT_RO)
		err = run(db, id, in, ret, e);
	return err;
}

enum err
db_exec(struct db *db, enum stmt id, struct db_in in, uint64_t *ret_matched,
    struct error *e)
{
	struct db_prepared *p;
	enum err err = run(db, id, in, &p, e);

	if (err == OK && ret_matched)
		*ret_matched = mysql_stmt_affected_rows(p->st);
	return err;
}

enum err
db_insert(struct db *db, enum stmt id, struct db_in in, uint64_t *ret_id,
    struct error *e)
{
	struct db_prepared *p;
	enum err err = run(db, id, in, &p, e);

	if (err == OK)
		*ret_id = mysql_stmt_insert_id(p->st);
	return err;
}

/* What one row is received in. */
struct receiver {
	MYSQL_BIND binds[STMT_TYPES_MAX];
	struct db_slot slots[STMT_TYPES_MAX];
	char texts[][DB_TEXT_BYTES];
};

static enum err
check_map(enum stmt id, const struct db_map *map, const uint8_t *types,
    struct error *e)
{
	if (map->n != stmt_types_n(types))
		return error_set(e, ERR_INTERNAL, "database: %s: %zu fields",
		    infos[id].name, map->n);
	for (size_t i = 0; i < map->n; i++)
		if (map->f[i].type != types[i])
			return error_set(e, ERR_INTERNAL,
			    "database: %s: type of field %zu", infos[id].name,
			    i + 1);
	return OK;
}

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
		return stmt_fail(db, id, st, e);
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
					 infos[id].name, i + 1)
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
		return stmt_fail(db, id, st, e);
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
		    infos[id].name, mysql_stmt_field_count(st));
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
	return stmt_fail(db, id, st, e);
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
			    "database: %s: rows are missing", infos[id].name);
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
		return stmt_fail(db, id, st, e);
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
			    "database: %s: field %zu is text", infos[id].name,
			    i + 1);
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
	return db_fail(db, CR_SERVER_LOST, "it takes too long", infos[id].name,
	    e);
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
	enum err err = check_map(id, map, infos[id].columns, e);

	if (err != OK)
		return err;
	err = run_read(db, id, in, &p, e);
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
	enum err err = check_map(id, map, infos[id].columns, e);

	if (!err)
		err = check_no_texts(id, map, e);
	if (!err)
		err = run_read(db, id, in, &p, e);
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
		    infos[id].name);
	if (n > 1)
		return error_set(e, ERR_CORRUPT, "database: %s: %zu rows",
		    infos[id].name, n);
	memcpy(ret_row, rows, map->row_bytes);
	return OK;
}

static enum err
bind_group(struct db_prepared *p, unsigned group, const struct db_map *map,
    const char *row, struct error *e)
{
	for (size_t i = 0; i < map->n; i++) {
		size_t k = group * map->n + i;
		enum err err = db_bind_param(&p->params[k], &p->slots[k],
		    &map->f[i], row + map->f[i].off, e);

		if (err != OK)
			return err;
	}
	return OK;
}

/* One execution over as many rows as the size has groups. */
static enum err
bulk_once(struct db *db, enum stmt id, int size, const struct db_map *map,
    const char *rows, struct db_prepared **ret, struct error *e)
{
	enum err err = db_ready(db, e);

	if (err == OK)
		err = get_prepared(db, id, size, ret, e);
	for (unsigned i = 0; err == OK && i < db_group_sizes[size]; i++)
		err = bind_group(*ret, i, map, rows + i * map->row_bytes, e);
	if (err == OK)
		err = execute(db, id, *ret, e);
	return err;
}

enum err
db_bulk(struct db *db, enum stmt id, const struct db_map *map, const void *rows,
    size_t n, struct error *e)
{
	const char *row = rows;
	enum err err = check_map(id, map, infos[id].params, e);

	for (int size = 0; err == OK && n > 0;) {
		struct db_prepared *p;

		if (n < db_group_sizes[size]) {
			size++;
			continue;
		}
		err = bulk_once(db, id, size, map, row, &p, e);
		row += db_group_sizes[size] * map->row_bytes;
		n -= db_group_sizes[size];
	}
	return err;
}

enum err
db_insert_row(struct db *db, enum stmt id, const struct db_map *map,
    const void *row, uint64_t *ret_id, struct error *e)
{
	struct db_prepared *p;
	enum err err = check_map(id, map, infos[id].params, e);

	if (err == OK)
		err = bulk_once(db, id, DB_SIZES - 1, map, row, &p, e);
	if (err == OK)
		*ret_id = mysql_stmt_insert_id(p->st);
	return err;
}
