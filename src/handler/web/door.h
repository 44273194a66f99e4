/* SPDX-License-Identifier: MIT */
/* What the pages before the door have in common: sign-in, its second factor,
 * links to set a password. */
#ifndef TG_HANDLER_WEB_DOOR_H
#define TG_HANDLER_WEB_DOOR_H

#include "domain/user.h"
#include "handler/handler.h"
#include "http/param.h"

struct tval;

#define WEB_EMAIL_BYTES_MAX    254
#define WEB_NEXT_BYTES_MAX     1024
#define WEB_PASSWORD_BYTES_MAX KIB(4) /* of a form; the rule says less */

/** The token of a form before there is a session; sets the cookie that it is
 * bound to. Memory: in rq->arena. */
struct str web_door_token(const struct app *app, const struct request *rq,
    struct response *rs);
/** What signing in needs. */
struct sign_in web_door_services(const struct app *app);
/** Where the request comes from; e-mail, password, code are the caller's. */
struct sign_in_attempt web_door_attempt(const struct app *app,
    const struct request *rq);
/** Where to go after signing in: nowhere but on this site. */
struct str web_door_next(const struct app *app, const struct request *rq,
    struct str next);
/**
 * The first or second factor was right: cookies, and on to where that leads.
 * Wipes result.
 */
enum err web_door_enter(const struct app *app, const struct request *rq,
    struct response *rs, struct sign_in_result *result, struct str next,
    struct error *e) ATTR_MUST_CHECK;
/** Set the cookies of a new session. */
void web_door_cookies(const struct app *app, const struct request *rq,
    struct response *rs, const struct sign_in_result *result);
/** Whether e is said on the page itself; then take it: message and status,
 * the header retry-after. */
bool web_door_refused(const struct request *rq, struct response *rs,
    uint64_t wait_s, struct str *ret_message, int *ret_status, struct error *e);

#endif
