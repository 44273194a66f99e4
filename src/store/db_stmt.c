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

#include "base/histogram.h" /* HISTOGRAM_EDGES_MS in statements */
#include "store/db_priv.h"

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

enum err
db_stmt_fail(struct db *db, enum stmt id, MYSQL_STMT *st, struct error *e)
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
		return db_stmt_fail(db, id, p->st, e);
	if (mysql_stmt_execute(p->st) != 0)
		return db_stmt_fail(db, id, p->st, e);
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

enum err
db_run_read(struct db *db, enum stmt id, struct db_in in,
    struct db_prepared **ret, struct error *e)
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

enum err
db_check_map(enum stmt id, const struct db_map *map, const uint8_t *types,
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
	enum err err = db_check_map(id, map, infos[id].params, e);

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
	enum err err = db_check_map(id, map, infos[id].params, e);

	if (err == OK)
		err = bulk_once(db, id, DB_SIZES - 1, map, row, &p, e);
	if (err == OK)
		*ret_id = mysql_stmt_insert_id(p->st);
	return err;
}
