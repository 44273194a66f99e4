/* SPDX-License-Identifier: MIT */
/* Between key_act.c, key_check.c, key_cover.c and key_manage.c only. */
#ifndef TG_DOMAIN_KEY_MANAGE_PRIV_H
#define TG_DOMAIN_KEY_MANAGE_PRIV_H

#include "domain/key_manage.h"

/**
 * Whether who manages may do that to a key. What is to become of it is row;
 * where that is before itself, nothing of it changes.
 * Errors: ERR_FORBIDDEN naming the parameter; the database's.
 */
enum err key_cover_change(const struct manager *m, struct arena *a,
    const struct key_row *before, const struct key_row *row,
    struct error *e) ATTR_MUST_CHECK;
/**
 * The same of a new key. What it leaves open becomes the caller's key's own.
 */
enum err key_cover_new(const struct manager *m, struct arena *a,
    struct key_row *row, struct error *e) ATTR_MUST_CHECK;
/**
 * Who is signed in states no limit of a key beyond what holds without.
 * @before  what it stated before; NULL: it is made
 * @own     what it is to state
 * Errors: ERR_FORBIDDEN naming the limit; ERR_NOT_FOUND; the database's.
 */
enum err key_cover_limits(const struct manager *m, struct arena *a,
    uint64_t customer_id, uint64_t api_key_id, const struct limit_set *before,
    const struct limit_set *own, struct error *e) ATTR_MUST_CHECK;

/** The rules of a change. Sets the number of row's tier. */
enum err key_check_change(const struct manager *m, struct arena *a,
    const struct key_row *before, struct key_row *row,
    struct error *e) ATTR_MUST_CHECK;
/** The rules of a new one. Sets the number of its tier, and whom it meters to
 * where it doesn't say. */
enum err key_check_new(const struct manager *m, struct arena *a,
    struct key_row *row, struct error *e) ATTR_MUST_CHECK;

#endif
