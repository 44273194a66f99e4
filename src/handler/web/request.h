/* SPDX-License-Identifier: MIT */
/* What the page of one request says about its cost. */
#ifndef TG_HANDLER_WEB_REQUEST_H
#define TG_HANDLER_WEB_REQUEST_H

#include "http/tval.h"
#include "store/price.h"
#include "store/usage_page.h"

/* Classes of tokens as people call them. */
extern const char *const request_class_names[TOK_CLASS__MAX];

/**
 * Add `cost_lines` and what follows from them: class x price = amount, their
 * sum, and the cost that it is rounded to. Customers see prices with their
 * markup in it, operators the markup apart.
 * @p  the version that the cost in force was made by; NULL: none
 */
void request_cost_add(struct tval *o, const struct usage_view *v,
    const struct price *p, bool is_operator);

#define REQUEST_COST_KEYS                                                   \
 { "cost_lines", TVAL_LIST }, { "cost_lines.name", TVAL_TEXT },             \
     { "cost_lines.number", TVAL_TEXT }, { "cost_lines.price", TVAL_TEXT }, \
     { "cost_lines.amount", TVAL_TEXT }, { "cost_sum", TVAL_TEXT },         \
     { "has_markup", TVAL_BOOL }, { "markup", TVAL_TEXT },                  \
     { "cost_exact", TVAL_TEXT }, { "is_explained", TVAL_BOOL },            \
 {                                                                          \
  "is_unowed", TVAL_BOOL                                                    \
 }

#endif
