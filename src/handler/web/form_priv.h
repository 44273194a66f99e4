/* SPDX-License-Identifier: MIT */
/* Between form.c and the files form_*.c only: a form's fields. */
#ifndef TG_HANDLER_WEB_FORM_PRIV_H
#define TG_HANDLER_WEB_FORM_PRIV_H

#include "handler/web/form.h"

#define FORM_MINUTE_CHARS 16 /* of "2026-11-26T14:05" */

/** Whether the form has its field i: some are only where a thing is made, or
 * where it is changed. */
bool web_form_has(const struct web_form *f, size_t i);
struct str web_form_name(const struct web_form *f, size_t i);
/** "budget" of "budget/amount_usd"; all of a name without a slash. */
struct str web_form_outer(const struct web_form *f, size_t i);
/** "amount_usd" of "budget/amount_usd"; NULL of a name without a slash. */
const char *web_form_inner(const struct web_form *f, size_t i);

/** Whether it holds several values, a line each. */
bool form_control_has_many(enum form_control c);
/** The next of a field's lines that says something. False: there is none. */
bool form_next_line(struct str *rest, struct str *ret);

#endif
