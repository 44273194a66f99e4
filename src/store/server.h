/* SPDX-License-Identifier: MIT */
/* What the database server says of itself: for `tollgate doctor` and the
 * page System. */
#ifndef TG_STORE_SERVER_H
#define TG_STORE_SERVER_H

#include "store/db.h"

struct server_facts {
	struct str version;
	struct str flush_log; /* innodb_flush_log_at_trx_commit */
	struct str isolation; /* the server's default */
	int64_t now_ms;       /* its clock */
};

/** Memory: texts in a; what the server doesn't have has p == NULL. */
enum err store_server_facts(struct db *db, struct arena *a,
    struct server_facts *ret, struct error *e) ATTR_MUST_CHECK;
/** Most requests in an hour of last week, from all its sums: not for a page.
 * @a  scratch */
enum err store_server_peak(struct db *db, struct arena *a, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
