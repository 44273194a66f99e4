/* SPDX-License-Identifier: MIT */
/*
 * The local models that should be served, read from the database again and
 * again by a thread of its own: a database that does not answer must not
 * keep a model server from being started again.
 */
#ifndef TG_ADMIN_MODEL_TABLE_H
#define TG_ADMIN_MODEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"
#include "store/deployment.h"

/* What was read at one instant. */
struct model_rows {
	struct arena arena;
	struct deployment_served *rows;
	size_t n;
};
void model_rows_free(struct model_rows *r);

struct model_table;

/**
 * Start the thread; signals stay blocked in it.
 * @db  outlives the table
 */
enum err model_table_start(const struct db_options *db,
    struct model_table **ret, struct error *e) ATTR_MUST_CHECK;
/** Readable once there is something new to take. */
int model_table_fd(const struct model_table *t);
/** What was read last, or NULL when nothing was since. The caller's. */
struct model_rows *model_table_take(struct model_table *t);
/**
 * Tell the thread to end. Returns false when it has not after a second,
 * because the database holds it: the process must end without cleaning up.
 */
bool model_table_stop(struct model_table *t);

#endif
