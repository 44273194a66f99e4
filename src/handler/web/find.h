/* SPDX-License-Identifier: MIT */
/* What a list is looked through by: partial/find.html. */
#ifndef TG_HANDLER_WEB_FIND_H
#define TG_HANDLER_WEB_FIND_H

#include "http/tval.h"

#define WEB_FIND_BYTES 200

#define WEB_FIND_MODEL    "Model's name"
#define WEB_FIND_CUSTOMER "Name, e-mail address or company"

/* A field for `find`, of the list itself. */
#define WEB_FIND_KEYS                                     \
 { "list_href", TVAL_TEXT }, { "find_label", TVAL_TEXT }, \
 {                                                        \
  "find", TVAL_TEXT                                       \
 }

/** Add those. @label  NULL: nothing is looked for in this list */
void web_find_add(struct tval *o, const char *label, struct str find,
    struct str list_href);
/** Whether a name has what is looked for, in capitals or not; n == 0: nothing
 * is looked for. */
bool web_find_fits(struct str name, struct str find);

#endif
