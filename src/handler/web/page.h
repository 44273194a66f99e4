/* SPDX-License-Identifier: MIT */
/*
 * What all pages have in common: the frame around them, their links, and the
 * headers that keep a browser from doing anything but showing them.
 */
#ifndef TG_HANDLER_WEB_PAGE_H
#define TG_HANDLER_WEB_PAGE_H

#include "base/str.h"
#include "handler/handler.h"
#include "handler/web/nav.h"
#include "http/tmpl.h"
#include "http/url.h"

/* Largest page. */
#define PAGE_BYTES_MAX MIB(4)

/* Every page, for the check at start. */
extern const struct tmpl_page page_admin_list;
extern const struct tmpl_page page_audit;
extern const struct tmpl_page page_billing;
extern const struct tmpl_page page_customers;
extern const struct tmpl_page page_dashboard;
extern const struct tmpl_page page_docs;
extern const struct tmpl_page page_error;
extern const struct tmpl_page page_factor;
extern const struct tmpl_page page_factor_codes;
extern const struct tmpl_page page_forgot;
extern const struct tmpl_page page_form;
extern const struct tmpl_page page_key;
extern const struct tmpl_page page_key_list;
extern const struct tmpl_page page_key_new;
extern const struct tmpl_page page_key_secret;
extern const struct tmpl_page page_limits;
extern const struct tmpl_page page_link;
extern const struct tmpl_page page_login;
extern const struct tmpl_page page_login_code;
extern const struct tmpl_page page_login_password;
extern const struct tmpl_page page_login_remote;
extern const struct tmpl_page page_members;
extern const struct tmpl_page page_model_health;
extern const struct tmpl_page page_model_list;
extern const struct tmpl_page page_playground;
extern const struct tmpl_page page_price_import;
extern const struct tmpl_page page_price_plan;
extern const struct tmpl_page page_prices;
extern const struct tmpl_page page_provider_test;
extern const struct tmpl_page page_request;
extern const struct tmpl_page page_requests;
extern const struct tmpl_page page_settings;
extern const struct tmpl_page page_system;
extern const struct tmpl_page page_usage;

/* Keys that web_page_begin() sets; .common of each page. */
#define PAGE_COMMON_N (16 + WEB_NAV_KEYS_N)
extern const struct tmpl_key page_common_keys[PAGE_COMMON_N];

/** The rest of a struct tmpl_page: body, keys. */
#define PAGE(body_, keys_)                                \
 {                                                        \
  .layout = "layout", .body = (body_), .keys = (keys_),   \
  .n_keys = ARRAY_LEN(keys_), .common = page_common_keys, \
  .n_common = PAGE_COMMON_N                               \
 }

/**
 * The last row of the table of a page's parameters, for pages that something
 * done leads back to: what was done, as done.def says.
 */
#define WEB_DONE_PARAM                                     \
 {                                                         \
  .name = "done", .type = PARAM_ASCII, .min = 1, .max = 64 \
 }

/** The values of a page, with the common ones set. NULL when the arena is
 * full; builders take that. */
struct tval *web_page_begin(const struct app *app, const struct request *rq,
    const struct tmpl_page *page, struct str title);
/** The same, of a customer's page. */
struct tval *web_page_begin_for(const struct app *app, const struct request *rq,
    const struct tmpl_page *page, struct str title, struct str customer_name);
/**
 * Render the page into rs.
 * With templates.reload the values are checked against the page's keys.
 * Errors: ERR_NO_MEMORY; ERR_CONFIG templates or values are not right.
 */
enum err web_page_send(const struct app *app, const struct request *rq,
    struct response *rs, int status, const struct tmpl_page *page,
    const struct tval *root, struct error *e) ATTR_MUST_CHECK;
/** 304, which has no body, with the pages' headers; rs has the etag. */
enum err web_page_unchanged(struct response *rs,
    struct error *e) ATTR_MUST_CHECK;
/** A redirect with the pages' headers. */
enum err web_page_redirect(struct response *rs, struct str location,
    struct error *e) ATTR_MUST_CHECK;

/** base_path + path + "/" + id, for …_href keys; id 0: without it. */
struct str web_href(const struct app *app, struct arena *a, const char *path,
    uint64_t id);

/**
 * A whole address of ours, as whoever asks reaches us: for reading and
 * copying, not for links of others.
 * @path  below base_path. Memory: in rq->arena.
 */
struct str web_absolute(const struct app *app, const struct request *rq,
    struct str path);

#endif
