/* SPDX-License-Identifier: MIT */
/*
 * Applies the numbered files of sql/schema/ in order, forward only. Each is
 * recorded with its checksum; an applied file that was edited, or a recorded
 * number that has no file, is refused. A lease row keeps two runs apart.
 */
#ifndef TG_STORE_MIGRATE_H
#define TG_STORE_MIGRATE_H

#include "store/db.h"

/* Told of each file; may be NULL in migrate_options. */
typedef void migrate_report_fn(void *arg, struct str file, bool is_applied_now,
    int64_t duration_ms);

struct migrate_options {
	const char *dir; /* folder of NNNN_name.sql */
	int64_t wait_ms; /* for another run to end */
	bool check_only; /* ERR_CONFLICT when something is missing */
	migrate_report_fn *report;
	void *report_arg;
};

/**
 * Bring the database up to date; harmless when it is.
 * @db  of the account tollgate_migrate, with a query time-out that lets an
 *      ALTER TABLE end
 * Errors: ERR_CONFLICT a file was edited, a recorded one is missing here, or
 *         another run is going on; ERR_IO a file can't be read; otherwise
 *         what the statement met, prefixed by file and statement number.
 */
enum err migrate_run(struct db *db, const struct migrate_options *opt,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Take the next statement off the front of *rest: up to a ';' that ends a
 * line, outside quotes and comments. For migrate_run() and tests.
 * Returns false when only space and comments are left.
 */
bool migrate_next_statement(struct str *rest, struct str *ret);

#endif
