/* SPDX-License-Identifier: MIT */
/* The menu of whoever is signed in, from nav.def. */
#ifndef TG_HANDLER_WEB_NAV_H
#define TG_HANDLER_WEB_NAV_H

#include "handler/handler.h"
#include "http/tval.h"

/**
 * Add `nav`, a list of {name, page_href, is_current}, and `has_nav`; empty for
 * strangers. On a
 * customer's page it is that customer's, elsewhere of who is signed in.
 */
void web_nav_add(struct tval *o, const struct app *app,
    const struct request *rq);

#define WEB_NAV_KEYS                                                        \
 { "has_nav", TVAL_BOOL }, { "nav", TVAL_LIST }, { "nav.name", TVAL_TEXT }, \
     { "nav.page_href", TVAL_TEXT },                                        \
 {                                                                          \
  "nav.is_current", TVAL_BOOL                                               \
 }
#define WEB_NAV_KEYS_N 5

#endif
