/* SPDX-License-Identifier: MIT */
/* `tollgate reconcile`: do rows, rollups, ledger and journals agree? */
#ifndef TG_ADMIN_RECONCILE_H
#define TG_ADMIN_RECONCILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct db;

/**
 * Compare, and print what was found; differences one a line. The result is
 * kept for the page System.
 * @journal_dir   NULL: the journals are left out
 * @ret_is_clean  false: the command must exit non-zero
 * Errors: the database's, ERR_IO.
 */
enum err admin_reconcile(struct db *db, const char *journal_dir, bool is_json,
    FILE *out, bool *ret_is_clean, struct error *e) ATTR_MUST_CHECK;

#endif
