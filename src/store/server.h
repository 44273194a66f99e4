/* SPDX-License-Identifier: MIT */
/* What the database server says of itself: for `tollgate doctor`. */
#ifndef TG_STORE_SERVER_H
#define TG_STORE_SERVER_H

#include "store/db.h"

struct server_facts {
	struct str version;
	struct str flush_log;     /* innodb_flush_log_at_trx_commit */
	struct str isolation;     /* the server's default */
	int64_t now_ms;           /* its clock */
	uint64_t peak_hour_count; /* most requests in an hour of last week */
};

/** Memory: texts in a; what the server doesn't have has p == NULL. */
enum err store_server_facts(struct db *db, struct arena *a,
    struct server_facts *ret, struct error *e) ATTR_MUST_CHECK;

#endif
