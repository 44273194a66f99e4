/* SPDX-License-Identifier: MIT */
/* Table projects: what a customer's keys may be sorted by. */
#ifndef TG_STORE_PROJECT_H
#define TG_STORE_PROJECT_H

#include "store/db.h"

/** Errors: ERR_NOT_FOUND the customer has no such project. */
enum err store_project_check(struct db *db, uint64_t customer_id,
    uint64_t project_id, struct error *e) ATTR_MUST_CHECK;

#endif
