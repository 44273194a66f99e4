/* SPDX-License-Identifier: MIT */
/*
 * `tollgate journal show`: what this host's journals hold, without asking
 * the database. Reads files only, those of living workers too.
 */
#ifndef TG_ADMIN_JOURNAL_H
#define TG_ADMIN_JOURNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

struct journal_show {
	const char *dir;
	struct str series;  /* 32 hex digits, or the first ones of them; empty:
			       all */
	struct str request; /* a request id; empty: all */
	bool is_json;       /* one array, an object a line */
	bool has_records;   /* every record; else one line a series. Implied by
			       series and request. */
};

/**
 * Errors: ERR_BAD_PARAM an id that is none; ERR_NOT_FOUND nothing matches;
 *         ERR_IO.
 */
enum err admin_journal_show(const struct journal_show *o, FILE *out,
    struct error *e) ATTR_MUST_CHECK;

#endif
