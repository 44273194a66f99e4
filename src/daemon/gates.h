/* SPDX-License-Identifier: MIT */
/*
 * What a request passes before its handler, in one array so that the order
 * shows: who is it, may it, its body, did it come from a page of ours.
 * Limits and budgets depend on the model and are domain/admission's.
 */
#ifndef TG_DAEMON_GATES_H
#define TG_DAEMON_GATES_H

#include "daemon/turn.h"

typedef enum err gate_fn(struct turn *t, struct error *e);

/** Run all gates; the first error ends it. Errors: ERR_UNAUTHORIZED,
 * ERR_FORBIDDEN, ERR_CSRF, request_read_body()'s, ERR_OVERLOADED, … */
enum err gates_pass(struct turn *t, struct error *e) ATTR_MUST_CHECK;

/** Give back what gates took for the process's count of body bytes. */
void gates_release_body(struct turn *t);

#endif
