/* SPDX-License-Identifier: MIT */
/* Prices as pages show them: USD for a million tokens of each class. */
#ifndef TG_HANDLER_WEB_PRICE_VIEW_H
#define TG_HANDLER_WEB_PRICE_VIEW_H

#include "base/err.h"
#include "base/tok_class.h"
#include "handler/web/view.h"

struct price;

/* What a class is called. */
extern const char *const web_price_classes[TOK_CLASS__MAX];

/**
 * Set `prices`, `has_request` and `request`.
 * @is_whole  also media that it has no price for
 * Errors: ERR_MONEY_RANGE.
 */
enum err web_price_view(struct tval *o, const struct price *p,
    uint64_t markup_ppm, bool is_whole, struct error *e) ATTR_MUST_CHECK;

#define WEB_PRICE_KEYS(path)                                                   \
 { path ".prices", TVAL_LIST }, { path ".prices.what", TVAL_TEXT },            \
     { path ".prices.normal", TVAL_TEXT }, { path ".prices.long", TVAL_TEXT }, \
     { path ".has_request", TVAL_BOOL }, VIEW_MONEY_KEYS(path ".request")

#endif
