/* SPDX-License-Identifier: MIT */
/* Who did what the audit log says, in words. */
#ifndef TG_HANDLER_WEB_AUDIT_ACTOR_H
#define TG_HANDLER_WEB_AUDIT_ACTOR_H

#include "domain/resource.h"
#include "store/audit.h"

/**
 * Who did it: of a user the address, but a customer learns none of the
 * operator's people.
 * Errors: the database's. Memory: in a.
 */
enum err web_audit_actor(const struct manager *m, const struct audit *row,
    struct arena *a, struct str *ret, struct error *e) ATTR_MUST_CHECK;

#endif
