/* SPDX-License-Identifier: MIT */
/*
 * A small pool of database connections that threads borrow for one call or
 * transaction. While the database is down, borrowing fails within
 * microseconds: one caller at a time tries to connect, with a growing pause.
 */
#ifndef TG_STORE_DB_POOL_H
#define TG_STORE_DB_POOL_H

#include <stdint.h>

#include "store/db.h"

struct db_pool;

/**
 * @size  most connections at once; none is made before it is asked for
 * Memory: malloc; db_pool_free() when all connections are back.
 */
struct db_pool *db_pool_new(const struct db_options *opt, unsigned size);
void db_pool_free(struct db_pool *pool);

/**
 * Borrow a live connection.
 * @wait_ms  longest wait for another thread to give one back
 * Errors: ERR_DB_DOWN; ERR_OVERLOADED none came free in time.
 */
enum err db_pool_take(struct db_pool *pool, int64_t wait_ms, struct db **ret_db,
    struct error *e) ATTR_MUST_CHECK;
/** Give it back; a broken connection is closed. NULL is fine. */
void db_pool_give(struct db_pool *pool, struct db *db);

/** Whether the last attempt to connect failed. */
bool db_pool_is_down(struct db_pool *pool);

#endif
