/* SPDX-License-Identifier: MIT */
/* Who manages, of a request that is authenticated: by the API or by a page. */
#ifndef TG_HANDLER_MANAGER_H
#define TG_HANDLER_MANAGER_H

#include "domain/resource.h"
#include "handler/handler.h"

/**
 * Take a connection and say who manages: the tenant is the credential's.
 * Then manager_end(). Errors: ERR_FORBIDDEN; the pool's.
 */
enum err manager_begin(struct app *app, const struct request *rq,
    struct manager *ret, struct error *e) ATTR_MUST_CHECK;
/** Take a connection again, after manager_end(). Errors: the pool's; then
 * there is none, which manager_end() takes. */
enum err manager_again(struct app *app, struct manager *m,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Take a connection again after what was done without one.
 * @err  how that ended: it stays the reason, as e says it
 */
enum err manager_resume(struct app *app, struct manager *m, enum err err,
    struct error *e) ATTR_MUST_CHECK;
void manager_end(struct app *app, struct manager *m);

#endif
