/* SPDX-License-Identifier: MIT */
/*
 * Connections and transactions. The client library never reconnects by
 * itself: it would lose the session's settings and our prepared statements
 * without a word.
 */
#include "store/db.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <errmsg.h>
#include <mysqld_error.h>

#include "base/histogram.h" /* HISTOGRAM_EDGES_MS in statements */
#include "base/rng.h"
#include "store/db_priv.h"

#define TXN_TRIES 5

const char *const db_texts[TEXT__MAX] = {
#define TEXT(id, text) [TEXT_##id] = text,
#include "store/stmts.def"
};

enum err
db_library_init(struct error *e)
{
	if (mysql_library_init(0, NULL, NULL) != 0)
		return error_set(e, ERR_NO_MEMORY,
		    "database library: initialisation");
	return OK;
}

void
db_library_fini(void)
{
	mysql_library_end();
}

void
db_thread_fini(void)
{
	mysql_thread_end();
}

struct db *
db_new(const struct db_options *opt)
{
	struct db *db = calloc(1, sizeof(*db));

	ASSERT(db);
	db->opt = *opt;
	return db;
}

static void
db_close(struct db *db)
{
	if (!db->is_open)
		return;
	db_unprepare(db);
	mysql_close(&db->my);
	db->is_open = false;
	db->is_broken = false;
	db->in_txn = false;
}

void
db_free(struct db *db)
{
	if (!db)
		return;
	db_close(db);
	free(db);
}

uint64_t
db_generation(const struct db *db)
{
	return db->generation;
}

bool
db_in_txn(const struct db *db)
{
	return db->in_txn;
}

static const char *
text_or_null(const char *text)
{
	return text && text[0] ? text : NULL;
}

static bool
is_local(const struct db_options *opt)
{
	const char *host = text_or_null(opt->host);

	return text_or_null(opt->socket) || !host ||
	       strcmp(host, "localhost") == 0 ||
	       strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

/* A host that is reached over a network must prove who it is. Version 3.3 of
 * MariaDB's library would neither insist nor look. */
static void
demand_tls(struct db *db)
{
	const char *ca = text_or_null(db->opt.tls_ca);
#ifdef MARIADB_PACKAGE_VERSION
	db_flag on = 1;

	mysql_options(&db->my, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(&db->my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
#else
	unsigned mode = SSL_MODE_VERIFY_IDENTITY;

	mysql_options(&db->my, MYSQL_OPT_SSL_MODE, &mode);
#endif
	if (ca)
		mysql_options(&db->my, MYSQL_OPT_SSL_CA, ca);
}

static void
set_options(struct db *db)
{
	mysql_options(&db->my, MYSQL_OPT_CONNECT_TIMEOUT,
	    &db->opt.connect_timeout_s);
	mysql_options(&db->my, MYSQL_OPT_READ_TIMEOUT,
	    &db->opt.query_timeout_s);
	mysql_options(&db->my, MYSQL_OPT_WRITE_TIMEOUT,
	    &db->opt.query_timeout_s);
	mysql_options(&db->my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (!is_local(&db->opt))
		demand_tls(db);
}

enum err
db_connect(struct db *db, struct error *e)
{
	const char *socket = text_or_null(db->opt.socket);
	enum err err = OK;

	db_close(db);
	if (!mysql_init(&db->my))
		return error_set(e, ERR_NO_MEMORY, "database connection");
	db->is_open = true;
	set_options(db);
	/* CLIENT_FOUND_ROWS: an UPDATE tells the rows it met, also those that
	 * held the new values already. */
	if (!mysql_real_connect(&db->my,
		socket ? "localhost" : text_or_null(db->opt.host),
		text_or_null(db->opt.user), text_or_null(db->opt.password),
		text_or_null(db->opt.name), db->opt.port, socket,
		CLIENT_FOUND_ROWS))
		err = db_fail(db, mysql_errno(&db->my), mysql_error(&db->my),
		    "connect", e);
	if (err == OK)
		err = db_run_text(db, TEXT_SESSION, e);
	if (err == OK)
		err = db_run_text(db, TEXT_SESSION_LEVEL, e);
	if (err != OK) {
		db_close(db);
		return err;
	}
	db->generation++;
	return OK;
}

static bool
is_among(unsigned number, const unsigned *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == number)
			return true;
	return false;
}

bool
db_is_lost(unsigned number)
{
	static const unsigned lost[] = { CR_CONN_HOST_ERROR,
		CR_CONNECTION_ERROR, CR_IPSOCK_ERROR, CR_UNKNOWN_HOST,
		CR_SERVER_GONE_ERROR, CR_SERVER_HANDSHAKE_ERR, CR_SERVER_LOST,
		CR_SSL_CONNECTION_ERROR, CR_MALFORMED_PACKET,
		CR_SERVER_LOST_EXTENDED, ER_SERVER_SHUTDOWN, ER_NET_READ_ERROR,
		ER_NET_READ_INTERRUPTED, ER_NET_ERROR_ON_WRITE,
		ER_NET_WRITE_INTERRUPTED, ER_QUERY_INTERRUPTED,
		1927 /* MariaDB: connection killed */,
		3169 /* MySQL: session killed */,
		4031 /* MySQL: idle for too long */ };

	return is_among(number, lost, ARRAY_LEN(lost));
}

/* The server is there but cannot serve now: full disk, read only, restoring
 * a dump, too many connections, rights being changed; or its schema is older
 * than this program and has no table, column or name of an ENUM yet. It may
 * pass. */
static bool
is_unfit(unsigned number)
{
	static const unsigned unfit[] = { ER_CON_COUNT_ERROR,
		ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED,
		ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED, ER_NO_DB_ERROR,
		ER_BAD_DB_ERROR, ER_NO_SUCH_TABLE, ER_BAD_FIELD_ERROR,
		ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR,
		ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
		WARN_DATA_TRUNCATED, 1021 /* disk full */, ER_RECORD_FILE_FULL,
		ER_GET_ERRNO, ER_ERROR_ON_WRITE, ER_OUTOFMEMORY,
		ER_OUT_OF_RESOURCES, ER_OPTION_PREVENTS_STATEMENT,
		ER_UNKNOWN_COM_ERROR, 1047 /* Galera: not ready */,
		1836 /* read-only mode */,
		1969 /* MariaDB: statement time-out */,
		3024 /* MySQL: the same */ };

	/* Below 1000: the server's own trouble with files and memory. */
	return is_among(number, unfit, ARRAY_LEN(unfit)) ||
	       (number > 0 && number < 1000);
}

/* The values themselves are at fault; the same ones will fail again. */
static bool
is_bad_value(unsigned number)
{
	static const unsigned bad[] = { ER_BAD_NULL_ERROR,
		ER_CANT_AGGREGATE_2COLLATIONS, /* ASCII with what isn't */
		ER_WARN_DATA_OUT_OF_RANGE, ER_TRUNCATED_WRONG_VALUE_FOR_FIELD,
		ER_DATA_TOO_LONG, ER_TRUNCATED_WRONG_VALUE,
		ER_NO_DEFAULT_FOR_FIELD, ER_NO_REFERENCED_ROW,
		ER_NO_REFERENCED_ROW_2, ER_ROW_IS_REFERENCED,
		ER_ROW_IS_REFERENCED_2, ER_DATA_OUT_OF_RANGE,
		ER_NO_PARTITION_FOR_GIVEN_VALUE,
		ER_CANT_AGGREGATE_2COLLATIONS /* ü asked of an ASCII column */,
		3819 /* MySQL: CHECK */, 4025 /* MariaDB: CHECK */ };

	return is_among(number, bad, ARRAY_LEN(bad));
}

static enum err
code_of(unsigned number)
{
	if (db_is_lost(number) || is_unfit(number))
		return ERR_DB_DOWN;
	if (is_bad_value(number))
		return ERR_BAD_PARAM;
	switch (number) {
	case ER_DUP_ENTRY:
	case ER_DUP_ENTRY_WITH_KEY_NAME:
		return ERR_CONFLICT;
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
	case 1020: /* MariaDB: the row changed under a snapshot */
	case 1615: /* the statement must be prepared again */
	case ER_UNKNOWN_STMT_HANDLER:
		return ERR_DB_RETRY;
	default:
		return ERR_DB_QUERY;
	}
}

enum err
db_fail(struct db *db, unsigned number, const char *words, const char *what,
    struct error *e)
{
	enum err code = code_of(number);

	/* After an error of the library itself the stream's state is unknown.
	 * A server that is unfit may be the wrong one after a failover. */
	if (code == ERR_DB_DOWN || number >= CR_MIN_ERROR || number == 1615 ||
	    number == ER_UNKNOWN_STMT_HANDLER)
		db->is_broken = true;
	return error_set(e, code, "database: %s: %u: %s", what, number, words);
}

enum err
db_run_text(struct db *db, enum db_text id, struct error *e)
{
	const char *text = db_texts[id];

	if (mysql_real_query(&db->my, text, (unsigned long)strlen(text)) == 0)
		return OK;
	return db_fail(db, mysql_errno(&db->my), mysql_error(&db->my), text, e);
}

int
db_socket(struct db *db)
{
#ifdef MARIADB_PACKAGE_VERSION
	return (int)mysql_get_socket(&db->my);
#else
	return (int)db->my.net.fd;
#endif
}

/* Whether the server has closed the connection, or said good-bye, since the
 * last answer: on an idle connection nothing may be waiting to be read. */
static bool
is_closed_by_server(struct db *db)
{
	struct pollfd p = { .fd = db_socket(db), .events = POLLIN };

	if (poll(&p, 1, 0) == 0)
		return false;
	return mysql_ping(&db->my) != 0;
}

bool
db_is_alive(struct db *db)
{
	return db->is_open && !db->is_broken && !is_closed_by_server(db);
}

enum err
db_ready(struct db *db, struct error *e)
{
	if (db->in_txn) {
		if (db->is_open && !db->is_broken)
			return OK;
		return error_set(e, ERR_DB_DOWN,
		    "database: connection lost in a transaction");
	}
	if (db_is_alive(db))
		return OK;
	return db_connect(db, e);
}

/* Begin; on a connection that turns out to be dead, once more on a new one:
 * nothing has been done yet. */
static enum err
begin(struct db *db, bool is_snapshot, struct error *e)
{
	enum err err = OK;

	for (int i = 0; i < 2; i++) {
		err = db_ready(db, e);
		if (err != OK)
			return err;
		if (is_snapshot)
			err = db_run_text(db, TEXT_SNAPSHOT_LEVEL, e);
		if (err == OK)
			err = db_run_text(db,
			    is_snapshot ? TEXT_SNAPSHOT : TEXT_BEGIN, e);
		if (err == OK) {
			db->in_txn = true;
			db->is_snapshot = is_snapshot;
		}
		if (!db->is_broken)
			return err;
	}
	return err;
}

static void
roll_back(struct db *db)
{
	if (!db->is_broken && mysql_rollback(&db->my) != 0)
		db->is_broken = true;
	db->in_txn = false;
	/* Then the server rolls back by itself, and its locks are gone now, not
	 * when somebody needs a connection again. */
	if (db->is_broken)
		db_close(db);
}

static enum err
commit(struct db *db, struct error *e)
{
	enum err err;

	if (db->is_broken) {
		roll_back(db);
		return error_set(e, ERR_DB_DOWN,
		    "database: connection lost in a transaction");
	}
	if (mysql_commit(&db->my) == 0) {
		db->in_txn = false;
		return OK;
	}
	err = db_fail(db, mysql_errno(&db->my), mysql_error(&db->my), "commit",
	    e);
	if (err == ERR_DB_RETRY)
		roll_back(db);
	else
		err = error_set(e, ERR_DB_UNCERTAIN,
		    "database: answer to commit lost: %u: %s",
		    mysql_errno(&db->my), mysql_error(&db->my));
	db->in_txn = false;
	return err;
}

static enum err
txn_once(struct db *db, db_txn_fn *fn, void *arg, bool is_snapshot,
    struct error *e)
{
	enum err err = begin(db, is_snapshot, e);

	if (err != OK)
		return err;
	err = fn(db, arg, e);
	if (err == OK)
		return commit(db, e);
	roll_back(db);
	return err;
}

/* Wait a little, differently in each process, so that two that met in a
 * deadlock do not meet again. */
static void
pause_before_retry(int try)
{
	uint32_t ms = rng_below(10U << try) + 1U;
	struct timespec t = { .tv_sec = 0, .tv_nsec = (long)ms * 1000000L };

	(void)nanosleep(&t, NULL); /* waking early is fine */
}

static enum err
txn(struct db *db, db_txn_fn *fn, void *arg, bool is_snapshot, struct error *e)
{
	enum err err = OK;

	ASSERT(!db->in_txn);
	for (int i = 0; i < TXN_TRIES; i++) {
		if (i > 0)
			pause_before_retry(i);
		err = txn_once(db, fn, arg, is_snapshot, e);
		if (err != ERR_DB_RETRY)
			return err;
	}
	return err;
}

enum err
db_txn(struct db *db, db_txn_fn *fn, void *arg, struct error *e)
{
	return txn(db, fn, arg, false, e);
}

enum err
db_snapshot(struct db *db, db_txn_fn *fn, void *arg, struct error *e)
{
	if (!db->in_txn)
		return txn(db, fn, arg, true, e);
	ASSERT(db->is_snapshot);
	return fn(db, arg, e);
}

enum err
db_atomic(struct db *db, db_txn_fn *fn, void *arg, struct error *e)
{
	if (db->in_txn)
		return fn(db, arg, e);
	return db_txn(db, fn, arg, e);
}

enum err
db_run_script_statement(struct db *db, struct str text, struct error *e)
{
	enum err err = db_ready(db, e);

	if (err != OK)
		return err;
	if (mysql_real_query(&db->my, text.p, (unsigned long)text.n) == 0)
		return OK;
	return db_fail(db, mysql_errno(&db->my), mysql_error(&db->my), "script",
	    e);
}

bool
db_script_was_done(struct db *db, struct str text)
{
	static const unsigned done[] = { ER_TABLE_EXISTS_ERROR,
		ER_BAD_TABLE_ERROR, ER_BAD_FIELD_ERROR, ER_DUP_FIELDNAME,
		ER_DUP_KEYNAME, ER_MULTIPLE_PRI_KEY, ER_CANT_DROP_FIELD_OR_KEY,
		1826 /* a constraint of that name */,
		3822 /* MySQL: a CHECK of that name */ };

	/* No other statement brings it about that there is no such table. */
	if (str_starts(text, S("RENAME ")))
		return mysql_errno(&db->my) == ER_NO_SUCH_TABLE;
	return is_among(mysql_errno(&db->my), done, ARRAY_LEN(done));
}

enum err
db_server_version(struct db *db, struct arena *a, struct str *ret,
    struct error *e)
{
	enum err err = db_ready(db, e);

	if (err != OK)
		return err;
	*ret = arena_strdup(a, str_from(mysql_get_server_info(&db->my)));
	return ret->p ? OK : error_arena(e, a);
}
