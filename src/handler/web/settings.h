/* SPDX-License-Identifier: MIT */
/* Settings: of whoever is signed in, and of nobody else. */
#ifndef TG_HANDLER_WEB_SETTINGS_H
#define TG_HANDLER_WEB_SETTINGS_H

#include "domain/resource.h"
#include "handler/handler.h"
#include "store/session.h"
#include "store/user.h"

struct tval;

/* The page's forms. */
enum settings_part {
	SETTINGS_NONE,
	SETTINGS_PROFILE,
	SETTINGS_PASSWORD,
};

/** The page once more, with what is wrong with one of its forms: what e says.
 * Gives back what is none of the form's fault. */
enum err web_settings_refused(struct app *app, const struct request *rq,
    struct response *rs, enum settings_part part,
    struct error *e) ATTR_MUST_CHECK;
/** See other: a page of the settings, saying what was done. */
enum err web_settings_redirect(const struct app *app, const struct request *rq,
    struct response *rs, const char *path, const char *done,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Do something to the own user, in a transaction with its audit row.
 */
enum err web_settings_act(struct app *app, const struct request *rq,
    const struct resource_act *act, void *arg, struct user *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Put a failure in the audit log: what it was in was rolled back, or changed
 * nothing. Returns e as it is.
 * @action  what failed, about who is signed in
 * @is_throttled  because there were too many attempts
 * Errors: instead, those of writing it.
 */
enum err web_settings_audit_failure(struct app *app, const struct request *rq,
    const char *action, bool is_throttled, struct error *e) ATTR_MUST_CHECK;
/** Check the password of who is signed in. A wrong one is in the audit log, and
 * the first refusal by a limit. Sets the header retry-after with ERR_RATE_LIMITED.
 * Errors: those of user_password_confirm(); of writing the log. */
enum err web_settings_confirm(struct app *app, const struct request *rq,
    struct response *rs, struct str password, struct error *e) ATTR_MUST_CHECK;

/** Set the page's list of sessions. */
void web_settings_sessions(struct tval *o, const struct app *app,
    const struct session_listed *sessions, size_t n);

#endif
