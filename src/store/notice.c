/* SPDX-License-Identifier: MIT */
#include "store/notice.h"

#include "store/store_priv.h"

enum err
store_notice_insert(struct db *db, const struct notice_row *n, struct error *e)
{
	return db_exec(db, STMT_NOTICE_INSERT,
	    DB_IN(db_b16(n->uid), db_u64(n->customer_id), db_str(n->kind),
		db_str(n->cause), db_str(n->payload)),
	    NULL, e);
}
