/* SPDX-License-Identifier: MIT */
/*
 * The connection to MariaDB or MySQL: options, statements prepared once per
 * connection, typed parameters and rows, transactions. The only module that
 * knows <mysql.h>; statement texts are in stmts.def. It does not know what
 * the rows mean. Reconnecting is done here, never by the client library.
 *
 * A struct db belongs to one thread at a time; db_pool lends them.
 */
#ifndef TG_STORE_DB_H
#define TG_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limit_set.h"
#include "base/str.h"

struct conf;
struct db;

/* Where and how to connect. The texts must outlive the connection. */
struct db_options {
	const char *socket; /* path; NULL or "": use host */
	const char *host;   /* anything but localhost must speak TLS */
	unsigned port;
	const char *user;
	const char *password; /* NULL or "": none */
	const char *name;     /* database; NULL: none selected */
	const char *tls_ca;   /* file; NULL or "": the system's */
	unsigned connect_timeout_s;
	unsigned query_timeout_s; /* of each read and each write */
};
/** As configured. The texts are the configuration's. */
void db_options_of(const struct conf *conf, struct db_options *ret);

/* Once per process, before any thread. */
enum err db_library_init(struct error *e) ATTR_MUST_CHECK;
void db_library_fini(void);
/* At the end of a thread that used a connection. */
void db_thread_fini(void);

/* How a value travels between C and SQL. */
enum db_type {
	DB_NONE,   /* no value: ends an empty list in stmts.def */
	DB_U64,    /* uint64_t */
	DB_U32,    /* uint32_t */
	DB_I64,    /* int64_t */
	DB_BOOL,   /* bool <-> TINYINT */
	DB_ID,     /* uint64_t; 0 <-> NULL */
	DB_OPT,    /* int64_t; -1 <-> NULL: limits and the like */
	DB_STR,    /* struct str, UTF-8; p == NULL <-> NULL */
	DB_BYTES,  /* struct str, any bytes; p == NULL <-> NULL */
	DB_B16,    /* uint8_t[16] <-> BINARY(16) */
	DB_B32,    /* uint8_t[32] <-> BINARY(32) */
	DB_TIME,   /* int64_t ms UTC <-> DATETIME(6); 0 <-> NULL */
	DB_DAY,    /* int64_t ms UTC <-> DATE; 0 <-> NULL */
	DB_MONEY,  /* int64_t pico-USD <-> DECIMAL(20,12); the value
		     DB_MONEY_NULL <-> NULL */
	DB_PPM,    /* uint64_t millionths <-> DECIMAL(9,6) */
	DB_ENUM,   /* enum <-> ENUM, by a table of names */
	DB_LIMITS, /* struct limit_set <- text of limit_set_parse(); columns
		      only */
};

#define DB_MONEY_NULL INT64_MIN

/* One parameter. Made by the functions below, so the type is never wrong. */
struct db_val {
	enum db_type type;
	union {
		uint64_t u64;
		int64_t i64;
		uint32_t u32;
		bool b;
		struct str str;
		const uint8_t *bytes;
	};
};

/* The parameters of one call. */
struct db_in {
	const struct db_val *v;
	size_t n;
};

#define DB_IN(...)                                        \
 ((struct db_in){ (const struct db_val[]){ __VA_ARGS__ }, \
     sizeof((const struct db_val[]){ __VA_ARGS__ }) / sizeof(struct db_val) })
#define DB_IN_NONE ((struct db_in){ NULL, 0 })

#define DB_VAL_FN(fn, TYPE, member, ctype)                 \
 static inline struct db_val fn(ctype value)               \
 {                                                         \
  return (struct db_val){ .type = TYPE, .member = value }; \
 }
DB_VAL_FN(db_u64, DB_U64, u64, uint64_t)
DB_VAL_FN(db_u32, DB_U32, u32, uint32_t)
DB_VAL_FN(db_i64, DB_I64, i64, int64_t)
DB_VAL_FN(db_bool, DB_BOOL, b, bool)
DB_VAL_FN(db_id, DB_ID, u64, uint64_t)
DB_VAL_FN(db_opt, DB_OPT, i64, int64_t)
DB_VAL_FN(db_str, DB_STR, str, struct str)
DB_VAL_FN(db_bytes, DB_BYTES, str, struct str)
DB_VAL_FN(db_b16, DB_B16, bytes, const uint8_t *)
DB_VAL_FN(db_b32, DB_B32, bytes, const uint8_t *)
DB_VAL_FN(db_time, DB_TIME, i64, int64_t)
DB_VAL_FN(db_day, DB_DAY, i64, int64_t)
DB_VAL_FN(db_money, DB_MONEY, i64, int64_t)
DB_VAL_FN(db_ppm, DB_PPM, u64, uint64_t)
#undef DB_VAL_FN

/* Where one column of a row lies in a struct. */
struct db_field {
	enum db_type type;
	size_t off;
	const char *const *names; /* DB_ENUM: texts by value */
	unsigned n_names;
};

/* A struct as a row: its columns in the statement's order. */
struct db_map {
	const struct db_field *f;
	size_t n;
	size_t row_bytes;
};

/* C type behind each db_type, for the compile-time check of DB_FIELD. */
typedef uint64_t db_c_U64, db_c_ID, db_c_PPM;
typedef int64_t db_c_I64, db_c_OPT, db_c_TIME, db_c_DAY, db_c_MONEY;
typedef uint32_t db_c_U32;
typedef bool db_c_BOOL;
typedef struct str db_c_STR, db_c_BYTES;
typedef struct limit_set db_c_LIMITS;
typedef uint8_t db_c_B16[16], db_c_B32[32];

/* A field whose member has another C type does not compile. */
#define DB_FIELD(S, member, TYPE)                                             \
 {                                                                            \
  .type = DB_##TYPE, .off = offsetof(S, member) +                             \
			    0 * sizeof(&((S *)0)->member == (db_c_##TYPE *)0) \
 }
#define DB_FIELD_ENUM(S, member, name_table)                       \
 {                                                                 \
  .type = DB_ENUM,                                                 \
  .off = offsetof(S, member) +                                     \
	 0 * sizeof(char[sizeof(((S *)0)->member) == 4 ? 1 : -1]), \
  .names = (name_table),                                           \
  .n_names = sizeof(name_table) / sizeof((name_table)[0])          \
 }
#define DB_MAP(S, fields)                                   \
 {                                                          \
  (fields), sizeof(fields) / sizeof((fields)[0]), sizeof(S) \
 }

enum stmt {
#define STMT(id, ...) STMT_##id,
#define BULK(id, ...) STMT_##id,
#include "store/stmts.def"
#undef STMT
#undef BULK
	STMT__MAX
};

/* Who may run a statement, and so which account prepares it in the tests. */
enum stmt_access {
	STMT_RO,  /* reads */
	STMT_RW,  /* the account tollgate */
	STMT_OWN, /* the account tollgate_migrate */
};

/* Most parameters of a statement or group, and most columns of a row. */
#define STMT_TYPES_MAX 112

/* One row of stmts.def, for tests and documents. */
struct stmt_info {
	const char *name;
	enum stmt_access access;
	/* enum db_type; the lists end by DB_NONE */
	uint8_t params[STMT_TYPES_MAX]; /* of a BULK: of one group */
	uint8_t columns[STMT_TYPES_MAX];
	const char *text; /* of a BULK: '@' stands for the groups */
	bool is_bulk;
};

const struct stmt_info *stmt_info(enum stmt id);
/** Length of a list of types. */
size_t stmt_types_n(const uint8_t types[STMT_TYPES_MAX]);
/**
 * Text as it is prepared, a BULK with n_groups groups.
 * Memory: malloc; free().
 */
char *stmt_text(enum stmt id, unsigned n_groups);

/**
 * A connection object; connects at its first use, and again when the server
 * went away between two uses.
 * Memory: malloc; db_free().
 */
struct db *db_new(const struct db_options *opt);
void db_free(struct db *db);
/** Connect now, whatever was before. Errors: ERR_DB_DOWN, also when the
 * server refuses the account; the server's words are in e->internal. */
enum err db_connect(struct db *db, struct error *e) ATTR_MUST_CHECK;
/** Whether it is connected as far as can be told without asking. */
bool db_is_alive(struct db *db);
/** Counts connections made, so that the flusher notices a new one. */
uint64_t db_generation(const struct db *db);

/*
 * Running statements.
 *
 * Errors of all. Will not pass when tried again: ERR_CONFLICT a unique key
 * is taken (1062); ERR_BAD_PARAM the server refuses a value or a reference
 * (range, length, CHECK, foreign key); ERR_MONEY_RANGE. May pass:
 * ERR_DB_RETRY deadlock or lock wait time-out, run the whole transaction
 * again; ERR_DB_DOWN no connection, or a server that cannot serve now (read
 * only, full disk, tables gone while a dump is restored, a schema older than
 * this program, rights missing);
 * ERR_DB_UNCERTAIN the connection was lost after a change was sent;
 * ERR_DB_QUERY anything else that the server says; ERR_NO_MEMORY.
 */

/**
 * A statement without rows.
 * @ret_matched  rows that the conditions met, changed or not; or NULL
 */
enum err db_exec(struct db *db, enum stmt id, struct db_in in,
    uint64_t *ret_matched, struct error *e) ATTR_MUST_CHECK;
/** An INSERT; gives the AUTO_INCREMENT value. */
enum err db_insert(struct db *db, enum stmt id, struct db_in in,
    uint64_t *ret_id, struct error *e) ATTR_MUST_CHECK;
/**
 * The one row of a SELECT into *ret_row, a struct as map says.
 * Errors: ERR_NOT_FOUND no row; ERR_CORRUPT more than one.
 * Memory: texts in a.
 */
enum err db_one(struct db *db, enum stmt id, struct db_in in, struct arena *a,
    const struct db_map *map, void *ret_row, struct error *e) ATTR_MUST_CHECK;
/** The one number of the one row; after an error *ret is what it was. */
enum err db_number(struct db *db, enum stmt id, struct db_in in, uint64_t *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * All rows of a SELECT as an array of structs in a. No row is no error.
 * The statement bounds its rows by LIMIT or by what it asks for.
 */
enum err db_all(struct db *db, enum stmt id, struct db_in in, struct arena *a,
    const struct db_map *map, void *ret_rows, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** What is done with one row, a struct as the map says; it is overwritten by
 * the next. Asks the same db for nothing. */
typedef enum err db_row_fn(const void *row, void *arg, struct error *e);

/**
 * fn with each row of a SELECT as it comes, in memory for one: there may be
 * any number. An error of fn is given back; the rest is thrown away then, but
 * still sent. Before any error fn may have had rows. All of them may take
 * query_timeout_s.
 * @map  of no texts, DB_STR, DB_BYTES or DB_LIMITS: ERR_INTERNAL
 */
enum err db_each(struct db *db, enum stmt id, struct db_in in,
    const struct db_map *map, db_row_fn *fn, void *arg,
    struct error *e) ATTR_MUST_CHECK;
/**
 * A BULK statement over n structs, in executions of 64, 8 and 1 groups.
 * Outside a transaction each execution commits by itself.
 */
enum err db_bulk(struct db *db, enum stmt id, const struct db_map *map,
    const void *rows, size_t n, struct error *e) ATTR_MUST_CHECK;
/** One group of a BULK INSERT; gives the AUTO_INCREMENT value. */
enum err db_insert_row(struct db *db, enum stmt id, const struct db_map *map,
    const void *row, uint64_t *ret_id, struct error *e) ATTR_MUST_CHECK;

typedef enum err db_txn_fn(struct db *db, void *arg, struct error *e);

/**
 * Run fn between START TRANSACTION and COMMIT (READ COMMITTED); on an error
 * of fn, ROLLBACK and that error. fn runs again, up to 5 times in all, on
 * ERR_DB_RETRY: it must set what it returns through arg anew each time.
 * Not inside a transaction.
 * Errors: those of fn; ERR_DB_UNCERTAIN when the answer to COMMIT is lost.
 */
enum err db_txn(struct db *db, db_txn_fn *fn, void *arg,
    struct error *e) ATTR_MUST_CHECK;
/** fn in the open transaction if there is one, else as db_txn(). */
enum err db_atomic(struct db *db, db_txn_fn *fn, void *arg,
    struct error *e) ATTR_MUST_CHECK;
/** fn reads one consistent snapshot (REPEATABLE READ, read only): that which is
 * open, if there is one. Not inside another transaction. */
enum err db_snapshot(struct db *db, db_txn_fn *fn, void *arg,
    struct error *e) ATTR_MUST_CHECK;
bool db_in_txn(const struct db *db);

/** Text of a migration or of grants, run as it is. Not for anything else. */
enum err db_run_script_statement(struct db *db, struct str text,
    struct error *e) ATTR_MUST_CHECK;
/** Whether that text failed, just now, because what it makes is there already,
 * or what it takes away is not. */
bool db_script_was_done(struct db *db, struct str text);
/** Bytes of an identifier of the server, such as "10.11.6-MariaDB". */
enum err db_server_version(struct db *db, struct arena *a, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
