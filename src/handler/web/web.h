/* SPDX-License-Identifier: MIT */
/*
 * The browser's side: its handlers, and what the dispatcher calls for them.
 */
#ifndef TG_HANDLER_WEB_WEB_H
#define TG_HANDLER_WEB_WEB_H

#include "domain/principal.h"
#include "domain/session.h"
#include "handler/handler.h"

struct tmpl_set;

handler_fn web_home_show;          /* GET / */
handler_fn web_dashboard_home;     /* GET /dashboard */
handler_fn web_dashboard_show;     /* GET /dashboard/{customer_id} */
handler_fn web_audit_list;         /* GET /dashboard/{customer_id}/audit */
handler_fn web_admin_audit_list;   /* GET /admin/audit */
handler_fn web_billing_show;       /* GET /dashboard/{customer_id}/billing */
handler_fn web_docs_show;          /* GET /docs */
handler_fn web_docs_yaml;          /* GET /docs/openapi.yaml */
handler_fn web_login_show;         /* GET /login */
handler_fn web_login_submit;       /* POST /login, flag CSRF */
handler_fn web_code_show;          /* GET /login/code */
handler_fn web_code_submit;        /* POST /login/code, flag CSRF */
handler_fn web_forgot_show;        /* GET /login/forgot */
handler_fn web_forgot_submit;      /* POST /login/forgot, flag CSRF */
handler_fn web_password_show;      /* GET /login/password/{token} */
handler_fn web_password_submit;    /* POST /login/password, flag CSRF */
handler_fn web_remote_show;        /* GET /login/remote */
handler_fn web_remote_submit;      /* POST /login/remote, flag CSRF */
handler_fn web_settings_show;      /* GET /settings */
handler_fn web_settings_change;    /* POST /settings */
handler_fn web_settings_password;  /* POST /settings/password */
handler_fn web_session_end_one;    /* POST /settings/sessions/{id}/end */
handler_fn web_session_end_others; /* POST /settings/sessions/end */
handler_fn web_factor_show;        /* GET /settings/factor */
handler_fn web_factor_begin;       /* POST /settings/factor */
handler_fn web_factor_confirm;     /* POST /settings/factor/confirm */
handler_fn web_factor_remove;      /* POST /settings/factor/remove */
handler_fn
    web_member_link; /* POST /dashboard/{customer_id}/members/{id}/link */
handler_fn web_logout_submit; /* POST /logout, flag CSRF */
handler_fn web_member_list;   /* GET /dashboard/{customer_id}/members */
/* Keys, below /dashboard/{customer_id}/keys: GET, POST, GET new; GET and POST
 * {id}; POST {id}/toggle and so on. */
handler_fn web_key_list, web_key_create, web_key_new, web_key_show,
    web_key_change, web_key_toggle, web_key_rotate, web_key_revoke;
handler_fn web_limit_list;  /* GET /dashboard/{customer_id}/limits */
handler_fn web_budget_edit; /* GET /dashboard/{customer_id}/budget, and POST */
handler_fn web_budget_change;
handler_fn web_model_list;      /* GET /dashboard/{customer_id}/models */
handler_fn web_playground_show; /* GET /dashboard/{customer_id}/playground */
handler_fn web_playground_ask;  /* and POST */
handler_fn web_request_list;    /* GET /dashboard/{customer_id}/requests */
handler_fn web_request_show;    /* GET …/requests/{request_id} */
handler_fn web_usage_show;      /* GET /dashboard/{customer_id}/usage */
/* Below it and beside it: GET new, POST, GET {id}, POST {id}, and its end. */
#define WEB_THING_FNS(noun)                                           \
 handler_fn web_##noun##_new, web_##noun##_create, web_##noun##_edit, \
     web_##noun##_change, web_##noun##_end
WEB_THING_FNS(agent);
WEB_THING_FNS(connector);
WEB_THING_FNS(customer);
WEB_THING_FNS(member);
WEB_THING_FNS(model);
WEB_THING_FNS(project);
WEB_THING_FNS(provider);
WEB_THING_FNS(tier);
handler_fn web_customer_list, web_provider_list,
    web_tier_list;           /* GET /admin/… */
handler_fn web_model_health; /* GET /admin/models */
handler_fn web_usage_admin;  /* GET /admin/usage */
/* Prices, below /admin/prices: GET; GET and POST {id}, GET {id}/new; GET and
 * POST import, POST import/apply */
handler_fn web_price_list, web_price_show, web_price_new, web_price_create,
    web_price_import_form, web_price_import_plan, web_price_import_apply;
/* GET and POST /admin/providers/{id}/test */
handler_fn web_provider_test_show, web_provider_test_run;
handler_fn web_system_show; /* GET /admin/system */

/* Largest body of a form of ours: two passwords, each byte escaped. */
#define WEB_FORM_BYTES_MAX       KIB(32)
/* That of a price list, of 2 MiB with each byte escaped; as a file less. */
#define WEB_PRICE_LIST_BYTES_MAX (MIB(6) + KIB(16))

/**
 * The gate for credential SESSION: who the session's cookie says it is. On
 * success the caller lets app->who and app->session point to *ret_who and
 * *ret_session; a route that is open to all calls it too, if it wants to know.
 *
 * Errors: ERR_UNAUTHORIZED no cookie, or no session of that id any more; the
 *         database's.
 * Memory: texts in rq->arena.
 */
enum err web_session_load(const struct app *app, const struct request *rq,
    struct principal *ret_who, struct session *ret_session,
    struct error *e) ATTR_MUST_CHECK;

/**
 * The gate for routes that change something, once the body is read: the
 * request came from a page of ours. Checks Sec-Fetch-Site or Origin, the
 * media type, and the form's `csrf` field against the session's cookie (on
 * /login: against the cookie that the sign-in page set).
 *
 * @may_hold_file  the route understands multipart/form-data too
 *
 * Errors: ERR_CSRF; ERR_MEDIA_TYPE; ERR_BAD_REQUEST the form is unreadable.
 */
enum err web_form_check(const struct app *app, const struct request *rq,
    bool may_hold_file, struct error *e) ATTR_MUST_CHECK;

/**
 * Fill rs, which response_reset() has emptied, with the page for an error;
 * for ERR_UNAUTHORIZED on a GET, with a redirect to the sign-in page that
 * comes back here. Never fails: without templates it is a line of text.
 */
void web_error_show(struct app *app, const struct request *rq,
    struct response *rs, const struct error *e);

/**
 * At start and after a reload: every page's templates are there and use
 * declared keys only. Errors: ERR_CONFIG with file and line.
 */
enum err web_templates_check(const struct tmpl_set *set,
    struct error *e) ATTR_MUST_CHECK;

#endif
