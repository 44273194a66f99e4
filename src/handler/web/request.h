/* SPDX-License-Identifier: MIT */
/* What lists say of a request, and its own page about its cost. */
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

/** Fill o with what REQUEST_ROW_KEYS lists. @base  of the customer's requests */
void request_row_add(struct tval *o, struct str base,
    const struct usage_view *v);

#define REQUEST_ROW_KEYS(path)                                       \
 { path ".id", TVAL_TEXT }, { path ".show_href", TVAL_TEXT },        \
     VIEW_TIME_KEYS(path ".time"), { path ".model", TVAL_TEXT },     \
     { path ".provider", TVAL_TEXT }, { path ".status", TVAL_TEXT }, \
     { path ".is_ok", TVAL_BOOL }, { path ".has_cost", TVAL_BOOL },  \
     VIEW_MONEY_KEYS(path ".cost"), { path ".ttft", TVAL_TEXT },     \
 {                                                                   \
  path ".duration", TVAL_TEXT                                        \
 }

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
