/* SPDX-License-Identifier: MIT */
/* What the parts of db share: db.c (connection, transactions), db_stmt.c
 * (statements), db_rows.c (what they answer), db_bind.c (values). Nothing else includes <mysql.h>. */
#ifndef TG_STORE_DB_PRIV_H
#define TG_STORE_DB_PRIV_H

#include <mysql.h>

#include "store/db.h"

/* MariaDB's library has a type of its own for truth values. */
#ifdef HAVE_MY_BOOL
typedef my_bool db_flag;
#else
typedef bool db_flag;
#endif

/* A BULK statement is prepared for these numbers of groups. */
#define DB_SIZES 3
extern const unsigned db_group_sizes[DB_SIZES]; /* 64, 8, 1 */

/* Longest text fetched without asking for its length first. */
#define DB_TEXT_BYTES 256

/* What a value needs besides its MYSQL_BIND while it travels. */
struct db_slot {
	union {
		MYSQL_TIME time;
		char text[48]; /* decimals */
		uint64_t u64;
		int64_t i64;
	};
	unsigned long len;
	db_flag is_null;
	db_flag is_cut;
};

/* A statement as it was prepared on this connection. */
struct db_prepared {
	MYSQL_STMT *st; /* NULL: not yet */
	size_t n_params;
	MYSQL_BIND *params;
	struct db_slot *slots;
};

struct db {
	struct db_options opt;
	MYSQL my;
	bool is_open;
	bool is_broken; /* to be closed before the next use */
	bool in_txn;
	bool is_snapshot; /* which is one of db_snapshot() */
	uint64_t generation;
	struct db_prepared prepared[STMT__MAX][DB_SIZES];
};

/* Texts that can't be prepared on both servers. */
enum db_text {
#define TEXT(id, text) TEXT_##id,
#include "store/stmts.def"
	TEXT__MAX
};
extern const char *const db_texts[TEXT__MAX];

/** A live connection: connects, or connects again if the server closed it
 * since the last use. In a transaction it only looks. */
enum err db_ready(struct db *db, struct error *e) ATTR_MUST_CHECK;
/** The connection's descriptor. */
int db_socket(struct db *db);
/** Run one of the texts. */
enum err db_run_text(struct db *db, enum db_text id,
    struct error *e) ATTR_MUST_CHECK;
/** Turn the server's or library's error number into ours. */
enum err db_fail(struct db *db, unsigned number, const char *words,
    const char *what, struct error *e);
/** Whether the error number means that the connection is gone. */
bool db_is_lost(unsigned number);
/** What went wrong with a statement. A change that was sent outside a transaction
 * may have been made if the answer is lost. */
enum err db_stmt_fail(struct db *db, enum stmt id, MYSQL_STMT *st,
    struct error *e);
/** Prepare, bind and execute one that reads: on a connection that proves dead,
 * once more. */
enum err db_run_read(struct db *db, enum stmt id, struct db_in in,
    struct db_prepared **ret, struct error *e) ATTR_MUST_CHECK;
/** Whether a map has the types of a statement's parameters or columns. */
enum err db_check_map(enum stmt id, const struct db_map *map,
    const uint8_t *types, struct error *e) ATTR_MUST_CHECK;
/** Forget all prepared statements; the connection may be gone already. */
void db_unprepare(struct db *db);

/** Point a parameter at the C value p. Errors: ERR_BAD_PARAM an enum out of
 * its table, a negative amount of something. */
enum err db_bind_param(MYSQL_BIND *b, struct db_slot *s,
    const struct db_field *f, const void *p, struct error *e) ATTR_MUST_CHECK;
/** Prepare to receive a column; text is a buffer of DB_TEXT_BYTES. */
void db_bind_column(MYSQL_BIND *b, struct db_slot *s, enum db_type type,
    char *text);
/** Move a received column into the struct member p. text is the whole text
 * of text types. */
enum err db_take_column(const struct db_slot *s, const struct db_field *f,
    struct str text, void *p, struct arena *a, struct error *e) ATTR_MUST_CHECK;
/** Whether a type is received as text. */
bool db_is_text(enum db_type type);

#endif
